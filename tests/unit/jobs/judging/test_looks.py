"""Looks at a certify window are counted, and more than one is a warning."""

import pytest

from antifraud.errors import DataError
from jobs.judging.looks import LOOKS_FILE, look, warning


def test_each_candidate_is_one_look(tmp_path):
    """A candidate that is validated twice counts once, and each day's window counts its own candidates."""
    assert [look(tmp_path / "2026-04-10", name) for name in ("a", "a", "b", "a", "c")] == [1, 1, 2, 2, 3]
    assert look(tmp_path / "2026-04-11", "a") == 1


def test_more_than_one_look_is_a_warning():
    """More than one look gives a warning with the sum of the probabilities, at most 100 %."""
    said = "The certify window has now judged 20 candidates, so the probability that one of them passes wrongly is"
    assert warning(1, 0.01) == []
    assert warning(20, 0.01) == [f"{said} up to 20.0%, not 1.0%."]
    assert "up to 100.0%" in warning(200, 0.01)[0]


@pytest.mark.parametrize("content", ["[", "{}", "[1]", "7"])
def test_a_list_that_cannot_be_read_is_refused_and_kept(tmp_path, content):
    """An unreadable list is refused and kept as it is."""
    (tmp_path / LOOKS_FILE).write_text(content)
    with pytest.raises(DataError, match="is no list of candidate ids: correct it, or remove it"):
        look(tmp_path, "a")
    assert (tmp_path / LOOKS_FILE).read_text() == content
