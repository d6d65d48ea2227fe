"""A day on which nothing happened belongs to its window; a day of which nothing is known does not."""

import numpy as np
import pytest

from antifraud.errors import MissingDay, NotEnoughRows
from antifraud.gate.judge import Certify, Demand
from antifraud.stats.beta import select_beta
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable

FIRST, DAYS = 20_000, 28


def window(present, **more):
    """Return a window of 28 days with nine legitimate rows and one fraud on each of the days `present`."""
    day = FIRST + np.repeat(present, 10)
    fraud = np.tile(np.arange(10) == 9, len(present))
    table = ScoreTable.from_rows(day, np.tile(np.arange(10), len(present)), fraud, np.full(day.size, 100))
    codes = np.arange(len(present))
    frauds = Frauds(np.full(len(present), 9), np.full(len(present), 100), codes, codes, DAYS, day[fraud])
    return Certify(table, frauds, **more)


def test_a_quiet_day_counts_as_a_day_without_transactions():
    """With quiet days at the beginning and inside, volumes and alerts are those of all 28 days."""
    present = [n for n in range(DAYS) if n not in (0, 14)]
    certify = window(present, quiet_days=[FIRST, FIRST + 14], unknown_a_day=np.arange(DAYS) % 2)

    assert certify.transactions_a_day.tolist() == [0 if n in (0, 14) else 10 + n % 2 for n in range(DAYS)]
    assert certify.first_day == FIRST
    assert certify.transactions_a_month == pytest.approx((260 + 14) * 30 / 28)
    assert certify.curve.alerts_a_day[0] == pytest.approx(260 / 28)
    assert Demand().transactions(certify).value == pytest.approx((260 + 14) * 30 / 28)


def test_a_day_without_labels_is_still_missing():
    """A day without labelled rows is refused by name unless it was quiet."""
    present = [n for n in range(DAYS) if n not in (3, 14)]

    with pytest.raises(MissingDay, match="the certify window has 28 days, 26 of them have labelled rows, none of 2024"):
        window(present)
    with pytest.raises(MissingDay, match=r"26 of them have labelled rows, none of 2024-10-18: load"):
        window(present, quiet_days=[FIRST + 3])


def test_beta_is_tuned_on_quiet_days_too():
    """A select window of seven days may have a quiet one, on which no fraud was missed."""
    table = window(range(6), quiet_days=range(FIRST + 6, FIRST + DAYS)).table

    with pytest.raises(NotEnoughRows, match="beta is tuned on 7 days at least, found 6"):
        select_beta(table, 10**9, level=0.99)
    assert select_beta(table, 10**9, level=0.99, quiet_days=1).threshold == 8
