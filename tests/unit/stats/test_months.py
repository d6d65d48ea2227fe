"""Months before the training window show how far next month may lie from the certify window."""

import numpy as np
import pytest

from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.months import MissedDays, Months, find_months
from antifraud.stats.waves import MOST_SD

MONTH = 30


def days_of(*counts, transactions=1_000.0, first=0, offset=0):
    """Make so many single frauds on the last day of each month, with as many transactions on each day."""
    day = first + np.repeat(MONTH * (np.arange(len(counts)) + 1) - 1, counts)
    own = np.arange(offset, offset + day.size)
    length = MONTH * len(counts)
    return MissedDays(
        Frauds(own * 0, own * 0 + 1_000, own, own, length, day, first_day=first), np.full(length, transactions)
    )


def test_months_that_differ_by_chance_add_a_part_of_their_error():
    """Six months of 100 single frauds have no excess; a twentieth of its standard error is left.

    The variance is 0.05 * sqrt(2 * 5) * 100 over 5 * 100^2, and a window of two months adds half of a month's.
    """
    found = find_months(days_of(100, 100, 100, 100), days_of(100, 100, first=200, offset=10_000))

    assert found == Months(6, pytest.approx(np.sqrt(0.05 * np.sqrt(10) * 100 / (5 * 100**2) * 1.5)))


def test_the_spread_beyond_chance_is_the_variance_of_months():
    """Months of 50 and 150 frauds: squares of 6 * 50^2 less 500 by chance, over five months' squares of 100."""
    found = find_months(days_of(50, 150, 50, 150), days_of(50, 150, first=200, offset=10_000))
    variance = (6 * 50**2 - 500) / (5 * 100**2)

    assert found.month_sd == pytest.approx(min(np.sqrt(variance * 1.5), MOST_SD), rel=0.03)


def test_a_growing_volume_is_no_difference():
    """Twice the frauds with twice the transactions is as steady as before; without the transactions it is a wave."""
    now = days_of(200, 200, transactions=2_000.0, first=200, offset=10_000)
    unlike = MissedDays(now.frauds, np.full(60, 1_000.0))

    assert find_months(days_of(100, 100, 100, 100), now).month_sd < 0.03
    assert find_months(days_of(100, 100, 100, 100), unlike).month_sd > 0.3


def test_few_months_say_nothing():
    """Three months, a history of less than a month, and months without any fraud add nothing to the bound."""
    assert find_months(days_of(50, 150), days_of(50, first=100)) == Months()
    short = MissedDays(days_of(50).frauds, np.full(30, 1.0))
    assert find_months(short, days_of(50, 50, first=100, offset=500)) == Months()
    assert find_months(days_of(0, 0, 0), days_of(0, 0, first=100)) == Months(5)


def test_the_oldest_odd_days_do_not_count():
    """The first five of 65 days are in no month, with their frauds and transactions."""
    day = np.array([0, 4, 5, 34, 35, 64])
    found = MissedDays(Frauds(day, day, day, day, 65, day, first_day=0), np.arange(65.0))

    assert found.month_of_frauds.tolist() == [-1, -1, 0, 0, 1, 1]
    assert found.by_month.tolist() == [sum(range(5, 35)), sum(range(35, 65))]


def test_the_bound_takes_the_larger_of_weeks_and_months():
    """Earlier months widen the bound like the declared floor; less than the weeks show changes nothing."""
    own = np.arange(180)
    missed = Frauds(own * 0, own * 0 + 1_000, own, own, 60, own // 3, first_day=0)
    alone, little, much = (loss_bound(missed, earlier_sd=sd) for sd in (0.0, 0.001, 0.4))

    assert little == alone
    assert much.month_sd == pytest.approx(np.hypot(Volume().month_sd, 0.4))
    assert much.bound > 1.5 * alone.bound
