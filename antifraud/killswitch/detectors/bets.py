"""Whether the honest rows of many terminals are flagged above the limit: a warning beside the detector of the rate.

A *block* is the legitimate rows of one terminal on one closed day. A block of more than `CAP` rows counts as `CAP` rows
with the same share, so no terminal decides alone: this is another rate than the business's, and therefore only warns.
Each block multiplies the wealth of every stake by

    ``1 + stake * (share - limit) * min(rows, CAP)``

and every day adds ``1 / 365`` before its blocks. If the expected share of a block is within the limit, given the blocks
before it, no factor is worth more than 1, and a year warns with probability `BUDGET` at most. Smaller stakes than those
of `STAKES` would warn falsely where a terminal is flagged for weeks, because its blocks are not fresh evidence.

Source: Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from antifraud.killswitch.detectors.wealth import Wealth, nothing, of_values, open_day, reaches, to_values

STAKES: Final = (0.2, 0.4, 0.8, 1.6)
"""Stakes per excess row."""
CAP: Final = 10
"""Most rows that one block counts as."""
BUDGET: Final = 0.05
"""Largest probability of a false warning within a year."""
NOTHING: Final = nothing(len(STAKES))
"""Wealth before the first day."""
HIGHEST_LIMIT: Final = 1 / (CAP * max(STAKES))
Blocks = Mapping[tuple[int, int], int]
"""Number of blocks by their legitimate rows, and the flagged ones among them."""


@dataclass(frozen=True, slots=True)
class BetEvidence:
    """The memory of the bets: the natural logarithm of the wealth of each stake.

    >>> evidence = BetEvidence()
    >>> for _ in range(3):
    ...     evidence = bet(evidence, {(10, 0): 200, (10, 3): 120}, limit=0.05)
    >>> evidence.warns
    True
    """

    log_wealth: Wealth = NOTHING

    @property
    def warns(self) -> bool:
        """Whether too many terminals are above the limit."""
        return reaches(self.log_wealth, BUDGET)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        return {"log_wealth": to_values(self.log_wealth)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read evidence back from the values of `to_dict`."""
        return cls(of_values(values["log_wealth"]))


def can_bet(limit: float) -> bool:
    """Return whether the largest stake can test a limit.

    >>> can_bet(0.05), can_bet(0.07)
    (True, False)
    """
    return 0 < limit < HIGHEST_LIMIT


def bet(evidence: BetEvidence, blocks: Blocks, limit: float) -> BetEvidence:
    """Return the evidence after the blocks of one more closed day.

    Raises:
        ValueError: The largest stake cannot test the limit, or more rows are flagged than there are.
    """
    if not can_bet(limit):
        raise ValueError(f"limit must lie in (0, {HIGHEST_LIMIT:.4f}), got {limit}")
    if odd := [block for block in blocks if not 0 <= block[1] <= block[0]]:
        raise ValueError(f"flagged rows must be among the rows of a block, got {odd[0]}")
    return BetEvidence(
        tuple(
            open_day(wealth) + sum(count * _log_factor(*block, stake, limit) for block, count in blocks.items())
            for stake, wealth in zip(STAKES, evidence.log_wealth, strict=True)
        )
    )


def _log_factor(rows: int, flagged: int, stake: float, limit: float) -> float:
    return math.log1p(stake * (flagged / rows - limit) * min(rows, CAP)) if rows else 0.0
