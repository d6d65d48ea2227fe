"""The acquittal: bad days of releases that serve no more must not suspend successors that are good.

Days close a label delay after they were decided. If a bad release was replaced meanwhile, its last days break the
service's limit while good ones wait for their labels. Then the successors are looked at, as far as they can be. The
service's evidence starts anew if all of this holds:

- They are releases that did not decide half of any closed day. All of them count together, so a service whose releases
  take turns at being bad has no successor that looks good.
- Their rate is within the limit of their weekdays. Labels are still to come, so everything that they have flagged is
  taken for honest, except for as many caught frauds as closed days had.
- Their days contradict a rate of `BAD` times the limit: the likelihood ratio, to the power of one over the inflation,
  is at most `DOUBT`. Successors as bad as that pass with a probability of `DOUBT` at most (Markov's inequality). This
  needs rows that are no more alike than the inflation says, and releases that catch as many frauds.
- Nothing was acquitted in the last `ONCE_IN_DAYS` days, except on days before the successors began.

So an acquittal never lets a bad service go on for good. It drops the evidence about days of other releases. The
successors' own days close within the next label delay and count in full, and a second acquittal cannot help them. A
release that serves for long is watched by evidence of its own, which no acquittal touches. `bench/switch/acquittals.py`
tries this on services that are bad in turns, every night, and at weekends.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from antifraud.killswitch.cohorts import CohortCounts, add_up
from antifraud.killswitch.detectors.noise import WEEK, Noise
from antifraud.killswitch.detectors.rate import log_ratio

LEAST_ROWS: Final = 200
"""Decisions of successors below which nothing is said: ten flagged ones are expected at a limit of 5 %."""
BAD: Final = 1.6
"""The alternative that successors have to contradict: 8 % where the limit is 5 %."""
DOUBT: Final = 0.05
ONCE_IN_DAYS: Final = 30


def find_successors(cohorts: Iterable[CohortCounts], closed: int, today: int) -> list[CohortCounts]:
    """Return the decisions after the day `closed` of releases that have no large part in closed days.

    Today is left out: a verdict must not depend on the second in which the guard looks.

    >>> days = [CohortCounts(1, "a", 100), CohortCounts(2, "a", 90), CohortCounts(2, "b", 10)]
    >>> days.append(CohortCounts(3, "b", 100))
    >>> [(each.day, each.release) for each in find_successors(days, closed=1, today=4)]
    [(2, 'b'), (3, 'b')]
    """
    by_day = defaultdict(list)
    for each in cohorts:
        by_day[each.day].append(each)
    accused = {
        each.release
        for day, parts in by_day.items()
        for each in parts
        if day <= closed and 2 * each.decided >= sum(part.decided for part in parts)
    }
    return [
        each
        for day in sorted(by_day)
        for each in by_day[day]
        if closed < day < today and each.release not in accused and each.decided
    ]


def is_acquitted(since: Sequence[CohortCounts], closed: Iterable[CohortCounts], noise: Noise, limit: float) -> bool:
    """Return whether successors are within the limit, although closed days were not.

    Args:
        since: Their decisions on days that have not closed yet.
        closed: Closed days, whose labels tell how many decisions are frauds, and how many of these are caught.
        noise: How the successors' days vary.
        limit: The limit of the false-positive rate.

    >>> before = [CohortCounts(0, "a", 1_000, 210, legit_flagged=198, fraud_flagged=10, fraud_passed=5)]
    >>> good, bad = (CohortCounts(3, "b", 1_000, flagged) for flagged in (50, 90))
    >>> quiet = Noise(1.0, 0.0, (1.0,) * 7, 1_000)
    >>> is_acquitted([good], before, quiet, 0.05), is_acquitted([bad], before, quiet, 0.05)
    (True, False)
    """
    past = add_up(0, closed)
    if not past.decided or sum(each.decided for each in since) < LEAST_ROWS:
        return False
    excess, evidence = 0.0, 0.0
    for day in sorted({each.day for each in since}):
        rows, flagged = _honest(add_up(day, (each for each in since if each.day == day)), past)
        allowed = limit * noise.factors[day % WEEK]
        excess += flagged - allowed * rows
        evidence += log_ratio(rows, flagged, allowed, BAD) / noise.inflation(rows, limit)
    return excess <= 0 and evidence <= math.log(DOUBT)


def _honest(now: CohortCounts, past: CohortCounts) -> tuple[float, float]:
    """Return the rows of a day that are taken for legitimate, and how many of these were flagged."""
    caught = max(now.fraud_flagged, now.decided * past.fraud_flagged / past.decided)
    missed = now.decided * past.fraud_passed / past.decided
    return now.decided - caught - missed, max(0.0, now.flagged - caught)


def is_too_soon(closed: int, cleared_on: int | None) -> bool:
    """Return whether the last acquittal forbids another one; its successors had begun on the day `cleared_on`.

    >>> [is_too_soon(closed, cleared_on=10) for closed in (9, 10, 11, 39, 40)], is_too_soon(5, None)
    ([False, False, True, True, False], False)
    """
    return cleared_on is not None and 0 < closed - cleared_on < ONCE_IN_DAYS
