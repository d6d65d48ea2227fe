"""Evidence that the false-positive rate is above its limit, valid whenever it is looked at.

An e-detector (Shin, Ramdas & Rinaldo 2024) of betting factors (Waudby-Smith & Ramdas 2024). Each block of `n` matured
legitimate rows, `k` of them flagged, multiplies every open bet by ``1 + bet * (k - limit * n)``: at or below the limit
its expectation is at most 1. Bets are opened all the time with weight ``n / horizon``, so over a horizon of legitimate
rows the expected wealth is at most 1, and by Doob's inequality it reaches ``1 / false_trip`` with probability
`false_trip` at most, however often one looks. A mixture of bet sizes serves small and large excesses alike.

**The block, not the row, is the unit**: honest rows of one terminal's day are flagged together. A block is all rows of
one terminal and day whose labels have matured when the guard looks. Rows of it whose labels come later do not start a
block of their own: being like the earlier ones, they would count as news twice. `update` is told what was counted
before, and replaces the block's factor by that of the whole block. Blocks larger than `CAP` count as `CAP` rows with
the same share, so no terminal decides alone. What must hold is that a block's expected share, given earlier blocks, is
within the limit; blocks are counted in the order of arrival and never chosen by their outcome.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

BETS: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Stakes per excess row; the largest keeps ``1 - bet * limit * CAP`` positive for limits up to 6 %."""
NOTHING: Final = (-math.inf,) * len(BETS)
"""Log wealth of every bet before the first block."""
CAP: Final = 10
"""Rows that one block counts at most."""
HORIZON: Final = 3_650_000
"""Legitimate rows over which the false-trip promise holds: a year at 10,000 a day."""
FALSE_TRIP: Final = 0.05
"""Largest probability of a trip within the horizon while the rate is within its limit."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The detector's whole memory: what it was set up with, log wealth per bet, and the counts so far.

    >>> evidence = Evidence.fresh(limit=0.05)
    >>> for _ in range(60):
    ...     evidence = update(evidence, n=10, k=2)
    >>> evidence.tripped, evidence.fpr
    (True, 0.2)
    """

    limit: float
    horizon: int
    log_wealth: tuple[float, ...]
    blocks: int
    legit: int
    flagged: int

    @classmethod
    def fresh(cls, *, limit: float = 0.05, horizon: int = HORIZON) -> Self:
        """No evidence yet; `horizon` is the number of legitimate rows expected in a year."""
        if not 0 < limit * CAP * max(BETS) < 1:
            raise ValueError(f"limit must lie in (0, {1 / (CAP * max(BETS)):.4f}), got {limit}")
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1 row, got {horizon}")
        return cls(limit, horizon, (), blocks=0, legit=0, flagged=0)

    @property
    def fpr(self) -> float | None:
        """Flagged share of the legitimate rows so far; None before the first."""
        return self.flagged / self.legit if self.legit else None

    @property
    def log_e(self) -> float:
        """Natural logarithm of the mixture's wealth; minus infinity before the first block."""
        return _log_mean(self.log_wealth) if self.log_wealth else -math.inf

    @property
    def tripped(self) -> bool:
        """Whether the evidence says that the limit is broken."""
        return self.log_e >= -math.log(FALSE_TRIP)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**dataclasses.asdict(self), "log_wealth": list(self.log_wealth)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` gave."""
        return cls(**{**values, "log_wealth": tuple(values["log_wealth"])})


def update(evidence: Evidence, n: int, k: int, *, before: tuple[int, int] = (0, 0)) -> Evidence:
    """Evidence after `n` more legitimate rows of one block, `k` of them flagged.

    Args:
        evidence: What is known so far.
        n: Rows that are new, at least 1.
        k: How many of them are flagged.
        before: Rows of the same terminal and day that were counted earlier, and how many of them were flagged.

    Raises:
        ValueError: `n` is below 1, or more rows are flagged than there are.
    """
    if not (n >= 1 and 0 <= k <= n and 0 <= before[1] <= before[0]):
        raise ValueError(f"a block needs at least one row and 0 <= flagged <= rows, got {k} of {n} after {before}")
    old, new = _excess(evidence.limit, *before), _excess(evidence.limit, before[0] + n, before[1] + k)
    opened = (min(before[0] + n, CAP) - min(before[0], CAP)) / evidence.horizon
    return dataclasses.replace(
        evidence,
        log_wealth=tuple(
            _log_add(wealth, opened) + math.log1p(bet * new) - math.log1p(bet * old)
            for bet, wealth in zip(BETS, evidence.log_wealth or NOTHING, strict=True)
        ),
        blocks=evidence.blocks + (before[0] == 0),
        legit=evidence.legit + n,
        flagged=evidence.flagged + k,
    )


def _excess(limit: float, n: int, k: int) -> float:
    """Flagged rows above the limit, in a block that counts as `CAP` rows at most."""
    return (k / n - limit) * min(n, CAP) if n else 0.0


def _log_add(log_wealth: float, amount: float) -> float:
    """Logarithm of a wealth after `amount` was added to it."""
    if not amount:
        return log_wealth
    high, low = max(log_wealth, math.log(amount)), min(log_wealth, math.log(amount))
    return high + math.log1p(math.exp(low - high))


def _log_mean(logs: tuple[float, ...]) -> float:
    high = max(logs)
    return high + math.log(sum(math.exp(value - high) for value in logs) / len(logs))
