"""How much of a day's fraud is known after so many days: the label-maturation curve.

Frauds are learnt late. At the end of a day only the frauds learnt so far are seen, so delays are truncated on the
right. The curve is the reverse-hazard estimator for such data, which actuaries call chain ladder. It goes back from the
longest delay. The reverse hazard at `a` days is a share: the frauds with a delay of exactly `a`, among all frauds with
a delay of at most `a`. Only days old enough to have shown a delay of `a` are counted.

Sources:
- Lagakos, Barraj & De Gruttola (1988), Nonparametric analysis of truncated survival data, with application to AIDS.
- Kalbfleisch & Lawless (1991), Regression models for right truncated data with applications to AIDS incubation times
  and reporting lags.
- Mack (1993), Distribution-free calculation of the standard error of chain ladder reserve estimates.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from antifraud.errors import NotEnoughRows
from antifraud.stats.score_tables import Floats, Ints

HORIZON_DAYS: Final = 60
"""Frauds learnt later than this are not counted at all."""
LEAST_KNOWN: Final = 0.25
"""If a smaller share is known, a correction would be mostly guessing."""


@dataclass(frozen=True, slots=True, eq=False)
class Maturation:
    """The label-maturation curve; ages beyond its last one count as fully matured.

    Attributes:
        known: Share of a day's frauds that is known when the day is 0, 1, 2, … days old, shape ``(ages,)``.
        relative_se: Standard error of each share, divided by the share.
    """

    known: Floats
    relative_se: Floats

    @classmethod
    def fit(cls, age: Ints, delay: Ints, count: Ints) -> Self:
        """Fit the curve to counted frauds; all arguments have shape ``(n,)``.

        A day of age `a` shows delays up to `a`; other entries are left out, as are days older than `HORIZON_DAYS`.

        Args:
            age: Age of the frauds' day, days.
            delay: Days until they were called frauds.
            count: Number of such frauds.

        Raises:
            NotEnoughRows: No fraud's label is known.

        >>> ages, delays, counts = np.array([5, 5, 1]), np.array([1, 3, 1]), np.array([80, 20, 90])
        >>> Maturation.fit(ages, delays, counts).known.tolist()
        [0.0, 0.8, 0.8, 1.0, 1.0, 1.0]
        """
        shown = (delay >= 0) & (delay <= age) & (age <= HORIZON_DAYS)
        age, delay, count = age[shown], delay[shown], count[shown]
        if not count.sum():
            raise NotEnoughRows("a label-maturation curve needs frauds with known labels, found none: load more days")
        triangle = np.zeros((int(age.max()) + 1, int(age.max()) + 1), np.int64)
        np.add.at(triangle, (age, delay), count)
        return cls(*_reverse_hazards(triangle))

    def share_known(self, age: Ints) -> Floats:
        """Return the share of frauds that is known at each of these ages (days), same shape.

        Raises:
            NotEnoughRows: At some age less than `LEAST_KNOWN` is known.

        >>> curve = Maturation(known=np.array([0.5, 0.8, 1.0]), relative_se=np.array([0.1, 0.05, 0.0]))
        >>> curve.share_known(np.array([1, 30])).tolist(), curve.error_at(np.array([1, 30])).tolist()
        ([0.8, 1.0], [0.05, 0.0])
        """
        shares = self.at(age)
        if shares.size and shares.min() < LEAST_KNOWN:
            youngest = int(np.argmax(self.known >= LEAST_KNOWN))
            raise NotEnoughRows(
                f"only {shares.min():.1%} of the frauds {age[shares.argmin()]} days old are known, at least "
                f"{LEAST_KNOWN:.0%} are needed: end the window {youngest} days ago or earlier"
            )
        return shares

    def at(self, age: Ints) -> Floats:
        """Return the share of frauds that is known at each of these ages (days), however small, same shape."""
        return self.known[self._clipped(age)]

    def error_at(self, age: Ints) -> Floats:
        """Return the standard error of `share_known`, divided by it."""
        return self.relative_se[self._clipped(age)]

    def _clipped(self, age: Ints) -> Ints:
        return np.clip(age, 0, self.known.size - 1)


def _reverse_hazards(triangle: Ints) -> tuple[Floats, Floats]:
    """Return shares known and their relative errors, ``(ages,)`` each, from counts ``(age, delay)``.

    The errors are Greenwood's formula, read backwards.
    """
    last = triangle.shape[0] - 1
    known, variance = np.ones(last + 1), np.zeros(last + 1)
    for age in range(last, 0, -1):
        # Days younger than `age` cannot show this delay yet, so only rows from `age` on count.
        exact = int(triangle[age:, age].sum())
        at_most = int(triangle[age:, : age + 1].sum())
        hazard = exact / at_most if at_most else 0.0
        known[age - 1] = known[age] * (1 - hazard)
        if 0 < hazard < 1:
            variance[age - 1] = variance[age] + hazard / ((1 - hazard) * at_most)
        else:
            variance[age - 1] = variance[age]
    return known, np.sqrt(variance)
