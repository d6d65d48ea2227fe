"""Fraud among payments that were blocked and never got a label, for a release that would let them pass.

A blocked payment cannot be charged back, so nobody learns whether it was fraud. A release that would pass it looks
better than it is where such payments are left out. So each of them counts with an upper limit of the fraud share of
its score band, which the labelled payments among the flagged ones tell: a control share, or a reviewer's labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.stats.bounds import row_bound

BANDS: Final = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
"""Lowest scores (ppm) of the bands above the first: each is about three times as risky as the one below."""
DELTA: Final = 0.01
"""Probability that the share of a band is above its limit."""


@dataclass(frozen=True, slots=True)
class BandDay:
    """Flagged payments of one day and score band, scored by the release in question.

    Attributes:
        day: Days since 1970.
        band: Number of bounds of `BANDS` at or below the score.
        passed: Blocked payments without a label that the release would pass.
        amount: Their amount, minor units.
        labelled: Flagged payments with a label.
        frauds: How many of these are fraud.
    """

    day: int
    band: int
    passed: int
    amount: int
    labelled: int
    frauds: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """Blocked payments without a label that a release would pass, on some days.

    Attributes:
        rows: How many there are.
        amount: The most that they hide, minor units.
        unknown: How many lie in bands without any label, so nothing is known of them.
    """

    rows: int
    amount: float
    unknown: int


def find_hidden(found: Iterable[BandDay], first: int, last: int) -> Hidden:
    """Return what the days `first` to `last` hide; the labels of all days tell the shares.

    >>> rows = [BandDay(1, 4, 10, 50_000, 0, 0), BandDay(2, 4, 0, 0, 200, 20), BandDay(2, 5, 3, 900, 0, 0)]
    >>> hidden = find_hidden(rows, 1, 2)
    >>> hidden.rows, round(hidden.amount), hidden.unknown
    (13, 8004, 3)
    """
    known = list(found)
    passed, amount, labelled, frauds = (np.zeros(len(BANDS) + 1, np.int64) for _ in range(4))
    for each in known:
        labelled[each.band] += each.labelled
        frauds[each.band] += each.frauds
        if first <= each.day <= last:
            passed[each.band] += each.passed
            amount[each.band] += each.amount
    shares = [row_bound(int(k), int(n), DELTA) if n else 1.0 for k, n in zip(frauds, labelled, strict=True)]
    told = labelled > 0
    return Hidden(int(passed.sum()), float((amount * shares)[told].sum()), int(passed[~told].sum()))
