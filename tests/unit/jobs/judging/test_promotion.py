"""Promotion is atomic: killed, repeated or refused, it leaves a complete release in service."""

import dataclasses
import datetime as dt
import fcntl
import json
import os
import shutil
import signal
import sys
import time

import pytest

import jobs.promote
from antifraud.artifacts.bundle import open_release, write_bundle
from antifraud.artifacts.pointer import Pointer, activate, read_pointer
from antifraud.errors import ChampionUnjudged, GateRefused, ReleaseError, SettingsError, TrackingError
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.files import exclusive
from antifraud.gate.findings import Verdict
from antifraud.keys.signing import PublicKey, generate_signing_keys
from antifraud.settings.core import JobSettings
from jobs.judging.promote import promote
from jobs.promote import _parser, main
from jobs.training.candidate import write_candidate
from tests.release_keys import PUBLIC, SIGNING, put_keys
from tests.report_example import FILES, INFO, put_candidate

OLD, OTHER, NEW = "2026-04-09-aaaaaaaa", "2026-04-09-0000ffff", "2026-04-10-bbbbbbbb"
YESTERDAY, TODAY = dt.date(2026, 4, 9), dt.date(2026, 4, 10)
BEFORE, AFTER = Pointer(OLD, None, OLD, 1), Pointer(NEW, OLD, OLD, 2)
MOVED = Pointer(OLD, None, OLD, 5, "by hand")
CHANGES_FILES = {"open", "write", "flush", "close", "mkdir", "rename", "replace", "unlink", "remove", "rmdir", "flock"}


@pytest.fixture
def home(tmp_path):
    """Make a home in which yesterday's release serves and today's candidate has passed."""
    folder = tmp_path / "home"
    folder.mkdir()
    put_keys(folder)
    put_candidate(folder, "2026-04-09", OLD)
    put_candidate(folder, "2026-04-10", NEW, pointer_sequence=1)
    promote(JobSettings(home=folder), YESTERDAY)
    return folder


def promote_until(step, settings):
    """Promote in a process that is killed just before its `step`-th change of files; return whether it got through."""
    child = os.fork()
    if child == 0:
        die_before(step)
        promote(settings, TODAY)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}
    return status == 0


def die_before(step):
    calls = 0

    def look(_frame, event, function):
        nonlocal calls
        owner = type(getattr(function, "__self__", "")).__name__
        if event == "c_call" and function.__name__ in CHANGES_FILES and owner not in {"str", "bytes", "list", "set"}:
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


def test_a_kill_at_any_instant_leaves_a_complete_release(home, tmp_path, monkeypatch):
    """After a kill before any change of files, the old or the new release serves whole, and a re-run completes.

    Syncing is switched off: it protects against power cuts only, because the system keeps a killed process's writes.
    """
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    found, through, step = [], False, 0
    while not through:
        step += 1
        work = shutil.copytree(home, tmp_path / "work")
        settings = JobSettings(home=work)
        through = promote_until(step, settings)
        pointer = read_pointer(settings.releases_dir)
        found.append(pointer)
        for bundle in {path.name for path in settings.releases_dir.glob("[!.]*/")} | {pointer.release}:
            open_release(settings, bundle)
        assert promote(settings, TODAY) == AFTER
        assert sorted(path.name for path in settings.releases_dir.iterdir()) == [".lock", OLD, NEW, "pointer.json"]
        shutil.rmtree(work)
    assert step > 50
    switched = found.index(AFTER)
    assert found == [BEFORE] * switched + [AFTER] * (len(found) - switched)
    assert 0 < switched < len(found)


