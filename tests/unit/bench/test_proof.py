"""`make test` tells how old the last green `make prove` is, and `make prove` refuses uncommitted changes."""

import json

import pytest

from bench.run import proof

COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNKNOWN = "a commit that this copy does not have: run it before a release"
FIGURE = {"name": "prove.minutes", "value": 20.0, "date": "2026-11-30", "commit": COMMIT}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Put a file of results in place of the project's."""
    path = tmp_path / "results.json"
    monkeypatch.setattr(proof, "RESULTS", path)
    return path


@pytest.mark.parametrize(
    ("commits", "said"),
    [
        ("0", "make prove passed last on 2026-11-30 (0123456), 0 commits ago"),
        ("30", "make prove passed last on 2026-11-30 (0123456), 30 commits ago"),
        ("31", "make prove passed last on 2026-11-30 (0123456), 31 commits ago, more than 30: run it again"),
        (None, f"make prove passed last on 2026-11-30 (0123456), {UNKNOWN}"),
    ],
)
def test_the_age_is_told_in_commits(results, monkeypatch, commits, said):
    """The age is counted in commits, and more than thirty ask for another run. A copy without the commit says so."""
    results.write_text(json.dumps([FIGURE]))
    monkeypatch.setattr(proof, "git", lambda *_: commits)

    assert proof.age() == said


def test_proofs_that_never_passed_are_told(results):
    """Without a figure of the proofs, a line says that they have never passed."""
    results.write_text(json.dumps([{**FIGURE, "name": "test.minutes"}]))

    assert proof.age() == "make prove has never passed: run it before a release"


def test_changes_that_no_commit_holds_are_refused(monkeypatch):
    """Uncommitted changes are refused before the proofs run, because the record names a commit."""
    monkeypatch.setattr(proof, "git", lambda *_: " M antifraud/clock.py")

    with pytest.raises(SystemExit, match="commit first"):
        proof.prove(["false"])


def test_a_copy_without_history_is_refused(monkeypatch):
    """It has no commit that could be recorded, and the message says what to do."""
    monkeypatch.setattr(proof, "git", lambda *_: None)

    with pytest.raises(SystemExit, match="has no history: clone the repository"):
        proof.prove(["false"])


def test_a_failed_proof_is_not_recorded(results, monkeypatch):
    """A failed proof ends with its own exit code and is not recorded."""
    monkeypatch.setattr(proof, "git", lambda *_: "")

    with pytest.raises(SystemExit) as ended:
        proof.prove(["sh", "-c", "exit 7"])
    assert ended.value.code == 7
    assert not results.exists()
