"""Frauds of a window and the episodes they come in: compromised terminals and customers.

A terminal stays compromised for 28 days, a customer for 14. Each fraud belongs to the episode of its terminal or of
its customer, whichever holds more of the frauds in question.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import AmountOverflow, DataError
from antifraud.stats.score_tables import MAX_AMOUNT, MONTH_DAYS, Floats, Ints

LEAST_FRAUDS: Final = 2
"""Frauds that make a compromise; a single one has no first days to be hidden in."""
COLUMNS: Final = ("score", "amount", "customer", "terminal", "day", "delay", "stands_for")
"""Columns of `Frauds`, some of which may be left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Frauds:
    """Frauds of a window, one entry each; all columns have shape ``(n,)``.

    Attributes:
        score: Risk, ppm.
        amount: Minor units.
        customer: Integer codes without meaning.
        terminal: Integer codes without meaning.
        days: Length of the window.
        day: Days since 1970; None where nobody asks when.
        delay: Days until each was first called a fraud; None where nobody asks.
        stands_for: Frauds that each stands for, itself included, while labels are still to come; None: each for itself.
        first_day: First day of the window, days since 1970; None: the day of the first fraud.
    """

    score: Ints
    amount: Ints
    customer: Ints
    terminal: Ints
    days: int
    day: Ints | None = None
    delay: Ints | None = None
    stands_for: Floats | None = None
    first_day: int | None = None

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Frauds":
        """Return the frauds at these positions, or where a mask is true; the window keeps its length."""
        known = {name: column for name in COLUMNS if (column := getattr(self, name)) is not None}
        return replace(self, **{name: column[rows] for name, column in known.items()})

    def missed(self, threshold: int) -> "Frauds":
        """Return the frauds that `threshold` (ppm) does not flag."""
        return self.take(self.score <= threshold)

    def divided(self, shares: Floats) -> "Frauds":
        """Divide each amount by the share of its day's frauds that is known, so that it stands for the unknown ones.

        Raises:
            AmountOverflow: An amount does not fit 64 bits any more.
        """
        amount = np.rint(self.amount / shares)
        if (beyond := np.abs(amount) > MAX_AMOUNT).any():
            raise AmountOverflow(
                f"{int(beyond.sum())} of {beyond.size} frauds stand for more than {MAX_AMOUNT} minor units once labels "
                "to come are counted: correct the amounts at their source"
            )
        return replace(self, amount=amount.astype(np.int64), stands_for=self.weights / shares)

    @property
    def weights(self) -> Floats:
        """Number of frauds that each stands for, shape ``(n,)``."""
        return np.ones(self.amount.size) if self.stands_for is None else self.stands_for

    def require_day(self) -> Ints:
        """Return when each fraud happened, days since 1970.

        Raises:
            DataError: The days were left out.
        """
        if self.day is None:
            raise DataError("these frauds have no days: reduce the rows again with `day`")
        return self.day


@dataclass(frozen=True, slots=True, eq=False)
class _Belonging:
    """Where each fraud belongs, shape ``(n,)`` each; terminals and customers are numbered from 0."""

    terminal: NDArray[np.intp]
    customer: NDArray[np.intp]
    to_terminal: NDArray[np.bool_]
    """Whether the fraud belongs to its terminal, else to its customer."""
    at_terminal: Ints
    """Frauds at the fraud's terminal."""

    @classmethod
    def of(cls, frauds: Frauds) -> "_Belonging":
        _, terminal, in_terminal = np.unique(frauds.terminal, return_inverse=True, return_counts=True)
        _, customer, in_customer = np.unique(frauds.customer, return_inverse=True, return_counts=True)
        at_terminal = in_terminal[terminal]
        return cls(terminal, customer, at_terminal >= in_customer[customer], at_terminal.astype(np.int64))


def episode_of(frauds: Frauds) -> NDArray[np.intp]:
    """Return the number of each fraud's episode, shape ``(n,)``; numbers have gaps."""
    found = _Belonging.of(frauds)
    # Episodes of customers are numbered after those of terminals, of which there are no more than frauds.
    return np.where(found.to_terminal, found.terminal, found.terminal.size + found.customer)


def count_by_episode(frauds: Frauds, block: Ints, blocks: int) -> Floats:
    """Count the frauds of each episode in each block of time, shape ``(episodes, blocks)``.

    A fraud counts as often as it stands for others, whose labels have not arrived.

    Args:
        frauds: The frauds.
        block: Number of each fraud's block, shape ``(n,)``; frauds of blocks outside ``0..blocks - 1`` do not count.
        blocks: Number of blocks.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 1), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), days=14)
    >>> count_by_episode(frauds, ints(0, 1, 1), 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    inside = (block >= 0) & (block < blocks)
    _, episode = np.unique(episode_of(frauds)[inside], return_inverse=True)
    counts = np.zeros((int(episode.max(initial=-1)) + 1, blocks))
    np.add.at(counts, (episode, block[inside]), frauds.weights[inside])
    return counts


def episode_totals(frauds: Frauds) -> Floats:
    """Return the amount of each episode, minor units, shape ``(episodes,)``.

    A fraud belongs to its terminal if that terminal has at least as many of these frauds as its customer has, else to
    its customer. Episodes that come to 0 lose nothing and are left out. Amounts may be negative, as those of
    `find_discordant` are; then totals may be negative too.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 1), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), days=28)
    >>> episode_totals(frauds).tolist()
    [300.0, 400.0]
    >>> signed = Frauds(ints(1, 1, 1, 1), ints(100, -300, 50, -50), ints(7, 8, 9, 9), ints(5, 5, 6, 7), days=28)
    >>> episode_totals(signed).tolist()
    [-200.0]
    """
    totals = np.bincount(episode_of(frauds), frauds.amount).astype(np.float64)
    worth_something: Floats = totals[totals != 0]
    return worth_something


def label_delay_loss(frauds: Frauds, threshold: int, delay: int, first_day: int) -> float | None:
    """Return what the label delay costs a month, minor units: at most so much would labels without delay save.

    A terminal's history shows nothing before the label of its first fraud has come. So the loss is the fraud missed in
    the first `delay` days of a terminal's episode. An episode is a terminal with `LEAST_FRAUDS` frauds or more, and is
    taken to begin with its first fraud.

    Args:
        frauds: All frauds of the window.
        threshold: Scores up to it are missed, ppm.
        delay: Days until a label comes.
        first_day: First day of the window, days since 1970. The first `delay` days are left out, because episodes may
            have begun before the window.

    Returns:
        None where the frauds have no days, or the window is not longer than the delay.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> frauds = Frauds(ints(1, 1, 9), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 5), 37, ints(10, 12, 18))
    >>> label_delay_loss(frauds, threshold=5, delay=7, first_day=0)
    300.0
    """
    if frauds.day is None or frauds.days <= delay or not frauds.score.size:
        return None
    found = _Belonging.of(frauds)
    # Day of each terminal's first fraud, caught or not: its label is what would have warned.
    first = np.full(int(found.terminal.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, found.terminal, frauds.day)
    is_episode = found.to_terminal & (found.at_terminal >= LEAST_FRAUDS)
    hidden = is_episode & (frauds.day - first[found.terminal] < delay)
    counted = hidden & (frauds.score <= threshold) & (frauds.day >= first_day + delay)
    return float(frauds.amount[counted].sum(dtype=np.float64)) * MONTH_DAYS / (frauds.days - delay)
