"""A candidate is written whole or not at all, and is not used after it was altered."""

import datetime as dt

import pytest

from antifraud.errors import ReleaseError
from antifraud.settings.core import Settings
from jobs.training.candidate import candidate_id, candidate_path, find_candidate, read_candidate, write_candidate

DAY = dt.date(2026, 4, 10)
FILES = {"model.onnx": b"trees", "calibration.json": b"{}"}


def test_write_then_read(tmp_path):
    """A written candidate is read back with the same id."""
    written = write_candidate(tmp_path / "2026-04-10", FILES, {"id": "2026-04-10-abc"})
    assert read_candidate(tmp_path / "2026-04-10") == written
    assert written.id == "2026-04-10-abc"


def test_a_second_candidate_replaces_the_first(tmp_path):
    """A second candidate of a day replaces all files of the first, and nothing temporary is left."""
    target = tmp_path / "2026-04-10"
    write_candidate(target, {**FILES, "golden.json": b"[]"}, {"id": "one"})
    write_candidate(target, FILES, {"id": "two"})
    assert sorted(path.name for path in target.iterdir()) == ["calibration.json", "candidate.json", "model.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["2026-04-10"]


def test_an_altered_file_is_named(tmp_path):
    """An altered file is refused by name."""
    target = tmp_path / "2026-04-10"
    write_candidate(target, FILES, {"id": "one"})
    (target / "model.onnx").write_bytes(b"other")
    with pytest.raises(ReleaseError, match=r"model\.onnx of candidate 2026-04-10 was altered"):
        read_candidate(target)
    assert find_candidate(target) is None


def test_no_candidate_says_what_to_run(tmp_path):
    """The error about a missing candidate names the day and the job to run."""
    with pytest.raises(ReleaseError, match=r"no whole candidate of 2026-04-10 .*run jobs/train\.py"):
        read_candidate(candidate_path(Settings(home=tmp_path), DAY))


def test_the_id_follows_the_content():
    """The id depends on the day and the scoring files, and on no other file."""
    same = candidate_id(DAY, dict(FILES))
    assert same == candidate_id(DAY, {**FILES, "model.cbm": b"not part of scoring"})
    assert same != candidate_id(DAY, {**FILES, "calibration.json": b"{ }"})
    assert same.startswith("2026-04-10-")
    assert len(same) == len("2026-04-10-") + 8
