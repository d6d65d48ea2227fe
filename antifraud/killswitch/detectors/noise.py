"""How much more the flagged rows of a day vary than independent ones would: the noise of a release.

Rows of one terminal and day are flagged together, and days differ. Both are measured on the release's certify window
(`antifraud.killswitch.detectors.measuring`) and stored in its manifest. With them, `n` legitimate rows of a day vary

    ``inflation(n) = 1 + (within - 1) * max(1, n / rows) + n * day_variance / (limit * (1 - limit))``

times as much as independent ones. The middle part grows with `n` beyond the rows of the window, because the same
terminals may have more rows each. More volume then finds an excess as fast as before, not faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from antifraud.killswitch.detectors.rate import Cohort

WEEK: Final = 7
ALIKE: Final = (1.0,) * WEEK
"""Factors of weekdays that do not differ."""
LOWEST_FACTOR, HIGHEST_FACTOR = 0.7, 1.4
"""Range of the factors before their mean is made 1."""
ASSUMED_WITHIN: Final = 4.0
ASSUMED_DAY_SD: Final = 0.2
"""Relative standard deviation of the days' rates."""
ASSUMED_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Noise:
    """Upper limits of what makes days vary, and the factors of the weekdays.

    Attributes:
        within: Variance of a day's flagged rows over that of independent ones, given the day's rate; 1 or more.
        day_variance: Variance of the days' rates while their mean is at the limit, in squared shares.
        factors: Limit of the rate by weekday over the limit of the service, for ``day % 7`` from 0 to 6.
        rows: Legitimate rows a day in the window.
    """

    within: float
    day_variance: float
    factors: tuple[float, ...]
    rows: float

    def inflation(self, rows: float, limit: float) -> float:
        """Return the inflation of a cohort of so many rows.

        >>> noise = Noise(within=2.0, day_variance=0.0001, factors=ALIKE, rows=1_900)
        >>> noise.inflation(1_900, 0.05), noise.inflation(3_800, 0.05)
        (6.0, 11.0)
        """
        together = 1 + (self.within - 1) * max(1.0, rows / self.rows)
        return together + rows * self.day_variance / (limit * (1 - limit))

    def cohort(self, day: int, rows: int, flagged: int, limit: float, share: float = 1.0) -> Cohort:
        """Return the cohort of a day (days since 1970), with the limit of its weekday and its inflation.

        >>> Noise(2.0, 0.0, (0.8, 1.2, *ALIKE[2:]), 100).cohort(day=8, rows=100, flagged=7, limit=0.05)
        Cohort(rows=100, flagged=7, limit=0.06, inflation=2.0, share=1.0)
        """
        return Cohort(rows, flagged, limit * self.factors[day % WEEK], self.inflation(rows, limit), share)

    def to_dict(self) -> dict[str, Any]:
        """Return the noise as values that JSON can hold."""
        return {**asdict(self), "factors": list(self.factors)}

    @staticmethod
    def of_manifest(manifest: Mapping[str, Any], limit: float) -> "Noise":
        """Return the noise that a release's manifest holds under ``noise``; `assumed` if it is older and has none."""
        if (values := manifest.get("noise")) is None:
            return Noise.assumed(limit)
        return Noise(**{**values, "factors": tuple(values["factors"])})

    @staticmethod
    def assumed(limit: float) -> "Noise":
        """Return a cautious noise for a release without one of its own: days differ by 20 % of the limit.

        Most sources vary less. At 10,000 rows a day, a rate of 8 % is then found after about a week, 20 % in a day.

        >>> round(Noise.assumed(0.05).inflation(10_000, 0.05))
        25
        """
        return Noise(ASSUMED_WITHIN, (ASSUMED_DAY_SD * limit) ** 2, ALIKE, ASSUMED_ROWS)

    @staticmethod
    def merged(parts: Sequence[tuple["Noise", int]]) -> "Noise":
        """Return the noise of a day that several releases decided, each with so many rows.

        The largest variances count, as no part may be underestimated; factors are means weighted by rows.

        >>> one, other = Noise(2.0, 0.0003, ALIKE, 500), Noise(3.0, 0.0001, (1.2, *ALIKE[1:]), 900)
        >>> Noise.merged([(one, 30), (other, 10)])
        Noise(within=3.0, day_variance=0.0003, factors=(1.05, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), rows=500)
        """
        # Each part keeps some weight, so that a day without rows has factors, too.
        weights = [max(rows, 1) for _, rows in parts]
        noises = [noise for noise, _ in parts]
        columns = zip(*(noise.factors for noise in noises), strict=True)
        return Noise(
            max(noise.within for noise in noises),
            max(noise.day_variance for noise in noises),
            tuple(_mean(column, weights) for column in columns),
            min(noise.rows for noise in noises),
        )


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
