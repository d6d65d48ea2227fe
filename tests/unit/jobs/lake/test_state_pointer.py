"""The state pointer moves forward by itself, and back only on demand and with a mark that scorers look for."""

import pytest

from antifraud.artifacts.state_export import StatePointer, read_state_pointer
from jobs.lake.export import _point

OLD = StatePointer("2026-01-01", "2026-01-01-a", 1)
NEW = StatePointer("2026-01-02", "2026-01-02-b", 1)


@pytest.fixture
def point(tmp_path):
    """Point to an export and return cut-off, sequence and mark of the pointer."""

    def point(wanted, *, allow_older=False):
        _point(tmp_path, wanted, allow_older=allow_older)
        pointer = read_state_pointer(tmp_path)
        return pointer.cutoff, pointer.sequence, pointer.moved_back

    return point


def test_the_pointer_moves_forward(point):
    """Each change raises the sequence; the same export changes nothing."""
    assert point(OLD) == ("2026-01-01", 1, False)
    assert point(NEW) == ("2026-01-02", 2, False)
    assert point(NEW) == ("2026-01-02", 2, False)


def test_the_pointer_moves_back_only_on_demand(point):
    """The mark says that a person wanted the older day, and goes with the next newer day."""
    point(NEW)
    assert point(OLD) == ("2026-01-02", 1, False)
    assert point(OLD, allow_older=True) == ("2026-01-01", 2, True)
    assert point(OLD, allow_older=True) == ("2026-01-01", 2, True)
    assert point(NEW) == ("2026-01-02", 3, False)


def test_a_pointer_that_names_the_older_export_already_gets_the_mark(point):
    """A restored backup may hold an old pointer, which running scorers refuse until a person confirms it."""
    point(OLD)
    assert point(OLD, allow_older=True) == ("2026-01-01", 2, True)
