"""Other ways to watch a rate: each rival says on which day it would have stopped the service, if at all."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.stats import norm

from bench.switch import old_evidence
from bench.switch.streams import Days
from bench.switch.years import START, YEAR_DAYS

LIMIT: Final = 0.05
CHANCE: Final = 0.05
FAILURES: Final = 3
LARGE_SHIFT: Final = 0.2
"""A population stability index above it is commonly called a significant shift."""
Rival = Callable[[Days], int | None]


def z_test(days: Days) -> int | None:
    """Test all rows so far once a day, at a level of 5 % each time."""
    flagged, rows = (np.cumsum(each[START:].sum(axis=1)) for each in (days.flagged, days.rows))
    errors = (flagged - LIMIT * rows) / np.sqrt(np.maximum(rows, 1) * LIMIT * (1 - LIMIT))
    return _first(errors > norm.isf(CHANCE))


def consecutive_failures(days: Days) -> int | None:
    """Count days above the limit; the third in a row stops the service."""
    above = (days.flagged.sum(axis=1) > LIMIT * days.rows.sum(axis=1))[START:]
    runs = np.convolve(above, np.ones(FAILURES), "full")[: above.size]
    return _first(runs == FAILURES)


def drift(days: Days) -> int | None:
    """Compare each day's flagged share with the window's by the population stability index."""
    share = days.flagged.sum(axis=1) / np.maximum(days.rows.sum(axis=1), 1)
    usual = float(days.flagged[:START].sum() / days.rows[:START].sum())
    now = np.clip(share[START:], 1e-6, 1 - 1e-6)
    index = (now - usual) * np.log(now / usual) + (usual - now) * np.log((1 - now) / (1 - usual))
    return _first(index > LARGE_SHIFT)


def before(days: Days) -> int | None:
    """Bet on terminal-days, as commit b393281 did."""
    return old_evidence.first_trip(days, START)


RIVALS: Final[dict[str, Rival]] = {
    "z-test": z_test,
    "three failures": consecutive_failures,
    "drift only": drift,
    "b393281": before,
}


def _first(stopped: "np.ndarray") -> int | None:
    found = np.flatnonzero(stopped[:YEAR_DAYS])
    return int(found[0]) if found.size else None


def share_text(trips: int, years: int) -> str:
    """Return a share with its standard error.

    >>> share_text(20, 200)
    '10.0 % (2.1)'
    """
    share = trips / years
    return f"{share:.1%} ({100 * math.sqrt(share * (1 - share) / years):.1f})".replace("%", " %")
