"""Evidence that the false-positive rate is above its limit, valid whenever somebody looks at it.

The detector is an e-detector (Shin, Ramdas & Rinaldo 2024) made of betting factors (Waudby-Smith & Ramdas 2024). A
block is `n` matured legitimate rows, `k` of them flagged. It multiplies every open bet by
``1 + bet * (k - limit * n)``. While the rate is within the limit, the expectation of that factor is at most 1.

New bets are opened all the time, with weight ``n / horizon``. Over a horizon of legitimate rows the expected wealth is
therefore at most 1. By Doob's inequality the wealth reaches ``1 / false_trip`` with probability `false_trip` at most,
however often somebody looks. A mixture of bet sizes serves small and large excesses alike.

**The unit is the block, not the row**, because honest rows of one terminal's day are flagged together. A block is all
rows of one terminal and day whose labels have matured when the guard looks. Labels that mature later join the block:
their rows correlate with it, so a new block would double-count the evidence. `update` gets what was counted before and
replaces the block's factor by the factor of the whole block. A block of more than `CAP` rows counts as `CAP` rows with
the same share, so that no terminal decides alone.

The promise needs one assumption: given earlier blocks, the expected share of a block is within the limit. Blocks are
therefore counted in the order of arrival and never chosen by their outcome.
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
"""Most rows that one block counts as."""
HORIZON: Final = 3_650_000
"""Legitimate rows over which the promise about false trips holds: a year at 10,000 a day."""
FALSE_TRIP: Final = 0.05
"""Largest probability of a trip within the horizon while the rate is within its limit."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The detector's whole memory.

    Attributes:
        limit: False-positive rate that must not be exceeded.
        horizon: Legitimate rows over which the promise about false trips holds.
        log_wealth: Natural logarithm of the wealth of each bet; empty before the first block.
        blocks: Blocks that were counted.
        legit: Legitimate rows that were counted.
        flagged: How many of those rows were flagged.

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
        """Return evidence of nothing yet; `horizon` is the number of legitimate rows expected in a year.

        Raises:
            ValueError: The largest bet cannot test the limit, or the horizon is below 1.
        """
        if not 0 < limit * CAP * max(BETS) < 1:
            raise ValueError(f"limit must lie in (0, {1 / (CAP * max(BETS)):.4f}), got {limit}")
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1 row, got {horizon}")
        return cls(limit, horizon, (), blocks=0, legit=0, flagged=0)

    @property
    def fpr(self) -> float | None:
        """The flagged share of the legitimate rows so far; None before the first."""
        return self.flagged / self.legit if self.legit else None

    @property
    def log_e(self) -> float:
        """The natural logarithm of the mixture's wealth; minus infinity before the first block."""
        return _log_mean(self.log_wealth) if self.log_wealth else -math.inf

    @property
    def tripped(self) -> bool:
        """Whether the evidence says that the limit is broken."""
        return self.log_e >= -math.log(FALSE_TRIP)

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence as values that JSON can hold."""
        return {**dataclasses.asdict(self), "log_wealth": list(self.log_wealth)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read evidence back from the values of `to_dict`."""
        return cls(**{**values, "log_wealth": tuple(values["log_wealth"])})


def update(evidence: Evidence, n: int, k: int, *, before: tuple[int, int] = (0, 0)) -> Evidence:
    """Return the evidence after `n` more legitimate rows of one block, `k` of them flagged.

    Args:
        evidence: The evidence so far.
        n: New rows, at least 1.
        k: Flagged rows among the new ones.
        before: Rows of the same terminal and day that were counted earlier, and the flagged ones among them.

    Raises:
        ValueError: `n` is below 1, or more rows are flagged than there are.
    """
    if not (n >= 1 and 0 <= k <= n and 0 <= before[1] <= before[0]):
        raise ValueError(f"a block needs at least one row and 0 <= flagged <= rows, got {k} of {n} after {before}")
    old, new = _excess(evidence.limit, *before), _excess(evidence.limit, before[0] + n, before[1] + k)
    # A block opens bets for its first `CAP` rows only, also if they come in several parts.
    opened = (min(before[0] + n, CAP) - min(before[0], CAP)) / evidence.horizon
    return dataclasses.replace(
        evidence,
        log_wealth=tuple(
            # The factor of the block's earlier rows is taken out again and that of the whole block put in.
            _log_add(wealth, opened) + math.log1p(bet * new) - math.log1p(bet * old)
            for bet, wealth in zip(BETS, evidence.log_wealth or NOTHING, strict=True)
        ),
        blocks=evidence.blocks + (before[0] == 0),
        legit=evidence.legit + n,
        flagged=evidence.flagged + k,
    )


def _excess(limit: float, n: int, k: int) -> float:
    """Return the flagged rows above the limit, in a block that counts as `CAP` rows at most."""
    return (k / n - limit) * min(n, CAP) if n else 0.0


def _log_add(log_wealth: float, amount: float) -> float:
    """Return the logarithm of a wealth after `amount` was added to it."""
    if not amount:
        return log_wealth
    high, low = max(log_wealth, math.log(amount)), min(log_wealth, math.log(amount))
    return high + math.log1p(math.exp(low - high))


def _log_mean(logs: tuple[float, ...]) -> float:
    # Factoring the largest out keeps `exp` from overflowing: wealth grows without bound after a trip.
    high = max(logs)
    return high + math.log(sum(math.exp(value - high) for value in logs) / len(logs))
