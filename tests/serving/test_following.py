"""A worker takes newer releases and states, the previous release again, and no older cut-off by accident."""

import dataclasses
import gc
import json
import shutil
import weakref

import pytest

from antifraud.artifacts.state_export import StatePointer
from antifraud.errors import ReleaseError
from antifraud.files import replace_file
from serving.worker import poller
from serving.worker.following import Follower
from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, Scorer, export_state, promote


def point(home, **changes):
    """Change the state pointer."""
    path = home / "state" / "pointer.json"
    replace_file(path, json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_previous_value_comes_back_without_loading():
    """Two values are kept; the third drops the one that was used longest ago."""
    loads = []
    follower = Follower(lambda name: loads.append(name) or name.upper(), keep=2)

    for name in ("a", "b", "a", "b", "c", "b", "a"):
        assert follower.follow(name)
        assert (follower.pointer, follower.value) == (name, name.upper())

    assert loads == ["a", "b", "c", "a"]


def test_a_broken_value_leaves_the_earlier_one():
    """A failed load is not repeated at once, and neither a missing pointer nor the earlier one counts as a failure."""

    def load(name):
        if name == "broken":
            raise ReleaseError("it is")
        return name

    follower = Follower(load)
    follower.follow("a")
    with pytest.raises(ReleaseError):
        follower.follow("broken")

    assert (follower.follow("broken"), follower.follow(None), follower.follow("a")) == (False, True, True)
    assert follower.value == "a"


def test_a_return_to_the_previous_release_reads_no_file(scorer, home):
    """Even if its bundle was damaged meanwhile: what serves again is what was verified."""
    promote(home, "second")
    scorer.poller.poll()
    promote(home, "first")
    (home / "releases" / "first" / "model.onnx").write_bytes(b"damaged")

    scorer.poller.poll()

    assert scorer.decide().json["release"] == "first"
    assert scorer.services.troubles == {}


def test_a_state_of_the_same_path_with_a_new_sequence_is_taken(scorer, home):
    """The pointer was replaced, the file was not: the open environment serves on."""
    before = scorer.services.serving.state
    point(home, sequence=2)

    scorer.poller.poll()

    now = scorer.services.serving.state
    assert (now is before, now.environment is before.environment) == (False, True)
    assert scorer.services.troubles == {}
    assert scorer.get("/v1/status").json["workers"][0]["state"]["sequence"] == 2


def test_a_state_that_was_replaced_under_its_path_is_taken(scorer, home):
    """A folder that was made anew is another file, and the earlier one is closed with its last request."""
    before = weakref.ref(scorer.services.serving.state.environment)
    shutil.rmtree(home / "state" / "2024-10-03-00000001")
    export_state(home / "state", DAY - 1, {"k1.new": ({}, {}, NO_LABELS)}, sequence=1)
    point(home, sequence=2)

    scorer.poller.poll()
    gc.collect()

    environment = scorer.services.serving.state.environment
    with environment.begin() as transaction:
        assert transaction.get(b"k1.new") is not None
    assert (before(), scorer.services.troubles) == (None, {})


def test_a_state_is_open_as_long_as_a_request_uses_it(scorer, home):
    """A request that began before the swap reads its own state to the end."""
    used = scorer.services.serving.state
    export_state(home / "state", DAY, {}, sequence=2)

    scorer.poller.poll()

    assert scorer.services.serving.state.cutoff == DAY
    assert used.entity(CUSTOMER).days == {}


def test_an_older_cut_off_is_refused(scorer, home):
    """The trouble names both cut-offs and the way back, and goes when the pointer is newer again."""
    export_state(home / "state", DAY - 3, {}, sequence=2)

    scorer.poller.poll()

    assert scorer.decide().json["state_cutoff"] == "2024-10-03"
    trouble = scorer.get("/v1/status").json["troubles"]["state"]
    assert "has cut-off 2024-10-01, but 2024-10-03 is in use" in trouble
    assert "--day 2024-10-01 --allow-older" in trouble
    export_state(home / "state", DAY, {}, sequence=3)
    scorer.poller.poll()
    assert (scorer.decide(transaction_id=2).json["state_cutoff"], scorer.services.troubles) == ("2024-10-04", {})


def test_a_person_can_move_the_pointer_back(scorer, home):
    """With the mark of `--allow-older` the older state is taken, and the log warns of it."""
    export_state(home / "state", DAY - 3, {}, sequence=2)
    point(home, moved_back=True)

    scorer.poller.poll()

    assert scorer.decide().json["state_cutoff"] == "2024-10-01"
    assert ("warning", "state moved back", {"before": "2024-10-03"}) in scorer.log.lines


def test_a_restarted_worker_keeps_the_state_of_the_others(scorer, home):
    """Another worker of the same store refuses the older cut-off, too, and serves what the others serve."""
    export_state(home / "state", DAY - 3, {}, sequence=2)
    restarted = Scorer(home)
    scorer.close()

    restarted.poller.poll()

    assert restarted.decide().json["state_cutoff"] == "2024-10-03"
    assert "has cut-off 2024-10-01" in restarted.services.troubles["state"]
    restarted.close()


def test_an_older_cut_off_is_taken_when_no_worker_uses_a_newer_one(scorer, home, monkeypatch):
    """Reports that are older than a minute bind nobody."""
    later = dataclasses.replace(poller.WALL_CLOCK, offset_seconds=61)
    monkeypatch.setattr(poller, "WALL_CLOCK", later)
    export_state(home / "state", DAY - 3, {}, sequence=2)
    restarted = Scorer(home)
    scorer.close()

    restarted.poller.poll()

    assert (restarted.decide().json["state_cutoff"], restarted.services.troubles) == ("2024-10-01", {})
    restarted.close()


def test_a_pointer_of_an_earlier_version_is_read(home):
    """Without the mark it stands for a pointer that was not moved back."""
    pointer = json.loads((home / "state" / "pointer.json").read_text())

    assert StatePointer(**pointer) == StatePointer("2024-10-03", "2024-10-03-00000001", 1, moved_back=False)
