"""The certified threshold equals its definition, keeps its promise in simulation, and says when data are too few."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from antifraud.errors import NotEnoughRows
from antifraud.stats.beta import select_beta
from antifraud.stats.bounds import (
    block_bound,
    joint_bound,
    merge_alike,
    pooled_bound,
    ratio_bound,
    row_bound,
    variance_between_blocks,
)
from antifraud.stats.score_tables import ScoreTable, curve
from antifraud.stats.threshold import (
    TOGETHER,
    LegitBlocks,
    certified_threshold,
    fpr_bounds,
    np_threshold,
    order_statistic,
)

TARGET, DELTA = 0.045, 0.01


def legit_table(day, score):
    return ScoreTable.from_rows(day, score, np.zeros(len(score), bool), np.ones(len(score), int))


def naive_rank(n, target, delta):
    """Follow the definition in exact fractions: the smallest k with P(Bin(n, 1 - target) >= k) <= delta."""
    p = 1 - target
    tail = Fraction(0)
    for k in range(n, -1, -1):
        tail += comb(n, k) * p**k * target ** (n - k)
        if tail > delta:
            return k + 1
    return 0


@pytest.mark.parametrize("n", [101, 102, 200, 333])
def test_the_rank_equals_its_definition_in_exact_fractions(n):
    """Exact fractions, without library and floating point, give the same rank."""
    assert order_statistic(n, TARGET, DELTA) == naive_rank(n, Fraction(45, 1000), Fraction(1, 100))


@given(st.lists(st.integers(0, 30), min_size=120, max_size=300))
@settings(max_examples=30)
def test_the_threshold_is_that_rank_of_the_sorted_scores(scores):
    """From a table, ties included, comes the k-th smallest legitimate score."""
    expected = sorted(scores)[order_statistic(len(scores), TARGET, DELTA) - 1]

    assert np_threshold(legit_table([0] * len(scores), scores), TARGET, DELTA) == expected


def test_too_few_rows_say_how_many_are_missing():
    """One hundred rows are one short of 101 at 4.5 % and 99 %."""
    with pytest.raises(NotEnoughRows, match="needs 101 legitimate rows, found 100: 1 are missing"):
        order_statistic(100, TARGET, DELTA)


def test_too_few_blocks_say_how_many_are_missing():
    """Three days cannot say how days differ."""
    table = legit_table([0, 1, 2] * 200, list(range(600)))
    with pytest.raises(NotEnoughRows, match="found 3: 4 are missing"):
        certified_threshold(table, [LegitBlocks.of_days(table)], TARGET, DELTA)


def test_the_row_bound_is_the_dual_of_the_order_statistic():
    """At the rank's count of flagged rows the bound is within the target, with one more it is not."""
    flagged = 5_000 - order_statistic(5_000, TARGET, DELTA)

    assert row_bound(flagged, 5_000, DELTA) <= TARGET < row_bound(flagged + 1, 5_000, DELTA)
    assert row_bound(10, 10, DELTA) == 1.0


def test_the_block_bound_of_equal_days_is_a_t_interval():
    """With equally large days that lie symmetrically it is the textbook t bound of the daily rates."""
    flagged, rows = np.array([3, 5, 4, 8, 2, 6, 7]), np.full(7, 100)
    rates = flagged / rows
    expected = rates.mean() + stats.t.ppf(0.99, 6) * rates.std(ddof=1) / np.sqrt(7)

    assert block_bound(flagged, rows, 0.01) == pytest.approx(expected)


def test_a_day_that_stands_out_widens_the_block_bound():
    """Days skewed upwards have a wider bound than days of equal mean and spread that are skewed downwards."""
    rows = np.full(8, 1_000)
    skewed = np.array([30, 30, 30, 30, 30, 30, 30, 70])
    mirrored = 2 * 35 - skewed

    assert block_bound(skewed, rows, 0.01) > block_bound(mirrored, rows, 0.01) + 0.005


def test_any_integers_can_name_the_blocks():
    """Blocks named by hashes, negative ones too, give the bound of the same blocks numbered from zero."""
    table = legit_table(np.arange(700) % 7, np.arange(700))
    numbers, hashes = np.arange(700) % 9, np.array([-(2**62), 2**62, -7, 5, 11, -1, 0, 99, 10**12])
    score, ones = np.arange(700), np.ones(700, int)
    named = [LegitBlocks("terminals", block, score, ones) for block in (numbers, hashes[numbers])]

    assert fpr_bounds(table, named[:1], 650, DELTA) == pytest.approx(fpr_bounds(table, named[1:], 650, DELTA))


