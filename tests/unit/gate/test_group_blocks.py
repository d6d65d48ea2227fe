"""Chains of terminals as blocks: when they bound the rate, when they are too few, and what is said without them."""

import numpy as np
import pytest

from antifraud.gate.certify import Certify
from antifraud.gate.checks import check_rate
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import TOGETHER, LegitBlocks, fpr_bounds

DAYS, ROWS, TERMINALS, THRESHOLD = 28, 28_000, 280, 94


def certify(chains):
    """Return a window in which terminals belong to so many chains, and the first tenth of terminals has more flags."""
    place = np.arange(ROWS)
    day, terminal = place % DAYS, place // 100
    chain = terminal // (TERMINALS // chains) if chains else None
    score = (place * 7 + place // 100) % 100 + 3 * (terminal < TERMINALS // 10)
    ones, none = np.ones(ROWS, int), np.zeros(0, int)
    blocks = [LegitBlocks("terminals", terminal, score, ones)]
    if chains:
        blocks.append(LegitBlocks("groups", chain, score, ones, within="terminals"))
    table = ScoreTable.from_rows(day, score, np.zeros(ROWS, bool), ones)
    return Certify(table, Frauds(none, none, none, none, DAYS), blocks)


def bounds(window):
    return fpr_bounds(window.table, window.all_blocks, THRESHOLD, 0.01)


def group_check(window):
    return next(each for each in check_rate(window, THRESHOLD) if each.name == "rate_group")


def test_chains_that_differ_widen_the_bound():
    """Ten chains, of which one has all additional flags, give a wider bound than terminals, and the joint one grows."""
    alone, chained = bounds(certify(0)), bounds(certify(10))

    assert "groups" not in alone
    assert chained["groups"] > chained["terminals"] == alone["terminals"]
    assert chained[TOGETHER] > alone[TOGETHER]
    assert not group_check(certify(10)).fails


@pytest.mark.parametrize("chains", [2, 5])
def test_too_few_chains_warn_and_do_not_stop_the_judgement(chains):
    """Fewer than seven chains cannot bound the rate, so the gate judges without them and says so by name."""
    window = certify(chains)

    assert bounds(window) == bounds(certify(0))
    said = group_check(window)
    assert said.fails
    assert said.warning.endswith(f"The rows name {chains} chains or regions; a bound by them needs 7. (rate_group)")


def test_without_the_column_the_card_says_so():
    """No group at all is nothing that a window can be measured for, and no failure."""
    said = group_check(certify(0))

    assert (said.measured, said.fails) == (None, False)
    assert said.words == "No row names the chain or region of its terminal."


def test_seven_chains_are_enough():
    """Seven is the least number of blocks of any kind."""
    window = certify(7)

    assert "groups" in bounds(window)
    assert group_check(window).measured == pytest.approx(1.0)
    assert not group_check(window).fails
