"""Whether the flagged share of all decisions is too large, minutes after it happens and before any label is known.

With a false-positive rate within `limit` and a fraud share within `fraud_share`, at most

    ``limit + (1 - limit) * fraud_share``

of the decisions are flagged. A period of `n` decisions with a share `s` above that has, if rows are independent, at
most the probability ``exp(-n * KL(s, highest))`` (Chernoff). It is compared with a budget over all minutes of a year,
so a false warning comes once a year at most, and a false page once in a hundred years.

Labels may show later that all those payments were fraud, so this alone never trips. One customer or terminal must not
decide either: each counts with its first decisions of a minute only.

Sources: Chernoff (1952); Hoeffding (1963), theorem 1.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from antifraud.killswitch.detectors.level import Level

MINUTES_A_YEAR: Final = 365 * 24 * 60
PERIODS: Final = (5, 60)
"""Lengths of the periods that are looked at, in minutes: a fast one, and one for quiet services."""
MOST_OF_CUSTOMER, MOST_OF_TERMINAL = 2, 10
"""Decisions a minute that one customer, and one terminal, may contribute."""
A_YEAR: Final = {Level.WARNING: 1.0, Level.PAGE: 0.01}
"""False alarms a year of each level."""


class Seen(NamedTuple):
    """A decision of a minute: the tokens of its customer and terminal, and whether it was flagged."""

    customer: str
    terminal: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class Minute:
    """Decisions of one minute that count, and the flagged ones among them."""

    decided: int = 0
    flagged: int = 0

    @classmethod
    def of(cls, decisions: Iterable[Seen]) -> "Minute":
        """Count the decisions of a minute in their order, capped by customer and terminal.

        >>> Minute.of([Seen("c", f"t{n}", True) for n in range(50)] + [Seen("d", "t", False)])
        Minute(decided=3, flagged=2)
        """
        customers: Counter[str] = Counter()
        terminals: Counter[str] = Counter()
        decided = flagged = 0
        for seen in decisions:
            customers[seen.customer] += 1
            terminals[seen.terminal] += 1
            if customers[seen.customer] <= MOST_OF_CUSTOMER and terminals[seen.terminal] <= MOST_OF_TERMINAL:
                decided += 1
                flagged += seen.flagged
        return cls(decided, flagged)


def highest_share(limit: float, fraud_share: float) -> float:
    """Return the largest flagged share that rate and fraud share explain.

    >>> round(highest_share(limit=0.05, fraud_share=0.02), 3)
    0.069
    """
    return limit + (1 - limit) * fraud_share


def watch_share(minutes: Sequence[Minute], highest: float) -> Level:
    """Return how alarming the flagged share of the last minutes is; the newest minute is the last.

    >>> watch_share([Minute(400, 28)] * 60, highest=0.069)
    <Level.NONE: 0>
    >>> watch_share([Minute(400, 28)] * 58 + [Minute(400, 80)] * 2, highest=0.069)
    <Level.PAGE: 2>

    Raises:
        ValueError: `highest` is not between 0 and 1.
    """
    if not 0 < highest < 1:
        raise ValueError(f"the highest flagged share must lie in (0, 1), got {highest}")
    return max(_watch_period(minutes[-length:], highest) for length in PERIODS)


def _watch_period(minutes: Sequence[Minute], highest: float) -> Level:
    decided, flagged = sum(each.decided for each in minutes), sum(each.flagged for each in minutes)
    if not decided or flagged <= highest * decided:
        return Level.NONE
    surprise = decided * _divergence(flagged / decided, highest)
    reached = [level for level, false in A_YEAR.items() if surprise >= math.log(MINUTES_A_YEAR * len(PERIODS) / false)]
    return max(reached, default=Level.NONE)


def _divergence(share: float, expected: float) -> float:
    """Return the Kullback-Leibler divergence of two shares, in nats."""
    passed = (1 - share) * math.log((1 - share) / (1 - expected)) if share < 1 else 0.0
    return share * math.log(share / expected) + passed
