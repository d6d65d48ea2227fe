"""Days before training show what the certify window lacks: a rare day warns by its date, and months widen the loss."""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.errors import DataError
from antifraud.gate.assumptions import refused
from antifraud.gate.certify import Certify
from antifraud.gate.checks import check_rate
from antifraud.gate.history import History
from antifraud.gate.judge import Limits, check_threshold, judge
from antifraud.settings.assumptions import AssumptionName
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable, merge

FIRST, WINDOW, EARLIER = 20_000, 63, 180
THRESHOLD = 95
RARE = FIRST - 100


def days(first, count, seed, rare=None):
    """Draw 300 legitimate rows a day, 4 % of them above `THRESHOLD`; on a rare day every fifth is."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(first, first + count), 300)
    chance = np.where(day == rare, 0.2, 0.04)
    score = np.where(rng.random(day.size) < chance, 99, rng.integers(0, THRESHOLD, day.size))
    return ScoreTable.from_rows(day, score, np.zeros(day.size, bool), np.ones(day.size))


def frauds(first, count, each, offset):
    """Make one fraud of 1,000 kopecks a day, and as many more as `each` says in every other month; all are missed."""
    day = np.concatenate([np.full(each if n // 30 % 2 else 1, first + n) for n in range(count)])
    own = np.arange(offset, offset + day.size)
    return Frauds(own * 0, own * 0 + 1_000, own, own, count, day, first_day=first)


def with_frauds(table, found):
    ones = np.ones(found.score.size, bool)
    return merge(table, ScoreTable.from_rows(found.day, found.score, ones, found.amount))


def window(rare=None, each=1):
    """Return 63 days with 180 before training, which lie 35 days earlier."""
    now, before = frauds(FIRST, WINDOW, 1, 0), frauds(FIRST - 215, EARLIER, each, 100_000)
    history = History(with_frauds(days(FIRST - 215, EARLIER, 2, rare), before), before, np.full(EARLIER, 300.0))
    return Certify(with_frauds(days(FIRST, WINDOW, 1), now), now, history=history)


def test_a_rare_day_before_training_warns_by_its_date():
    """The window has no day of 20 %; one of 180 days before training fails the assumption and is named."""
    found = {each.name: each for each in check_rate(window(RARE), THRESHOLD)}[AssumptionName.RATE_DAY]

    assert found.fails
    assert found.assumed == "days are alike, and kinds of day that 243 days may not show are not worse"
    assert found.words.startswith("In 63 days and 180 before training the rate stands out most on 2024-06-26: ")
    assert found.words.endswith(" A kind of day rarer than one in 53 may not have shown.")


def test_without_history_only_the_window_is_looked_at():
    """The same window alone does not fail, and says how rare a kind of day it would have missed."""
    alone = replace(window(RARE), history=None)
    found = {each.name: each for each in check_rate(alone, THRESHOLD)}[AssumptionName.RATE_DAY]

    assert not found.fails
    assert found.words.startswith("In 63 days the rate stands out most on ")
    assert found.words.endswith(" A kind of day rarer than one in 14 may not have shown.")


def test_a_rare_day_before_training_can_refuse():
    """If `rate_day` is declared as a reason to refuse, it is the one that forbids a PASS of such a window."""
    limits = Limits(loss_limit_minor=10**9, refuse_if_failed=(AssumptionName.RATE_DAY,))
    found = check_threshold(window(RARE), THRESHOLD, limits)

    assert [each.name for each in refused(found)] == [AssumptionName.RATE_DAY]
    assert (found.verdict, refused(check_threshold(window(), THRESHOLD, limits))) == ("FAIL", [])


def test_months_before_training_widen_the_loss_bound():
    """Months with one and with four frauds a day differ by more than steady ones; equal ones add little."""
    limits = Limits(loss_limit_minor=10**9)
    steady, waves = (judge(found.table, found, limits).loss for found in (window(), window(each=4)))

    assert steady.month_sd < 0.12
    assert waves.month_sd > 0.4
    assert waves.mean == steady.mean
    assert waves.bound > 1.5 * steady.bound


def test_each_day_of_a_history_has_its_transactions():
    """Transactions of 179 of 180 days are refused."""
    known = window().history
    with pytest.raises(DataError, match="the history has 180 days, but 179 numbers of transactions"):
        History(known.table, known.frauds, np.ones(179))
