"""The bound of a rate if some rows are counted several times, because each stands for others that have no label.

Sources: Kish (1965), Survey Sampling, for the effective size; Korn & Graubard (1998), Confidence intervals for
proportions with small expected number of positive counts estimated from survey data, for its use in the exact bound.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from antifraud.stats.score_tables import Ints


@dataclass(frozen=True, slots=True, eq=False)
class HeavyRows:
    """Legitimate rows that are counted several times, by score and weight; all columns have shape ``(n,)``.

    Attributes:
        score: Risk, ppm.
        weight: How often each of these rows is counted.
        copies: All counts of such rows together, a multiple of `weight`.
    """

    score: Ints
    weight: Ints
    copies: Ints

    @property
    def rows(self) -> int:
        """Number of rows, each once."""
        return int((self.copies // self.weight).sum())

    def excess(self, threshold: int | None = None) -> int:
        """Return by how much the squares of their weights exceed the weights, above a threshold or (None) in all.

        >>> HeavyRows(np.array([10, 90]), np.array([4, 20]), np.array([8, 20])).excess()
        404
        """
        kept = np.ones(self.score.size, bool) if threshold is None else self.score > threshold
        return int((self.copies[kept] * (self.weight[kept] - 1)).sum())


def weighted_row_bound(flagged: int, rows: int, heavy: HeavyRows, threshold: int, delta: float) -> float:
    """Return the upper confidence bound of a rate for independent rows, some of which are counted several times.

    The exact bound is taken at the effective size: so many equal rows would tell as much. One more flagged row of the
    largest weight counts in that size, because a few light flagged rows do not show that no heavy one is flagged.

    Args:
        flagged: Flagged rows, with their repetitions.
        rows: All rows, with their repetitions.
        heavy: The rows that are repeated.
        threshold: Scores above it are flagged, ppm.
        delta: Probability that the bound is too low.

    >>> heavy = HeavyRows(np.array([90]), np.array([10]), np.array([400]))
    >>> round(weighted_row_bound(400, 10_000, heavy, 50, 0.01), 4)
    0.0565
    """
    if flagged >= rows:
        return 1.0
    most = int(heavy.weight.max())
    above = flagged + heavy.excess(threshold) + most**2
    below = rows - flagged + heavy.excess() - heavy.excess(threshold)
    share, total = (flagged + most) / (rows + most), rows + most
    variance = ((1 - share) ** 2 * above + share**2 * below) / total**2
    size = min(float(rows), share * (1 - share) / variance)
    rate = flagged / rows
    return float(special.betaincinv(rate * size + 1, (1 - rate) * size, 1 - delta))
