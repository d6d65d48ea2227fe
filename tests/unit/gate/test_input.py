"""The gate refuses bad input with an error of its own that says what to do."""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.errors import (
    ConstantScore,
    DataError,
    MissingDay,
    NoFraud,
    NotANumber,
    NotEnoughRows,
    OnlyFraud,
    UndefinedMetric,
)
from antifraud.gate.judge import Certify, Limits, check_threshold, judge
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks, fpr_bounds

ROWS = 2_800


def window(score=None, fraud=None, day=None, worth=5_000):
    """Return 28 days of 100 rows, of which every tenth is fraud by default."""
    index = np.arange(ROWS)
    fraud = index % 10 == 0 if fraud is None else fraud
    score = index % 997 if score is None else score
    day = index % 28 if day is None else day
    table = ScoreTable.from_rows(day, score, fraud, np.full(ROWS, worth))
    kept = np.flatnonzero(fraud)
    return Certify(table, Frauds(score[kept], np.full(kept.size, worth), kept, kept, 28, day[kept]))


GOOD = window()


@pytest.mark.parametrize(
    ("fraud", "error", "found"),
    [(np.zeros(ROWS, bool), NoFraud, "2800 and 0"), (np.ones(ROWS, bool), OnlyFraud, "0 and 2800")],
)
def test_one_class_is_refused_in_either_window(fraud, error, found):
    """A window with no fraud, or with nothing but fraud, is refused by name and with its counts."""
    with pytest.raises(error, match=f"the certify window needs legitimate rows and frauds, found {found}"):
        judge(GOOD.table, window(fraud=fraud), Limits())
    with pytest.raises(error, match="the select window"):
        judge(window(fraud=fraud).table, GOOD, Limits())


def test_a_constant_score_is_refused():
    """A window with all rows at one score is refused, because no threshold could divide them."""
    tied = window(score=np.full(ROWS, 7))
    with pytest.raises(ConstantScore, match="all 2800 rows of the certify window have the score 7"):
        judge(GOOD.table, tied, Limits())
    with pytest.raises(ConstantScore, match="certify window"):
        check_threshold(tied, 7, Limits())
    with pytest.raises(ConstantScore, match="select window"):
        judge(tied.table, GOOD, Limits())


def test_two_tied_levels_are_judged_and_flag_nothing_above_the_rate():
    """With half of the rows on each of two levels, the threshold is the upper level, and nothing is flagged."""
    report = judge(GOOD.table, window(score=np.arange(ROWS) % 2), Limits())

    assert (report.threshold, report.fpr, report.recall) == (1, 0.0, 0.0)
    assert report.precision is None


def test_frauds_that_are_all_worth_nothing_are_refused_in_either_window():
    """A window with frauds worth nothing is refused, because it has no loss to limit."""
    free = window(worth=0)
    with pytest.raises(UndefinedMetric, match="all 280 frauds of the certify window are worth 0: there is no loss"):
        judge(GOOD.table, free, Limits())
    with pytest.raises(UndefinedMetric, match="certify window are worth 0"):
        check_threshold(free, 500, Limits())
    with pytest.raises(UndefinedMetric, match="select window are worth 0"):
        judge(free.table, GOOD, Limits())


@pytest.mark.parametrize("odd", [np.nan, np.inf, -1, 1_000_001, 10.9])
def test_a_score_that_is_no_risk_is_refused(odd):
    """Scores that are not integers from 0 to 1,000,000 are refused, with their number and an example."""
    scores = [5.0, odd, odd]
    with pytest.raises(NotANumber, match=rf"2 of 3 scores are not integers in 0\.\.1000000, such as {float(odd)}: the"):
        ScoreTable.from_rows([0, 0, 0], scores, [True, False, False], [1, 1, 1])


@pytest.mark.parametrize("odd", [np.nan, np.inf, -700, 0.5, 2.0**63])
@pytest.mark.parametrize("fraud", [True, False])
def test_an_amount_that_is_none_is_refused(odd, fraud):
    """Amounts that are not integers from 0 up are refused, of frauds and of legitimate rows."""
    with pytest.raises(NotANumber, match=r"1 of 3 amounts are not integers in 0\.\.4611686018427387904, such as") as no:
        ScoreTable.from_rows([0, 0, 0], [5, 5, 9], [fraud, True, False], [odd, 100, 200])
    assert no.value.exit_code == 28


def test_whole_floats_are_scores_and_amounts():
    """Floats that are whole numbers are accepted as scores and amounts."""
    table = ScoreTable.from_rows([0, 0], [5.0, 9.0], [True, False], [100.0, 200.0])
    assert (table.score.tolist(), table.fraud_amount.tolist()) == ([5, 9], [100, 0])


def test_a_negative_fraud_is_refused_before_it_can_hide_another():
    """A fraud with a negative amount is refused, because it could cancel another fraud in its episode."""
    codes, days = np.zeros(2, np.int64), np.arange(28)
    table = ScoreTable.from_rows(days, days, days < 2, np.full(28, 100))
    with pytest.raises(NotANumber, match="1 of 2 frauds have a negative amount, such as -700: expected 0 minor units"):
        Certify(table, Frauds(codes, np.array([100, -700]), codes, codes, 28))


def test_fewer_rows_than_delta_needs_say_how_many_are_missing():
    """If delta needs more rows than the window has, the error says how many are missing."""
    index = np.arange(280)
    fraud = index % 10 == 0
    table = ScoreTable.from_rows(index % 28, index, fraud, np.full(280, 5_000))
    few = Certify(table, Frauds(index[fraud], np.full(28, 5_000), index[fraud], index[fraud], 28))
    with pytest.raises(NotEnoughRows, match="needs 301 legitimate rows, found 252: 49 are missing"):
        judge(GOOD.table, few, Limits(delta=1e-6))


def test_a_missing_day_of_the_window_is_named():
    """A window with a missing day is refused, because the month's loss would be too small."""
    day = np.arange(ROWS) % 28
    with pytest.raises(MissingDay, match=r"28 days, 27 of them have labelled rows, none of 1970-01-06: load"):
        window(day=np.where(day == 5, 6, day))
    with pytest.raises(MissingDay, match="28 days, 27 of them have labelled rows: load"):
        window(day=np.where(day == 27, 6, day))


def test_a_threshold_below_what_the_blocks_were_counted_for_is_refused():
    """A threshold below the lowest counted score is refused, because folded scores cannot tell its rate."""
    folded = replace(LegitBlocks.of_days(GOOD.table), lowest=500)
    assert fpr_bounds(GOOD.table, [folded], 500, 0.01)["days"] > 0.4
    with pytest.raises(DataError, match="counted from 500 ppm up, 499 lies below"):
        fpr_bounds(GOOD.table, [folded], 499, 0.01)
