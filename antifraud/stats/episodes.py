"""Frauds of a window and the episodes they come in: compromised terminals and customers.

A terminal stays compromised for 28 days, a customer for 14. Each fraud belongs to the episode of its terminal or of
its customer, whichever holds more of the frauds in question.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import DataError
from antifraud.stats.score_tables import MONTH_DAYS, Floats, Ints

SAME_SIZE: Final = 0.2
"""Episodes whose totals differ by less than this share are drawn as one group."""
TAIL_LEAST: Final = 5
"""Episodes that the tail is estimated from, at least."""
TAIL_CAP: Final = 0.5
"""Largest tail index: beyond it the sizes would have no variance."""
LEAST_FRAUDS: Final = 2
"""Frauds that make a compromise; a single one has no first days to be hidden in."""


@dataclass(frozen=True, slots=True, eq=False)
class Frauds:
    """Frauds of a window, one entry each, shape ``(n,)``: score (ppm), amount (minor units), customer and terminal.

    Customers and terminals are integer codes without meaning; `days` is the length of the window. `day` (days since
    1970) is None where nobody asks when.
    """

    score: Ints
    amount: Ints
    customer: Ints
    terminal: Ints
    days: int
    day: Ints | None = None

    def missed(self, threshold: int) -> "Frauds":
        """Those that `threshold` does not flag."""
        kept = self.score <= threshold
        day = None if self.day is None else self.day[kept]
        return Frauds(self.score[kept], self.amount[kept], self.customer[kept], self.terminal[kept], self.days, day)

    def divided(self, shares: Floats) -> "Frauds":
        """Each amount divided by the share of frauds of its day that is known: stands for those still unknown."""
        return replace(self, amount=np.rint(self.amount / shares).astype(np.int64))

    def require_day(self) -> Ints:
        """When each fraud happened.

        Raises:
            DataError: The days were left out.
        """
        if self.day is None:
            raise DataError("these frauds have no days: reduce the rows again with `day`")
        return self.day

    @property
    def amount_a_month(self) -> float:
        """Their amount in 30 such days, minor units."""
        return float(self.amount.sum()) * MONTH_DAYS / self.days


def _belongs(frauds: Frauds) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_], Ints]:
    """Codes of terminal and customer, whether a fraud belongs to its terminal, and the frauds at that terminal."""
    _, terminal, in_terminal = np.unique(frauds.terminal, return_inverse=True, return_counts=True)
    _, customer, in_customer = np.unique(frauds.customer, return_inverse=True, return_counts=True)
    at_terminal = in_terminal[terminal]
    return terminal, customer, at_terminal >= in_customer[customer], at_terminal.astype(np.int64)


def episode_totals(frauds: Frauds) -> Floats:
    """Amount of each episode, minor units, shape ``(episodes,)``.

    A fraud belongs to its terminal if that has at least as many frauds here as its customer, else to its customer.
    Episodes that are worth 0 lose nothing and are left out.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 1), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), days=28)
    >>> episode_totals(frauds).tolist()
    [300.0, 400.0]
    """
    terminal, customer, of_terminal, _ = _belongs(frauds)
    episode = np.where(of_terminal, terminal, terminal.size + customer)
    totals = np.bincount(episode, frauds.amount).astype(np.float64)
    return totals[totals > 0]


def groups_of(totals: Floats) -> tuple[Floats, Ints]:
    """Episodes of nearly equal total taken together: mean total and number of each group, both ``(groups,)``.

    Poisson counts and Gamma intensities of equal episodes add up exactly, so a few hundred groups stand for any number
    of episodes; within a group totals differ by `SAME_SIZE` at most, and the sum is kept. No episode makes no group.

    >>> [column.tolist() for column in groups_of(np.array([100.0, 102.0, 5_000.0]))]
    [[101.0, 5000.0], [2, 1]]
    """
    bins = np.floor(np.log(totals / totals.min(initial=np.inf)) / np.log1p(SAME_SIZE)).astype(np.int64)
    _, where, count = np.unique(bins, return_inverse=True, return_counts=True)
    return np.bincount(where, totals) / count, count.astype(np.int64)


def label_delay_loss(frauds: Frauds, threshold: int, delay: int, first_day: int) -> float | None:
    """What the label delay costs a month, minor units: fraud missed in the first `delay` days of terminal episodes.

    A terminal's history shows nothing before its first fraud's label has come. An episode is a terminal with
    `LEAST_FRAUDS` or more frauds; it is taken to begin with its first one. The window begins on `first_day`; its first
    `delay` days are left out, since what begins there may have begun earlier. It is what labels without any delay
    would save at most.
    None where the frauds have no days, or the window is not longer than the delay.
    """
    if frauds.day is None or frauds.days <= delay or not frauds.score.size:
        return None
    terminal, _, of_terminal, at_terminal = _belongs(frauds)
    first = np.full(int(terminal.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, terminal, frauds.day)
    hidden = of_terminal & (at_terminal >= LEAST_FRAUDS) & (frauds.day - first[terminal] < delay)
    counted = hidden & (frauds.score <= threshold) & (frauds.day >= first_day + delay)
    return float(frauds.amount[counted].sum()) * MONTH_DAYS / (frauds.days - delay)


def signed_totals(frauds: Frauds) -> Floats:
    """`episode_totals` of frauds whose amounts may be negative; episodes that come to nothing are left out.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 1, 1), ints(100, -300, 50, -50), ints(7, 8, 9, 9), ints(5, 5, 6, 7), days=28)
    >>> signed_totals(frauds).tolist()
    [-200.0]
    """
    terminal, customer, of_terminal, _ = _belongs(frauds)
    episode = np.where(of_terminal, terminal, terminal.size + customer)
    totals = np.bincount(episode, frauds.amount).astype(np.float64)
    signed: Floats = totals[totals != 0]
    return signed


def larger_than(totals: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Sizes of episodes larger than all of these: Pareto, with the index of the largest tenth (Hill 1975)."""
    largest = np.sort(totals)[::-1][: max(TAIL_LEAST, totals.size // 10) + 1]
    index = float(np.log(largest[:-1] / largest[-1]).mean()) if largest.size > 1 else TAIL_CAP
    sizes: Floats = largest[0] * rng.random(draws) ** -min(index, TAIL_CAP)
    return sizes