def test_twice_is_once(home):
    """A second promotion changes neither bundle nor pointer."""
    settings = JobSettings(home=home)
    assert promote(settings, TODAY) == AFTER
    before = {path: path.stat().st_mtime_ns for path in settings.releases_dir.rglob("[!.]*")}

    assert promote(settings, TODAY) == AFTER
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_clock_that_moves_backwards_changes_nothing(home, monkeypatch):
    """Promotion reads no clock and no file times, so that a bundle from the future changes nothing."""

    def no_clock():
        raise AssertionError("a clock was read")

    settings = JobSettings(home=home)
    future = (4_000_000_000, 4_000_000_000)
    os.utime(settings.releases_dir / OLD, future)
    os.utime(settings.releases_dir / "pointer.json", future)
    for name in ("time", "time_ns", "monotonic", "localtime", "gmtime"):
        monkeypatch.setattr(time, name, no_clock)

    assert promote(settings, TODAY) == AFTER


def test_two_promotions_take_turns(home):
    """A promotion waits while another process holds the lock, and goes on when that process dies."""
    settings = JobSettings(home=home)
    holder = os.fork()
    if holder == 0:
        with exclusive(settings.releases_dir):
            signal.pause()
    with (settings.releases_dir / ".lock").open() as lock:
        while not _is_held(lock):
            time.sleep(0.01)
    waiting = os.fork()
    if waiting == 0:
        promote(settings, TODAY)
        os._exit(0)
    time.sleep(0.3)
    assert read_pointer(settings.releases_dir) == BEFORE
    os.kill(holder, signal.SIGKILL)
    assert [os.waitpid(process, 0)[1] for process in (holder, waiting)] == [signal.SIGKILL, 0]
    assert read_pointer(settings.releases_dir) == AFTER


def _is_held(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(lock, fcntl.LOCK_UN)
    return False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"verdict": Verdict.FAIL, "reasons": ("The rate is too high.",), "action": "Raise it."},
            r"FAIL, so it does not serve\. The rate is too high\. Raise it\.",
        ),
        ({"verdict": Verdict.INFEASIBLE}, "INFEASIBLE, so it does not serve"),
        (
            {"promotable": False, "promotable_reason": "May be worse."},
            r"PASS, but it does not replace the champion\. May be worse\.",
        ),
    ],
)
def test_what_the_gate_forbids_is_refused(home, changes, message):
    """A verdict other than PASS, or a PASS that may be worse than the champion, is refused; the old release stays."""
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=1, **changes)
    settings = JobSettings(home=home)

    with pytest.raises(GateRefused, match=message):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir) == BEFORE
    assert not (settings.releases_dir / NEW).exists()


@pytest.mark.parametrize("changes", [{"promotable": True}, {"promotable": True, "promotable_reason": "Better."}])
def test_what_the_gate_allows_is_promoted(home, changes):
    """A PASS that may replace the champion is promoted."""
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=1, **changes)

    assert promote(JobSettings(home=home), TODAY) == AFTER


def test_a_rollback_is_not_undone(home):
    """After a rollback the same candidate is refused until it is validated again."""
    settings = JobSettings(home=home)
    promote(settings, TODAY)
    back = activate(settings.releases_dir, OLD, PublicKey.read(settings.release_public_key_path), reason="by hand")

    with pytest.raises(GateRefused, match=rf"at change 1 of the release pointer, now it is at change 3 and {OLD}"):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir) == back

    put_candidate(home, "2026-04-10", NEW, pointer_sequence=3)
    assert promote(settings, TODAY) == Pointer(NEW, OLD, OLD, 4)


def test_a_report_that_does_not_say_what_served_is_not_enough(home):
    """A report that does not name the pointer's change, such as one of an earlier version, is refused."""
    put_candidate(home, "2026-04-10", NEW)

    with pytest.raises(GateRefused, match="at change None of the release pointer"):
        promote(JobSettings(home=home), TODAY)


def test_another_threshold_does_not_serve_under_the_same_id(home):
    """A candidate validated again with another threshold is refused, because its release's id exists already."""
    settings = JobSettings(home=home)
    promote(settings, TODAY)
    activate(settings.releases_dir, OLD, PublicKey.read(settings.release_public_key_path))
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=3, threshold=90_000)

    with pytest.raises(ReleaseError, match=f"release {NEW} exists with other content"):
        promote(settings, TODAY)


