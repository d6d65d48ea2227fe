"""A trip that the service recovers from by itself, and the estimate of the day on which its trouble began."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from antifraud.killswitch.cohorts import CohortCounts


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip that has ended what served. A person who changes the mode takes over, and it is forgotten.

    Attributes:
        epoch: Epoch of the switch that it began.
        at: Business time of the trip, UTC seconds.
        onset: Day on which the trouble began, as the guard estimates (YYYY-MM-DD).
    """

    epoch: int
    at: int
    onset: str

    @property
    def onset_day(self) -> dt.date:
        """The onset as a date."""
        return dt.date.fromisoformat(self.onset)


def estimate_onset(days: Sequence[CohortCounts], limit: float) -> int:
    """Return the number of the day from which the closed days speak most clearly against the limit.

    It is the maximum of the likelihood ratio of a constant rate since a day against the limit (Hinkley 1970). Missed
    fraud can trip without any excess of the rate; then it is the newest day, the latest onset that is possible.

    >>> days = [CohortCounts(day, "", 1_000, k, legit_flagged=k) for day, k in enumerate([40, 52, 90, 80])]
    >>> estimate_onset(days, 0.05)
    2
    """
    newest_first = sorted(days, key=lambda each: each.day, reverse=True)
    rows = flagged = 0
    found, best = newest_first[0].day, 0.0
    for each in newest_first:
        rows, flagged = rows + each.lower.rows, flagged + each.lower.flagged
        if (ratio := _log_ratio(rows, flagged, limit)) > best:
            found, best = each.day, ratio
    return found


def _log_ratio(rows: int, flagged: int, limit: float) -> float:
    """Return the logarithm of the likelihood ratio of the rate that was found against the limit; 0 within the limit."""
    if flagged <= limit * rows:
        return 0.0
    passed, rate = rows - flagged, flagged / rows
    against = passed * math.log((1 - rate) / (1 - limit)) if passed else 0.0
    return flagged * math.log(rate / limit) + against
