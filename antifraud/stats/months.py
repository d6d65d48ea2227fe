"""How much missed fraud differs from month to month, as far back as there are days.

A window of two months says little about how much months differ. The days before the training window say more, because
the candidate has not seen them either. Months are 30 days, counted back from the last day of the history and of the
window. Fraud is expected in proportion to a month's transactions, so a growing volume is no difference. Under steady
fraud, the covariance of the months' numbers comes from the episodes (`antifraud.stats.waves`). Anything above it is a
difference between months, which are taken as independent of each other.

Frauds are counted, not their amounts, because a few large frauds would pass for a wave.

Sources: as `antifraud.stats.waves`; Searle, Casella & McCulloch (1992), Variance Components, 3.6, for the moments.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.stats.episodes import Frauds, count_by_episode
from antifraud.stats.score_tables import MONTH_DAYS, Floats, Ints
from antifraud.stats.waves import ERROR_SHARE, MOST_SD

LEAST_MONTHS: Final = 4
"""With fewer months, what they seem to differ by is mostly chance."""


@dataclass(frozen=True, slots=True)
class Months:
    """Differences between months.

    Attributes:
        count: Months that were compared; 0: too few.
        month_sd: Standard deviation of next month's level against the window's, in logarithms; 0: nothing is known.
    """

    count: int = 0
    month_sd: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MissedDays:
    """Missed frauds of days in a row, and the number of all transactions of each day, shape ``(days,)``."""

    frauds: Frauds
    transactions: Floats

    @property
    def months(self) -> int:
        """Number of whole months, or 1 where there is none."""
        return max(self.frauds.days // MONTH_DAYS, 1)

    def month_of(self, day: Ints) -> Ints:
        """Return the months of days that are counted from 0; the oldest odd days have a negative one."""
        return self.months - 1 - (self.frauds.days - 1 - day) // MONTH_DAYS

    @property
    def month_of_frauds(self) -> Ints:
        """The month of each fraud, shape ``(n,)``."""
        day = self.frauds.require_day()
        if not day.size:
            return day
        return self.month_of(day - (day.min() if self.frauds.first_day is None else self.frauds.first_day))

    @property
    def by_month(self) -> Floats:
        """Transactions of each month."""
        month = self.month_of(np.arange(self.frauds.days))
        return np.bincount(month[month >= 0], self.transactions[month >= 0], self.months).astype(np.float64)


def find_months(earlier: MissedDays, now: MissedDays) -> Months:
    """Return the differences between months of the history and the window; nothing of fewer than `LEAST_MONTHS`.

    >>> from dataclasses import replace
    >>> own = np.arange(1_800)
    >>> steady = Frauds(own * 0, own, own, own, 180, own // 10)
    >>> history, window = steady.take(own < 1_200), steady.take(own >= 1_200)
    >>> earlier = MissedDays(replace(history, days=120), np.full(120, 500.0))
    >>> find_months(earlier, MissedDays(replace(window, days=60), np.full(60, 500.0)))  # doctest: +ELLIPSIS
    Months(count=6, month_sd=0.0125...)
    """
    months = earlier.months + now.months
    if months < LEAST_MONTHS or earlier.frauds.days < MONTH_DAYS:
        return Months()
    later = now.month_of_frauds
    month = np.append(earlier.month_of_frauds, np.where(later < 0, later, later + earlier.months))
    counts = count_by_episode(_joined(earlier.frauds, now.frauds), month, months)
    if not counts.any():
        return Months(months)
    ahead = 1 + MONTH_DAYS / now.frauds.days
    variance = _variance(counts, np.append(earlier.by_month, now.by_month)) * ahead
    return Months(months, min(float(np.sqrt(variance)), MOST_SD))


def _joined(earlier: Frauds, now: Frauds) -> Frauds:
    """Return the frauds of both, as far as episodes need them."""
    columns = (np.append(getattr(earlier, name), getattr(now, name)) for name in ("amount", "customer", "terminal"))
    amount, customer, terminal = columns
    weights = np.append(earlier.weights, now.weights)
    return Frauds(amount * 0, amount, customer, terminal, earlier.days + now.days, stands_for=weights)


def _variance(counts: Floats, transactions: Floats) -> float:
    """Return the relative variance between months beyond what the episodes explain.

    Args:
        counts: Frauds of each episode in each month, shape ``(episodes, months)``.
        transactions: Transactions of each month, shape ``(months,)``.
    """
    count, share = counts.sum(axis=0), transactions / transactions.sum()
    centred = np.eye(count.size) - np.outer(share, np.ones(count.size))
    residual, steady = centred @ count, centred @ (counts.T @ counts) @ centred.T
    excess = max(float(residual @ residual - np.trace(steady)), 0.0)
    error = float(np.sqrt(2 * np.trace(steady @ steady)))
    expected = centred * (float(count.sum()) * share)
    return (excess + ERROR_SHARE * error) / float((expected**2).sum())
