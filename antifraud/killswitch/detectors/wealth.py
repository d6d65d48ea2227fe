"""The wealth of several bets against one hypothesis, in logarithms.

All detectors add ``1 / 365`` to each wealth on every day and multiply it by factors that are worth 1 at most while the
hypothesis holds. The mean wealth of a year is then 1 at most, whatever day an excess might have begun on. It reaches
``1 / budget`` with probability `budget` at most (Ville 1939).
"""

import math
from collections.abc import Sequence
from typing import Final

DAYS_A_YEAR: Final = 365
OPENED: Final = 1 / DAYS_A_YEAR
"""Added to each wealth on every day."""
Wealth = tuple[float, ...]
"""Natural logarithm of the wealth of each bet; minus infinity before the first day."""


def nothing(bets: int) -> Wealth:
    """Return the wealth of so many bets before the first day."""
    return (-math.inf,) * bets


def open_day(wealth: float, share: float = 1.0) -> float:
    """Return the logarithm of a wealth after a day's opening, or a share of it, was added.

    >>> round(math.exp(open_day(open_day(-math.inf), share=0.5)) * 365, 6)
    1.5
    """
    opened = math.log(share * OPENED)
    high, low = max(wealth, opened), min(wealth, opened)
    return high + math.log1p(math.exp(low - high))


def log_mean(wealth: Wealth) -> float:
    """Return the logarithm of the mean wealth.

    >>> round(math.exp(log_mean((math.log(1.0), math.log(3.0)))), 6)
    2.0
    """
    high = max(wealth)
    if high == -math.inf:
        return high
    # Factoring the largest out keeps `exp` from overflowing: wealth grows without bound after a trip.
    return high + math.log(sum(math.exp(each - high) for each in wealth) / len(wealth))


def reaches(wealth: Wealth, budget: float) -> bool:
    """Return whether the mean wealth is at ``1 / budget``."""
    return log_mean(wealth) >= -math.log(budget)


def to_values(wealth: Wealth) -> list[float | None]:
    """Return values that JSON can hold, which knows no infinity."""
    return [None if each == -math.inf else each for each in wealth]


def of_values(values: Sequence[float | None]) -> Wealth:
    """Read a wealth back from `to_values`."""
    return tuple(-math.inf if each is None else each for each in values)