def violations(draw, repetitions):
    """Return the share of repetitions with a certified threshold that truly exceeds the target."""
    exceeded = 0
    for seed in range(repetitions):
        table, blocks, true_fpr = draw(np.random.default_rng(seed))
        exceeded += true_fpr(certified_threshold(table, blocks, TARGET, DELTA)) > TARGET
    return exceeded / repetitions


def tied(rng):
    """Draw 1,400 legitimate rows on 40 levels over 14 days."""
    score = rng.integers(0, 40, 1_400)
    table = legit_table(rng.integers(0, 14, 1_400), score)
    return table, [LegitBlocks.of_days(table)], lambda threshold: (39 - threshold) / 40


def by_day(rng):
    """Draw 28 days of 100 rows, each day shifted by an effect of its own, so that rows of a day are alike."""
    day = np.repeat(np.arange(28), 100)
    score = 1_000_000 * stats.norm.cdf(0.2 * rng.normal(size=28)[day] + np.sqrt(1 - 0.04) * rng.normal(size=2_800))
    table = legit_table(day, score.astype(int))
    return table, [LegitBlocks.of_days(table)], lambda threshold: 1 - (threshold + 1) / 1_000_000


@pytest.mark.parametrize("draw", [tied, by_day])
def test_the_target_is_exceeded_no_more_often_than_promised(draw):
    """In 300 repetitions at most delta plus three standard errors exceed the target (1 % + 1.7 %)."""
    assert violations(draw, 300) <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / 300)


def test_rows_alone_would_break_the_promise_when_days_differ():
    """The same days without their blocks exceed the target far more often: the block check earns its place."""

    def without_blocks(rng):
        table, _, true_fpr = by_day(rng)
        return table, [], true_fpr

    assert violations(without_blocks, 100) > 0.05


def test_the_widest_check_binds():
    """A terminal that has all the flags widens the bound by terminals, which raises the threshold."""
    rng = np.random.default_rng(5)
    day, terminal = rng.integers(0, 28, 20_000), rng.integers(0, 20, 20_000)
    score = np.where(terminal == 0, rng.integers(500, 1_000, 20_000), rng.integers(0, 520, 20_000))
    table = legit_table(day, score)
    days, terminals = LegitBlocks.of_days(table), LegitBlocks("terminals", terminal, score, np.ones(20_000, int))
    chosen = certified_threshold(table, [days, terminals], TARGET, DELTA)
    bounds = fpr_bounds(table, [days, terminals], chosen, DELTA)

    assert chosen > certified_threshold(table, [days], TARGET, DELTA)
    assert max(bounds["rows"], bounds["days"]) < bounds["terminals"] <= bounds[TOGETHER] <= TARGET


def test_kinds_of_blocks_add_their_variances():
    """Where days and terminals both matter the joint distance is Pythagoras', less the rows' own counted twice."""
    assert joint_bound(0.02, 0.03, [0.04, 0.05]) == pytest.approx(0.02 + np.sqrt(0.02**2 + 0.03**2 - 0.01**2))
    assert joint_bound(0.02, 0.03, [0.01, 0.025]) == pytest.approx(0.03)
    assert joint_bound(0.9, 0.95, [1.0, 1.0]) == 1.0


def test_the_variance_between_blocks_is_that_of_paule_and_mandel():
    """The solution of its equation by a root finder, for blocks of very different sizes."""
    rng = np.random.default_rng(3)
    rows = (20_000 / np.arange(1, 201)).astype(int)
    flagged = rng.binomial(rows, rng.beta(2, 40, rows.size))
    ratio = flagged.sum() / rows.sum()

    def excess(between):
        return np.sum((flagged - ratio * rows) ** 2 / (ratio * (1 - ratio) * rows + between * rows**2)) - 199

    assert variance_between_blocks(flagged, rows) == pytest.approx(optimize.brentq(excess, 1e-9, 1), rel=1e-4)
    assert variance_between_blocks(flagged, rows) == pytest.approx(2 * 40 / (42**2 * 43), rel=0.3)


def test_a_few_large_blocks_widen_the_bound_that_many_small_ones_do_not():
    """Ten of 200 blocks have most of the rows: the bound is more than three times as far away, with the same rates."""
    rates = np.random.default_rng(5).permutation(np.repeat([0.02, 0.04, 0.09, 0.05], 50))
    even, uneven = np.full(200, 1_000), np.repeat([16_000, 200], [10, 190])
    widths = []
    for rows in (even, uneven):
        flagged = (rates * rows).astype(int)
        ratio = flagged.sum() / rows.sum()
        pooled = pooled_bound(flagged, rows, DELTA)
        widths.append(pooled / ratio - 1)
        # The block bound adds up merged blocks, in another order, so the two may differ in the last bit.
        assert block_bound(flagged, rows, DELTA) >= pooled - 1e-12

    assert widths[0] < 0.12
    assert widths[1] > 3 * widths[0]