def test_a_pointer_that_moves_during_promotion_stays(home, monkeypatch):
    """If the pointer moves between the checks and the switch, the promotion is refused and the pointer stays."""
    settings = JobSettings(home=home)

    def write_and_move(*arguments):
        (settings.releases_dir / "pointer.json").write_text(json.dumps(dataclasses.asdict(MOVED)))
        return write_bundle(*arguments)

    monkeypatch.setattr("jobs.judging.promote.write_bundle", write_and_move)
    with pytest.raises(ReleaseError, match="the pointer is at change 5, but 1 was expected: read it again first"):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir) == MOVED


def test_validated_again_after_promotion_is_still_one_promotion(home):
    """A candidate that serves and is validated again is not promoted twice, and its release stays as it is."""
    settings = JobSettings(home=home)
    promote(settings, TODAY)
    bundle = open_release(settings, NEW)
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=2, promotable_reason="There is no champion.")

    assert promote(settings, TODAY) == AFTER
    assert open_release(settings, NEW) == bundle


def test_another_model_under_the_same_id_is_refused(home):
    """A release is never rewritten: a different model under the same id is refused."""
    settings = JobSettings(home=home)
    promote(settings, TODAY)
    folder = home / "candidates" / "2026-04-10"
    report = (folder / "report.json").read_text()
    write_candidate(folder, FILES, {**INFO, "id": NEW, "inputs": "1"})
    (folder / "report.json").write_text(report)

    with pytest.raises(ReleaseError, match=f"release {NEW} exists with other content"):
        promote(settings, TODAY)


def test_a_broken_champion_does_not_stand_in_the_way(home, capsys):
    """A champion with a damaged file cannot serve, so any PASS replaces it, and the log says why."""
    settings = JobSettings(home=home)
    (settings.releases_dir / OLD / "model.onnx").write_bytes(b"other")

    assert promote(settings, TODAY) == AFTER
    assert f"model.onnx of bundle {OLD} has SHA-256" in capsys.readouterr().out


def serve_other_features(home, features):
    """Put a release with other features into service, and validate today's candidate beside it."""
    manifest = {"as_of": "2026-04-09", "feature_set": "0123456789abcdef", "features": features}
    releases = JobSettings(home=home).releases_dir
    write_bundle(releases, OTHER, {"model.onnx": b"other"}, manifest, SIGNING)
    pointer = activate(releases, OTHER, PUBLIC)
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=pointer.sequence)
    return pointer


def test_a_champion_of_other_features_is_not_replaced_unjudged(home):
    """A champion of other features stays unless it is named.

    The error tells both feature sets, their difference and what to do.
    """
    before, settings = serve_other_features(home, [*FEATURE_NAMES[1:], "shoe_size"]), JobSettings(home=home)

    with pytest.raises(ChampionUnjudged) as refused:
        promote(settings, TODAY)
    assert str(refused.value).startswith(
        f"{OTHER}, which serves, has feature set 0123456789abcdef, candidate {NEW} has {feature_set_hash()} "
        f"(without shoe_size; new {FEATURE_NAMES[0]}): it cannot be judged on today's features"
    )
    assert f"promote with --replace-unjudged {OTHER} (DAG retrain: replace_unjudged)" in str(refused.value)
    assert ChampionUnjudged.exit_code == 42
    assert read_pointer(settings.releases_dir) == before
    assert not (settings.releases_dir / NEW).exists()


def test_formulas_that_changed_are_other_features(home):
    """Features with the same names but other formulas count as another feature set."""
    serve_other_features(home, FEATURE_NAMES)

    with pytest.raises(ChampionUnjudged, match=r"\(the same names, other formulas\)"):
        promote(JobSettings(home=home), TODAY)


