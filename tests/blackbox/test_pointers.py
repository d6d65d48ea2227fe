"""Pointers and releases: a state is loaded whatever its sequence, never an older one, and every worker is told of."""

import json
import shutil

from bench.serving.processes import wait_for
from tests.blackbox.traffic import decide_all

CUTOFF, EARLIER = "2024-10-03", "2024-10-02"
OTHER = "2024-10-02-00000007"


def point(home, **changes):
    """Change the state pointer as an export does; its sequence grows by one."""
    path = home / "state" / "pointer.json"
    pointer = json.loads(path.read_text())
    fresh = path.with_name("fresh.json")
    fresh.write_text(json.dumps({**pointer, "sequence": pointer["sequence"] + 1, **changes}))
    fresh.replace(path)


def test_the_same_state_with_another_sequence_is_no_trouble(build, scorer_of):
    """An export that is repeated names the same folder again; no worker stumbles over its open file."""
    home = build()
    with scorer_of(home) as scorer:
        point(home)
        decide_all(scorer, range(100))
        point(home)
        decide_all(scorer, range(100, 200))

        assert all(scorer.status()["troubles"] == {} for _ in range(20))
        assert all(worker.get("troubles", {}) == {} for worker in scorer.status()["workers"])


def test_an_older_state_is_not_taken(build, scorer_of):
    """A pointer to an earlier cut-off is a trouble with a reason; the state in use stays."""
    home = build()
    folder = next((home / "state").glob("2024-*"))
    shutil.copytree(folder, home / "state" / OTHER)
    manifest = home / "state" / OTHER / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "cutoff": EARLIER}))
    with scorer_of(home) as scorer:
        point(home, cutoff=EARLIER, path=OTHER)
        wait_for(lambda: any(scorer.status()["troubles"].get("state") for _ in range(20)), "a trouble", 15)

        assert {scorer.status()["state_cutoff"] for _ in range(20)} == {CUTOFF}


def test_the_status_shows_every_worker(build, scorer_of):
    """Each worker is listed with what it serves, and whether all agree."""
    with scorer_of(build()) as scorer:
        status = scorer.status()

        assert status["converged"] is True
        assert {worker["pid"] for worker in status["workers"]} == set(scorer.workers())
        for worker in status["workers"]:
            # A new store begins with a resume; in earlier versions it began by itself.
            epoch = status["switch"]["epoch"]
            assert (worker["release"], worker["state_cutoff"], worker["epoch"]) == ("first", CUTOFF, epoch)
            assert worker["host"]
            assert worker["age"] <= 5
