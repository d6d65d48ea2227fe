"""Champion and candidate are compared: differences by hand, the promise by simulation, and the rule as a table."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from antifraud.errors import DataError, NoFraud, NotEnoughRows
from antifraud.stats.comparison import Comparison, Decider, Margins, compare, outcome
from antifraud.stats.differences import difference_bounds, fewest_blocks, rare_bound
from antifraud.stats.discordance import excess_bound, find_discordant
from antifraud.stats.episodes import Frauds
from antifraud.stats.paired import PairedBlocks, PairedRows
from antifraud.stats.score_tables import ScoreTable


def scored(missed, flagged, days=8, threshold=5):
    """Make a fraud of 1,000 kopecks a day at its own terminal, missed on some days, and 100 legitimate rows a day."""
    day = np.repeat(np.arange(days), 101)
    place = np.tile(np.arange(101), days)
    score = np.where(
        place == 100, np.where(np.isin(day, missed), 1, 9), np.where(place < np.asarray(flagged)[day], 9, 1)
    )
    table, fraud = ScoreTable.from_rows(day, score, place == 100, np.full(day.size, 1_000)), np.arange(days)
    return Decider(table, threshold, Frauds(score[place == 100], np.full(days, 1_000), fraud, fraud, days, fraud))


def test_differences_by_hand():
    """Two more missed days in eight are 7,500 kopecks a month, bounded at least as widely as by a t interval."""
    found = compare(scored([], [4] * 8), scored([1, 6], [5, 3, 6, 4, 4, 4, 4, 4]), Margins())
    daily = np.array([0, 1_000, 0, 0, 0, 0, 1_000, 0])
    plain = daily.mean() + stats.t.ppf(0.95, 7) * daily.std(ddof=1) / np.sqrt(8)

    assert (found.days, found.loss_difference) == (8, 30 * 250)
    assert found.loss_difference_bound >= 30 * plain
    assert found.fpr_difference == pytest.approx(2 / 800)
    assert found.fpr_difference_bound > found.fpr_difference


def test_the_same_model_is_not_inferior_and_volume_scales_the_loss():
    """Two equal models differ within any margin, and ten times the volume gives ten times the loss."""
    nothing_moved = PairedRows(added=0, removed=0, rescored=0)
    same = compare(scored([2], [4] * 8), scored([2], [4] * 8), Margins(loss_minor=0, fpr=0.0), paired=nothing_moved)
    once, tenfold = (compare(scored([], [4] * 8), scored([2], [4] * 8), Margins(), factor=f) for f in (1, 10))

    assert same.non_inferior
    assert tenfold.loss_difference == 10 * once.loss_difference
    assert tenfold.loss_difference_bound == pytest.approx(10 * once.loss_difference_bound)


def test_a_model_worse_than_the_margin_passes_no_more_often_than_stated():
    """A candidate that truly loses the whole margin more passes in at most 5 % (+ 3 errors) of 400 months."""
    passed = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        missed = np.flatnonzero(rng.random(28) < 0.5)
        margin = Margins(loss_minor=30 * 500)
        passed += compare(scored([], [4] * 28, 28), scored(missed, [4] * 28, 28), margin).non_inferior

    assert passed / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_other_rows_and_too_few_days_are_refused():
    """Only the same rows of at least a week can be compared."""
    with pytest.raises(NotEnoughRows, match="needs 7 days, found 5: 2 missing"):
        compare(scored([], [4] * 5, 5), scored([], [4] * 5, 5), Margins())
    with pytest.raises(DataError, match="different days"):
        compare(scored([], [4] * 8), scored([], [4] * 9, 9), Margins())
    other = ScoreTable.from_rows(np.arange(8), [1] * 8, [True] * 8, [999] * 8)
    with pytest.raises(DataError, match="differ in legit"):
        compare(scored([], [4] * 8), replace(scored([], [4] * 8), table=other), Margins())
    elsewhere = scored([], [4] * 8)
    elsewhere = replace(elsewhere, frauds=replace(elsewhere.frauds, terminal=np.arange(8) + 1))
    with pytest.raises(DataError, match="differ in terminal of some fraud"):
        compare(scored([], [4] * 8), elsewhere, Margins())


def frauds(score, amount, customer, terminal, day):
    return Frauds(*(np.array(column) for column in (score, amount, customer, terminal)), 28, np.array(day))


def test_frauds_of_two_models_are_matched_whatever_their_order():
    """Frauds of two models are matched in any order. Two equal frauds cancel out if each model misses one of them."""
    first = frauds([1, 2, 8, 9, 9], [50, 70, 70, 20, 10], [1, 2, 2, 3, 4], [6, 6, 6, 7, 8], [5, 5, 5, 6, 6])
    other = frauds([0, 3, 6, 9, 9], [20, 70, 10, 70, 50], [3, 2, 4, 2, 1], [7, 6, 8, 6, 6], [6, 5, 6, 5, 5])
    found = find_discordant(first, 5, other, 6)

    assert sorted(zip(found.amount.tolist(), found.terminal.tolist(), strict=True)) == [(-50, 6), (10, 8), (20, 7)]
    assert found.days == 28
    with pytest.raises(DataError, match="have no days"):
        find_discordant(replace(first, day=None), 5, other, 5)


def test_the_days_of_a_comparison_are_cut_from_rows_and_frauds_alike():
    """Cutting to days 2 to 6 keeps rows and frauds of these days only."""
    cut = scored([1, 2], [4] * 8).where_days(2, 6)

    assert (cut.frauds.days, cut.frauds.day.tolist(), cut.table.days) == (5, [2, 3, 4, 5, 6], 5)
    assert (cut.missed.tolist(), cut.frauds.missed(5).amount.tolist()) == ([1_000, 0, 0, 0, 0], [1_000])


def test_what_comes_in_few_episodes_is_bounded_more_widely():
    """Forty frauds at 40 terminals have Garwood's bound of 1936 for a Poisson rate, and at 4 terminals a wider one."""
    one, forty = np.full(40, 100), np.arange(40)
    many, few = (excess_bound(Frauds(one, one, forty, terminal, 30), 0.05) for terminal in (forty, forty // 10))

    assert many == pytest.approx(100 * stats.gamma.ppf(0.95, 41), rel=0.02)
    assert few > 1.3 * many


def found(loss_bound):
    return Comparison(28, 0.0, loss_bound, 0.0, {"rows": 0.001}, Margins(loss_minor=100_000))


@pytest.mark.parametrize(
    ("passes", "champion_passes", "comparison", "expected", "why"),
    [
        (False, False, found(0), False, "not PASS"),
        (True, None, None, True, "no champion"),
        (True, False, found(10**9), True, "breaks a limit"),
        (True, True, found(100_000), True, "Not worse than the champion on 28 paired days: loss"),
        (True, True, found(100_001), False, r"May be worse.*at most \+1,000 \(margin 1,000\)"),
        (True, None, found(100_001), False, "May be worse"),
    ],
)
def test_who_replaces_whom(passes, champion_passes, comparison, expected, why):
    """Only a PASS replaces a champion: always if the champion fails, and otherwise if it is not worse."""
    promotable, reason = outcome(passes, champion_passes, comparison)

    assert promotable is expected
    assert re.search(why, reason)


def test_too_few_terminals_for_the_margin_are_named():
    """A margin of 0.5 % needs 600 blocks: 300 terminals are named with that number, and 800 customers are not."""
    short = replace(
        found(0), fpr_difference_bounds={"terminals": 0.01}, fpr_blocks={"terminals": 300, "customers": 800}
    )

    promotable, reason = outcome(True, True, short)

    assert not promotable
    assert reason.endswith(" The days have 300 terminals; a margin of 0.50% needs at least 600.")
    assert outcome(True, True, replace(short, fpr_difference_bounds={"rows": 0.001}))[0]


def test_no_sound_bound_needs_fewer_terminals():
    """With 599 terminals and no difference the bound is above the margin, and with 600 it is within."""
    assert fewest_blocks(0.005, 0.05) == 600
    for terminals, within in ((599, False), (600, True)):
        alike = PairedBlocks("terminals", np.array([20]), np.array([0]), np.array([terminals]))
        assert (rare_bound(alike, 0.05) <= 0.005) is within


@pytest.mark.parametrize(("known", "least"), [(1, 50.0), (3, 8.0), (10, 3.3), (40, 3.0)])
def test_few_known_episodes_may_be_small_ones(known, least):
    """One known episode of 100,000 hardly tells a size, three allow for ten such a window, and forty for three."""
    ones = np.arange(known)
    alike = Frauds(ones, np.full(known, 100_000), ones, ones, 30, ones)
    bound = excess_bound(alike.take(ones < 0), 0.05, known=alike) / 100_000

    assert least < bound < 1.5 * least


def test_flags_that_few_terminals_add_widen_the_bound_where_days_see_nothing():
    """Forty more flags in 20,000 rows: spread over 40 terminals, or all of them at one of 1,000 terminals."""
    terminal, more = np.arange(20_000) % 1_000, np.arange(20_000) < 40
    net, legit = np.array([6, 6, 6, 6, 6, 5, 5]), np.full(7, 20_000) // 7
    spread, one = (
        difference_bounds(PairedRows.from_rows(np.zeros(20_000), more, terminals=at), net, legit, 0.05)
        for at in (terminal, np.where(more, 5_000, terminal))
    )

    assert spread["days"] == one["days"] < 0.0022
    assert max(spread.values()) == pytest.approx(0.0049, abs=1e-4)
    assert one["terminals"] == pytest.approx(0.0136, abs=1e-4)


def test_without_a_difference_the_bound_is_the_rule_of_three_of_terminals():
    """No flag differs: 300 terminals leave a bound of 1 %, 1,000 one of 0.3 %, because a window may miss one."""
    nothing = np.zeros(3_000, bool)
    found = [
        difference_bounds(
            PairedRows.from_rows(nothing, nothing, terminals=np.arange(3_000) % terminals),
            np.zeros(10, int),
            np.full(10, 300),
            0.05,
        )
        for terminals in (300, 1_000)
    ]

    assert [round(each["terminals"], 5) for each in found] == [0.00999, 0.003]
    assert [each["all kinds together"] for each in found] == [each["terminals"] for each in found]


def test_days_that_resemble_each_other_widen_the_bound():
    """Seven bad days count for more if they follow each other than if they are scattered over 28 days."""
    legit = np.full(28, 100)
    in_a_row, scattered = np.where(np.arange(28) < 7, 4, 0), np.where(np.arange(28) % 4 == 0, 4, 0)
    first, second = (difference_bounds(PairedRows.of_days(net), net, legit, 0.05) for net in (in_a_row, scattered))

    assert first["days"] == pytest.approx(second["days"])
    assert first["days that resemble each other"] > 1.5 * first["days"]
    assert second["days that resemble each other"] < second["days"]


def test_a_window_without_a_difference_takes_the_sizes_of_known_episodes():
    """Both models catch 20 episodes of 100,000: the bound is about three of them a window, at twice the volume six.

    Without any fraud that is worth something, nothing tells a size, so the comparison is refused.
    """
    ones = np.arange(20)
    known = Frauds(ones, np.full(20, 100_000), ones, ones, 30, ones)
    nothing = known.take(ones < 0)

    assert excess_bound(nothing, 0.05, known=known) == pytest.approx(3 * 100_000, rel=0.1)
    assert excess_bound(nothing, 0.05, known=known, factor=2.0) == pytest.approx(6 * 100_000, rel=0.1)
    with pytest.raises(NoFraud, match="needs a fraud that is worth something, found none in 30 days"):
        excess_bound(nothing, 0.05, known=nothing)


def test_blocks_that_do_not_add_up_are_refused():
    """Blocks that add up to another difference than the rows are refused, with both numbers."""
    blocks = PairedBlocks.from_rows("terminals", [1, 2], [0, 0], [1, 1])

    with pytest.raises(DataError, match=r"\+1 legitimate rows more than the champion, but \+2 by terminals"):
        PairedRows(1, 0, None, [blocks])
