"""The search of the threshold tries one score after the other, and giants do not make the bound loose."""

import numpy as np
import pytest

from antifraud.errors import AmountOverflow, SettingsError
from antifraud.stats.bounds import pooled_bound, ratio_bound, stratified_bound
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import (
    LegitBlocks,
    certified_threshold,
    fpr_bounds,
    np_threshold,
    order_statistic,
    time_blocks,
)

TARGET, DELTA = 0.045, 0.01


def giants(seed):
    """Draw 8,000 rows of 300 terminals, three of which have 10 % each; half of the seeds have a heavy tail instead."""
    rng = np.random.default_rng(seed)
    share = np.r_[[0.1] * 3, [0.7 / 297] * 297] if seed % 2 else rng.pareto(1.2, 300) + 1
    terminal, day = rng.choice(300, 8_000, p=share / share.sum()), rng.integers(0, 56, 8_000)
    score = (1_000 * rng.random(8_000) ** rng.gamma(6, 1 / 6, 300)[terminal]).astype(int)
    ones = np.ones(8_000, int)
    table = ScoreTable.from_rows(day, score, 0 * ones, ones)
    return table, [*time_blocks(table), LegitBlocks("terminals", terminal, score, ones)]


@pytest.mark.parametrize("seed", range(6))
def test_no_lower_threshold_holds(seed):
    """The chosen one is the first score, from the order statistic up, with every bound within the target."""
    table, blocks = giants(seed)
    chosen = certified_threshold(table, blocks, TARGET, DELTA)
    tried = np.unique(table.score[table.score >= np_threshold(table, TARGET, DELTA)])
    holding = [each for each in tried if max(fpr_bounds(table, blocks, int(each), DELTA).values()) <= TARGET]

    assert chosen == holding[0]


def test_a_giant_widens_the_bound_less_as_a_stratum_of_its_own():
    """A terminal with a third of the rows and twice the rate is no sign that all terminals are skewed."""
    rows, ones = np.array([3_000, *[100] * 60]), np.ones(61, int)
    flagged = np.array([300, *[2, 3, 4, 5, 6] * 12])

    assert flagged.sum() / rows.sum() == 0.06
    assert stratified_bound(flagged, rows, DELTA, ones) == pytest.approx(0.0645, abs=1e-4)
    assert ratio_bound(flagged, rows, DELTA, ones) == pytest.approx(0.1505, abs=1e-4)


def test_blocks_of_one_size_have_no_giants():
    """Without a giant, and with too few other blocks, the stratified bound is that of ratios."""
    flagged = np.array([3, 5, 4, 8, 2, 6, 7])
    for rows in (np.full(7, 100), np.array([90_000, *[100] * 6])):
        assert stratified_bound(flagged, rows, DELTA, np.ones(7, int)) == ratio_bound(flagged, rows, DELTA)
    assert pooled_bound(flagged, np.full(7, 100), DELTA) == 0.05


def test_weeks_are_blocks_of_seven_days_in_a_row():
    """A window of 58 days has eight weeks, the last with nine days; one of 27 days has none."""
    days = np.arange(58)
    table = ScoreTable.from_rows(1_000 + days, days, 0 * days, days)
    _, weeks = time_blocks(table)

    assert (weeks.name, weeks.within) == ("weeks", "days")
    assert weeks.totals.tolist() == [7.0] * 7 + [9.0]
    assert [kind.name for kind in time_blocks(table.where_days(1_000, 1_026))] == ["days"]


def test_nested_kinds_count_once():
    """Weeks hold the variance of their days, so that the joint bound takes the wider of both."""
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(56), 200)
    score = rng.integers(0, 1_000, day.size) + 8 * (day // 7 % 2)
    table = ScoreTable.from_rows(day, score, 0 * day, 0 * day + 1)
    bounds = fpr_bounds(table, time_blocks(table), 960, DELTA)

    assert bounds["all kinds together"] == pytest.approx(max(bounds.values()))


@pytest.mark.parametrize("delta", [0.0, 0.5, 0.9])
def test_a_bound_below_the_estimate_is_none(delta):
    """A probability of 0.5 or more, or of 0, is refused in one line that names the setting."""
    table = ScoreTable.from_rows([0] * 200, range(200), [False] * 200, [1] * 200)

    for ask in (lambda: order_statistic(200, TARGET, delta), lambda: fpr_bounds(table, [], 190, delta)):
        with pytest.raises(SettingsError, match=f"too low with probability {delta} is none: .*ANTIFRAUD_DELTA"):
            ask()


@pytest.mark.parametrize("amounts", [[10**18] * 10, [2**62] * 4])
def test_sums_beyond_64_bits_are_refused(amounts):
    """Ten frauds of 10^18 and four of 2^62 minor units are refused, instead of wrapping around."""
    days = range(len(amounts))
    with pytest.raises(
        AmountOverflow, match=f"{len(amounts)} amounts add up to more than 4611686018427387904 minor units"
    ):
        ScoreTable.from_rows(days, [5] * len(amounts), [True] * len(amounts), amounts)
