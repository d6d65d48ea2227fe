"""How much of a day's fraud is known after so many days: the label-maturation curve, and what is still to come.

Frauds are learnt late, and at the end of a day only those learnt so far are seen: delays are truncated on the right.
The curve is the reverse-hazard (chain-ladder) estimator for that: going back from the longest delay, the share of the
frauds with a delay of at most `a` whose delay is exactly `a`, over cohorts old enough to have shown it. Sources:
Lagakos, Barraj & De Gruttola (1988), Nonparametric analysis of truncated survival data, with application to AIDS;
Kalbfleisch & Lawless (1991), Regression models for right truncated data; Mack (1993) for chain ladder.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.stats.score_tables import Floats, Ints

HORIZON_DAYS: Final = 60
"""Frauds learnt later than this are not counted at all."""
LEAST_KNOWN: Final = 0.25
"""Where less than this share is known, a correction would be mostly guessing."""


@dataclass(frozen=True, slots=True, eq=False)
class Maturation:
    """Share of a day's frauds that is known at each age in days, and its standard error relative to it; ``(ages,)``.

    Ages beyond the last one count as fully matured.
    """

    known: Floats
    relative_se: Floats

    @classmethod
    def fit(cls, age: Ints, delay: Ints, count: Ints) -> Self:
        """Fit the curve to frauds counted by the age of their day and the delay of their label, both in days.

        A cohort of age `a` shows delays up to `a`; other rows are left out, as are days beyond `HORIZON_DAYS`.

        >>> ages, delays, counts = np.array([5, 5, 1]), np.array([1, 3, 1]), np.array([80, 20, 90])
        >>> Maturation.fit(ages, delays, counts).known.tolist()
        [0.0, 0.8, 0.8, 1.0, 1.0, 1.0]

        Raises:
            NotEnoughRows: No fraud's label is known.
        """
        shown = (delay >= 0) & (delay <= age) & (age <= HORIZON_DAYS)
        age, delay, count = age[shown], delay[shown], count[shown]
        if not count.sum():
            raise NotEnoughRows("a label-maturation curve needs frauds with known labels, found none: load more days")
        triangle = np.zeros((int(age.max()) + 1, int(age.max()) + 1), np.int64)
        np.add.at(triangle, (age, delay), count)
        return cls(*_reverse_hazards(triangle))

    def share_known(self, age: Ints) -> Floats:
        """Share of frauds known at each of these ages.

        Raises:
            NotEnoughRows: Of some age less than `LEAST_KNOWN` is known.
        """
        shares = self.known[self._clipped(age)]
        if shares.size and shares.min() < LEAST_KNOWN:
            youngest = int(np.argmax(self.known >= LEAST_KNOWN))
            raise NotEnoughRows(
                f"only {shares.min():.1%} of the frauds {age[shares.argmin()]} days old are known, at least "
                f"{LEAST_KNOWN:.0%} are needed: end the window {youngest} days ago or earlier"
            )
        return shares

    def error_at(self, age: Ints) -> Floats:
        """Standard error of `share_known`, relative to it."""
        return self.relative_se[self._clipped(age)]

    def _clipped(self, age: Ints) -> Ints:
        return np.clip(age, 0, self.known.size - 1)


def _reverse_hazards(triangle: Ints) -> tuple[Floats, Floats]:
    """Shares known and their relative errors from counts by (age, delay); Greenwood's formula, read backwards."""
    last = triangle.shape[0] - 1
    known, variance = np.ones(last + 1), np.zeros(last + 1)
    for age in range(last, 0, -1):
        exact = int(triangle[age:, age].sum())
        at_most = int(triangle[age:, : age + 1].sum())
        hazard = exact / at_most if at_most else 0.0
        known[age - 1] = known[age] * (1 - hazard)
        if 0 < hazard < 1:
            variance[age - 1] = variance[age] + hazard / ((1 - hazard) * at_most)
        else:
            variance[age - 1] = variance[age]
    return known, np.sqrt(variance)
