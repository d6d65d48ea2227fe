"""The capped bets on terminal-days: their factors, their promise, and what they are blind to on purpose."""

import json
import math

import numpy as np
import pytest

from antifraud.killswitch.detectors.bets import STAKES, BetEvidence, bet


def test_a_day_multiplies_the_opening_by_the_factor_of_each_block():
    """Two blocks of 5 rows without a flag, and one of 40 rows, a quarter flagged, that counts as 10."""
    evidence = bet(BetEvidence(), {(5, 0): 2, (40, 10): 1}, limit=0.05)
    expected = [(1 - stake * 0.25) ** 2 * (1 + stake * 2.0) / 365 for stake in STAKES]
    assert np.exp(evidence.log_wealth) == pytest.approx(expected)


def test_blocks_at_the_limit_warn_rarely():
    """Fifty terminals with 10 rows a day at exactly 5 %: at most a tenth of 200 years warns."""
    rng, warned = np.random.default_rng(5), 0
    for _ in range(200):
        evidence, warns = BetEvidence(), False
        for flagged in rng.binomial(10, 0.05, (365, 50)):
            counts = np.bincount(flagged)
            evidence = bet(evidence, {(10, k): int(n) for k, n in enumerate(counts) if n}, 0.05)
            warns = warns or evidence.warns
        warned += warns
    assert warned <= 20


def test_one_terminal_of_many_decides_nothing():
    """A giant with 5,000 rows a day, all flagged for a month, beside 400 terminals at 4 %."""
    evidence = BetEvidence()
    for _ in range(30):
        evidence = bet(evidence, {(5_000, 5_000): 1, (20, 1): 320, (20, 0): 80}, 0.05)
    assert not evidence.warns


def test_many_terminals_above_the_limit_warn():
    """A tenth of 400 terminals is flagged by half."""
    evidence = BetEvidence()
    for _ in range(3):
        evidence = bet(evidence, {(20, 1): 360, (20, 10): 40}, 0.05)
    assert evidence.warns


def test_the_memory_of_bets_survives_storage():
    """Evidence is the same after JSON, also before the first day."""
    for evidence in (BetEvidence(), bet(BetEvidence(), {(3, 1): 4}, 0.05)):
        assert BetEvidence.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence


def test_a_block_without_rows_is_worth_nothing():
    """A terminal without legitimate rows changes no wealth."""
    assert bet(BetEvidence(), {(0, 0): 9}, 0.05).log_wealth == pytest.approx([-math.log(365)] * len(STAKES))


@pytest.mark.parametrize(("blocks", "limit"), [({(2, 3): 1}, 0.05), ({(2, 1): 1}, 0.0625), ({}, 0.0)])
def test_impossible_bets_are_refused(blocks, limit):
    """More flagged rows than rows, and limits that the largest stake cannot test."""
    with pytest.raises(ValueError, match="must"):
        bet(BetEvidence(), blocks, limit)
