"""The detector of commit b393281, as a rival: bets on blocks of terminals and days, over a constant horizon of rows.

`count_day` gives what that commit gave after it had counted the blocks of a day one after the other.
"""

import math
from typing import Final

import numpy as np

from bench.switch.streams import Days, Floats, Ints

BETS: Final = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6])
CAP: Final = 10
HORIZON: Final = 3_650_000
FALSE_TRIP: Final = 0.05
LIMIT: Final = 0.05


def count_day(wealth: Floats, rows: Ints, flagged: Ints) -> tuple[Floats, bool]:
    """Return the wealth of the bets after the blocks of a day, and whether the detector has tripped among them.

    Args:
        wealth: Wealth of each bet before the day, shape ``(bets,)``.
        rows: Legitimate rows of each block, shape ``(blocks,)``.
        flagged: How many of them were flagged.
    """
    some = rows > 0
    counted = np.minimum(rows[some], CAP)
    excess = (flagged[some] / rows[some] - LIMIT) * counted
    products = np.cumsum(np.log1p(BETS[:, None] * excess), axis=1)
    # Each block opens bets before its own factor: a bet of block j has the factors from j on.
    before = np.hstack([np.zeros((BETS.size, 1)), products[:, :-1]])
    opened = np.cumsum(counted / HORIZON * np.exp(-before), axis=1)
    after = np.exp(products) * (wealth[:, None] + opened)
    return after[:, -1], bool((after.mean(axis=0) >= 1 / FALSE_TRIP).any())


def first_trip(days: Days, start: int) -> int | None:
    """Return on which day from `start` on the detector trips."""
    wealth = np.zeros(BETS.size)
    for day in range(start, len(days.rows)):
        wealth, tripped = count_day(wealth, days.rows[day], days.flagged[day])
        # Enough, before the numbers overflow.
        if tripped or math.isinf(float(wealth.max())):
            return day - start
    return None
