"""Rows that stand for others widen the bound of a rate as much as their weights demand."""

import numpy as np
import pytest

from antifraud.stats.bounds import row_bound
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import certified_threshold, fpr_bounds
from antifraud.stats.weighted import HeavyRows, weighted_row_bound

DELTA = 0.01


def heavy(*rows):
    """Return heavy rows from (score, weight, number of rows)."""
    score, weight, often = (np.array(column) for column in zip(*rows, strict=True))
    return HeavyRows(score, weight, weight * often)


def test_weights_are_counted_with_their_squares():
    """Two rows of weight 4 and one of 20 are three rows; their squares exceed the weights by 2 * 12 + 380 = 404."""
    rows = heavy((10, 4, 2), (90, 20, 1))
    assert (rows.rows, rows.excess(), rows.excess(10), rows.excess(90)) == (3, 404, 380, 0)


def test_few_heavy_rows_widen_the_bound():
    """400 flagged rows of 10,000 give 4.48 %; as 40 rows of weight 10 they tell as little as 1,039 rows: 5.65 %."""
    assert row_bound(400, 10_000, DELTA) == pytest.approx(0.0448, abs=5e-5)
    assert weighted_row_bound(400, 10_000, heavy((90, 10, 40)), 50, DELTA) == pytest.approx(0.0565, abs=5e-5)


def test_light_rows_alone_do_not_show_that_no_heavy_one_is_flagged():
    """Without a flagged heavy row the bound is that of a fiftieth of the rows, not that of all of them."""
    found = weighted_row_bound(0, 10_000, heavy((10, 50, 100)), 50, DELTA)
    assert found == pytest.approx(0.0226, abs=5e-5)
    assert found > 20 * row_bound(0, 10_000, DELTA)


def test_everything_flagged_has_the_bound_1():
    """If every row is flagged, the bound is 1."""
    assert weighted_row_bound(100, 100, heavy((90, 10, 10)), 50, DELTA) == 1.0


def test_the_bound_holds_as_often_as_it_promises():
    """In 400 windows with a control share of a tenth, the true rate of 3.45 % is above the bound in 2 % at most.

    Taking each repetition for a row of its own would break the promise in every fifth window.
    """
    rng, broken, naive = np.random.default_rng(5), 0, 0
    for _ in range(400):
        flagged_before = rng.binomial(5_000, 0.05)
        let_through = rng.binomial(flagged_before, 0.1)
        above = rng.binomial(let_through, 0.5)
        light = rng.binomial(5_000 - flagged_before, 0.01)
        rows = heavy((90, 10, above), (10, 10, let_through - above))
        counts = light + 10 * above, 5_000 - flagged_before + 10 * let_through
        broken += weighted_row_bound(*counts, rows, 50, DELTA) < 0.0345
        naive += row_bound(*counts, DELTA) < 0.0345
    assert broken <= 8
    assert naive > 40


def test_a_threshold_is_certified_with_the_weights():
    """Heavy rows at the top raise the certified threshold, and the bound by rows holds there."""
    day, score = np.arange(7_000) % 7, np.arange(7_000)
    table = ScoreTable.from_rows(day, score, [False] * 7_000, [1] * 7_000)
    rows = HeavyRows(np.arange(6_000, 7_000, 50), np.full(20, 50), np.full(20, 50))
    plain, weighted = (certified_threshold(table, [], 0.045, DELTA, each) for each in (None, rows))
    assert plain < weighted
    assert fpr_bounds(table, [], weighted, DELTA, rows)["rows"] <= 0.045
    assert fpr_bounds(table, [], weighted, DELTA)["rows"] < fpr_bounds(table, [], weighted, DELTA, rows)["rows"]
