"""The Handbook's protocol and the tutorial's features equal results by hand and by scans over all rows."""

import datetime as dt

import numpy as np
import pytest

from bench.model.protocol import Week, card_precision, last_weeks, ranking
from bench.model.rows import Rows
from bench.model.tutorial import tutorial_features

DAY = 86_400
FIRST = np.datetime64("2018-05-01")
EPOCH = int(FIRST.astype(int)) * DAY


def rows_of(time, card, terminal, amount, fraud):
    time = np.asarray(time) + EPOCH
    days = (time // DAY).astype("datetime64[D]")
    return Rows(np.zeros((time.size, 1)), np.array(fraud, bool), days, time, *map(np.asarray, (card, terminal, amount)))


def test_windows_of_a_week():
    """A week tested from 22 May has its training from 8 to 14 May, before a delay of a week."""
    week = Week(dt.date(2018, 5, 22))

    assert (week.train.first, week.train.last) == (dt.date(2018, 5, 8), dt.date(2018, 5, 14))
    assert (week.days[0], week.days[-1]) == (dt.date(2018, 5, 22), dt.date(2018, 5, 28))


def test_known_cards_are_left_out_from_the_day_their_label_has_arrived():
    """A card with a known fraud is left out from the day the label arrives, but not if the fraud precedes training.

    A fraud of the 15th is known on the 23rd, the eighth day after it.
    """
    noon = DAY // 2
    days = np.array([6, 13, 14, 21, 21, 21, 22, 22, 22])
    rows = rows_of(days * DAY + noon, [1, 2, 3, 1, 2, 3, 1, 2, 3], [0] * 9, [100] * 9, [1, 1, 1] + [0] * 6)

    assert Week(dt.date(2018, 5, 22)).test(rows).tolist() == [False] * 3 + [True, False, True, True, False, False]


def test_last_weeks_end_with_the_data_or_before_a_day():
    """The last weeks end with the data, or before a given day."""
    rows = rows_of(np.arange(15) * DAY, range(15), range(15), [1] * 15, [0] * 15)

    assert [week.first.day for week in last_weeks(rows, 2)] == [2, 9]
    assert [week.first.day for week in last_weeks(rows, 1, before=dt.date(2018, 5, 9))] == [2]


def test_card_precision_by_hand():
    """On either day one of the two leading cards has fraud; a card that was found on day 1 is left out on day 2."""
    day = np.array([0, 0, 0, 0, 1, 1, 1, 1], "datetime64[D]")
    card = np.array([1, 1, 2, 3, 1, 2, 3, 4])
    fraud = np.array([0, 1, 0, 1, 1, 0, 1, 1], bool)
    score = np.array([0.9, 0.1, 0.8, 0.2, 0.9, 0.5, 0.7, 0.1])

    assert card_precision(day, card, fraud, score, top=2) == 0.5


def test_fewer_cards_than_reviews_still_divide_by_the_reviews():
    """One card with fraud and room for four reviews gives a precision of a quarter."""
    one = np.array([0])

    assert card_precision(one.astype("datetime64[D]"), one, np.array([True]), np.array([0.5]), top=4) == 0.25


def test_ranking_by_hand():
    """Ranks of fraud, honest, fraud, honest have AUC 3/4, average precision 5/6, and half the frauds found first."""
    found = ranking(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.6]))

    assert found == {"auc": 0.75, "ap": pytest.approx(5 / 6), "tpr5": 0.5}


def test_tutorial_features_equal_a_scan_over_all_rows():
    """Counts, means and delayed shares of 300 random rows equal those of a scan over all other rows."""
    draw = np.random.default_rng(5)
    time = np.sort(draw.choice(60 * DAY, 300, replace=False))
    card, terminal = draw.integers(0, 3, 300), draw.integers(0, 3, 300)
    amount, fraud = draw.integers(1, 10_000, 300), draw.random(300) < 0.3
    found = tutorial_features(rows_of(time, card, terminal, amount, fraud))
    for row in range(300):
        expected = []
        for days in (1, 7, 30):
            own = [n for n in range(row + 1) if card[n] == card[row] and time[n] > time[row] - days * DAY]
            expected += [len(own), sum(amount[n] / 100 for n in own) / len(own)]
        for days in (1, 7, 30):
            seen = [
                n for n in range(300)
                if terminal[n] == terminal[row]
                and time[row] - (7 + days) * DAY < time[n] <= time[row] - 7 * DAY
            ]  # fmt: skip
            expected += [len(seen), sum(fraud[n] for n in seen) / len(seen) if seen else 0.0]
        assert found[row, 3:] == pytest.approx(expected)