def test_blocks_without_a_difference_add_nothing():
    """Where blocks differ no more than chance makes them, or nothing is flagged, the pooled bound is the ratio."""
    rows = np.full(50, 400)
    flagged = np.tile([16, 18, 20, 22, 24], 10)

    assert pooled_bound(flagged, rows, DELTA) == 0.05
    assert pooled_bound(np.zeros(50, int), rows, DELTA) == 0.0
    assert pooled_bound(rows, rows, DELTA) == 1.0


@pytest.mark.parametrize("rows", [[1_000_000, *[100] * 20], [3_000, 3_000, 3_000, *[5] * 40]])
def test_a_few_blocks_with_nearly_all_rows_say_little(rows):
    """The others differ much, so these might have come out differently; the bound says so, without dividing by zero."""
    rows = np.array(rows)
    flagged = np.where(np.arange(rows.size) % 2, rows * 3 // 5, rows // 100)

    assert flagged.sum() / rows.sum() < 0.25
    assert 0.5 < pooled_bound(flagged, rows, DELTA) <= 1


@pytest.mark.parametrize(("largest", "pairs"), [(6, 35), (40_000, 3_000)])
def test_blocks_that_are_alike_count_as_often_as_they_are(largest, pairs):
    """Bounds of a few pairs with multiplicities are those of the blocks one by one, be the blocks small or large."""
    rng = np.random.default_rng(9)
    rows = rng.integers(1, largest, 3_000, endpoint=True)
    flagged = rng.binomial(rows, rng.beta(1, 20, rows.size))
    found = merge_alike(flagged, rows)

    assert found[0].size <= pairs
    assert [int(part @ found[2]) for part in (*found[:2], np.ones_like(found[2]))] == [flagged.sum(), rows.sum(), 3_000]
    apart = max(ratio_bound(flagged, rows, DELTA), pooled_bound(flagged, rows, DELTA))
    assert block_bound(flagged, rows, DELTA) == pytest.approx(apart, rel=1e-12)


def test_days_and_terminals_together_need_the_joint_bound():
    """With both effects the widest single bound is exceeded more often than promised, the joint one is not."""
    alone, joint = [], []
    for seed in range(1_500):
        rng = np.random.default_rng(seed)
        shared = 0.15 * rng.normal(size=(28, 1)) + 0.25 * rng.normal(size=(1, 60))
        flagged = rng.binomial(30, stats.norm.sf((stats.norm.isf(TARGET) - shared) / np.sqrt(1 - 0.15**2 - 0.25**2)))
        blocks = [
            block_bound(flagged.sum(axis=axis), np.full(size, 50_400 // size), DELTA)
            for axis, size in ((0, 60), (1, 28))
        ]
        row = row_bound(int(flagged.sum()), 50_400, DELTA)
        alone.append(max(row, *blocks) < TARGET)
        joint.append(joint_bound(flagged.sum() / 50_400, row, blocks) < TARGET)

    assert np.mean(joint) <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / 1_500)
    assert np.mean(alone) > 1.5 * DELTA


def select_window():
    rng = np.random.default_rng(2)
    fraud = rng.random(20_000) < 0.05
    score = np.clip(rng.normal(300 + 300 * fraud, 120), 0, 999).astype(int)
    return ScoreTable.from_rows(rng.integers(0, 7, 20_000), score, fraud, np.full(20_000, 10_000))


def test_beta_grows_only_as_far_as_the_loss_limit_demands():
    """A generous limit takes the smallest beta, a strict one a larger beta, an absurd one the last."""
    table = select_window()
    generous, strict, absurd = (select_beta(table, limit, level=0.99) for limit in (10**9, 5 * 10**6, 1))

    assert (generous.beta, absurd.beta) == (0.5, 24.0)
    assert 0.5 < strict.beta < 24.0
    assert generous.threshold > strict.threshold > absurd.threshold


def test_the_chosen_threshold_maximises_f_beta():
    """No other threshold of the window has a larger F_beta."""
    table = select_window()
    choice, trade_off = select_beta(table, 10**9, level=0.99), curve(select_window())
    values = trade_off.f_beta(choice.beta)

    assert values[trade_off.at(choice.threshold)] == values.max()


def test_a_larger_volume_asks_for_a_larger_beta():
    """Ten times the volume under the same limit needs at least as large a beta."""
    table = select_window()
    betas = [select_beta(table, 5 * 10**7, level=0.99, factor=factor).beta for factor in (1, 10)]

    assert betas[0] < betas[1]


def test_beta_needs_a_week():
    """Three days are too few to tune on."""
    with pytest.raises(NotEnoughRows, match="7 days at least, found 3"):
        select_beta(select_window().where_days(0, 2), 10**9, level=0.99)
