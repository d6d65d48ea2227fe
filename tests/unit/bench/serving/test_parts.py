"""The parts of a decision's processor time: clocks that can be off, and a table that adds up."""

from collections import Counter

import pytest

from bench.serving import parts
from bench.serving.parts import COMMIT, PARTS, THREAD, WHOLE, Clocks, rows_of


def test_clocks_count_only_while_they_are_on(monkeypatch):
    """A call that takes 500 nanoseconds by the clock counts 500 less the clock's own 100, also if it fails."""
    ticks = iter([1_000, 1_500, 2_000, 2_500])
    monkeypatch.setattr(parts, "clock", lambda: next(ticks))
    clocks = Clocks()
    half = clocks.wrap(lambda number: 1 / number, "half", 100)

    assert (half(2), clocks.spent) == (0.5, {})
    clocks.are_on = True
    assert (half(2), clocks.spent) == (0.5, {"half": 400})
    with pytest.raises(ZeroDivisionError):
        half(0)
    assert clocks.spent == {"half": 800}


def test_rows_add_up_to_the_whole():
    """Time in no part is Flask's in the request's thread, and the hand-over's outside of it."""
    found = Counter(dict.fromkeys(PARTS, 10)) + Counter({THREAD: 200, WHOLE: 250})
    rows = rows_of(found)

    assert rows["hand over to the committing thread and back"] == 250 - 200 - 10
    assert rows["Flask, and everything else in the request's thread"] == 200 - 10 * (len(PARTS) - 1)
    assert sum(rows.values()) == 2 * rows["together"] == 500
    assert rows[COMMIT] == 10


def test_every_part_has_its_functions():
    """Clocks can be put around all functions that the table names."""
    clocks = Clocks()
    with pytest.MonkeyPatch.context() as patch:
        replaced = []
        patch.setattr(parts, "setattr", lambda *place: replaced.append(place), raising=False)
        clocks.wrap_parts()

    assert len(replaced) == sum(len(places) for places in PARTS.values())