def test_a_champion_of_other_features_goes_if_it_is_named(home, monkeypatch):
    """A champion of other features is replaced only by its own id.

    The pointer keeps the reason, and the next candidate needs no naming.
    """
    serve_other_features(home, FEATURE_NAMES)
    settings = JobSettings(home=home)
    monkeypatch.setattr(jobs.promote, "follow", lambda *_: None)

    with pytest.raises(ChampionUnjudged):
        promote(settings, TODAY, replace_unjudged=OLD)
    main(settings, _parser().parse_args(["--as-of", str(TODAY), "--replace-unjudged", OTHER]))
    after = Pointer(NEW, OTHER, OLD, 3, f"in place of {OTHER}, which could not be judged")
    assert read_pointer(settings.releases_dir) == after
    assert promote(settings, TODAY) == after

    put_candidate(home, "2026-04-11", "2026-04-11-cccccccc", pointer_sequence=3)
    assert promote(settings, dt.date(2026, 4, 11)) == Pointer("2026-04-11-cccccccc", NEW, OLD, 4)


def test_naming_a_champion_that_was_judged_changes_nothing(home):
    """Naming a champion of the same features does not let a candidate in that the gate forbids."""
    put_candidate(home, "2026-04-10", NEW, pointer_sequence=1, promotable=False, promotable_reason="May be worse.")
    with pytest.raises(GateRefused, match="May be worse"):
        promote(JobSettings(home=home), TODAY, replace_unjudged=OLD)

    put_candidate(home, "2026-04-10", NEW, pointer_sequence=1)
    assert promote(JobSettings(home=home), TODAY, replace_unjudged=OLD) == AFTER


def test_keys_that_do_not_belong_together_make_no_release(home):
    """With two keys that do not belong together no release is written, because no scorer would accept it."""
    settings = JobSettings(home=home)
    (home / "secrets" / "release.key").unlink()
    generate_signing_keys(home / "secrets" / "release.key", home / "other.pub")

    with pytest.raises(SettingsError, match="is not the public half"):
        promote(settings, TODAY)
    assert not (settings.releases_dir / NEW).exists()


def test_a_candidate_of_other_features_is_refused(home, monkeypatch):
    """A candidate that was trained before an upgrade of the features is refused, and the old release stays."""
    monkeypatch.setattr("jobs.judging.promote.feature_set_hash", lambda: "0123456789abcdef")
    settings = JobSettings(home=home)

    with pytest.raises(ReleaseError, match="this code has 0123456789abcdef: train it again"):
        promote(settings, TODAY)
    assert read_pointer(settings.releases_dir) == BEFORE


def test_without_a_pointer_there_is_nothing_to_follow(tmp_path):
    """Aliases follow the release pointer, so repairing them without a pointer is refused."""
    with pytest.raises(ReleaseError, match="nothing was ever promoted"):
        main(JobSettings(home=tmp_path), _parser().parse_args(["--aliases"]))


def test_a_release_of_other_features_cannot_be_judged(home, monkeypatch):
    """A rollback to a release of other features is refused before a cluster is started."""
    monkeypatch.setattr("antifraud.artifacts.bundle.feature_set_hash", lambda: "0123456789abcdef")

    with pytest.raises(
        ReleaseError, match=f"release {OLD} needs feature set [0-9a-f]+, this code has 0123456789abcdef"
    ):
        main(JobSettings(home=home), _parser().parse_args(["--release", OLD, "--dry-run"]))


@pytest.mark.filterwarnings("ignore")
def test_without_mlflow_the_release_serves_and_the_error_says_so(home, monkeypatch):
    """Without MLflow the pointer moves all the same.

    The job ends with exit code 51, and the error does not show MLflow's password.
    """
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = JobSettings(home=home, mlflow_uri="http://user:hunter2@127.0.0.1:9")

    with pytest.raises(TrackingError, match=f"release {NEW} serves, only MLflow's aliases do not say so yet") as caught:
        main(settings, _parser().parse_args(["--as-of", "2026-04-10"]))
    assert caught.value.exit_code == 51
    assert "hunter2" not in str(caught.value)
    assert read_pointer(settings.releases_dir) == AFTER
