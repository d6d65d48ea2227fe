"""The FPR detector keeps its promise on clustered streams, finds a broken limit soon, and survives storage."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.killswitch.evidence import BETS, CAP, FALSE_TRIP, Evidence, update

LEGIT_A_DAY = 160
BLOCKS_A_DAY = 40
YEAR = 365 * LEGIT_A_DAY


def clustered(rng, fpr, rows):
    """Terminal-days of about four rows: each has a rate of its own, Beta distributed around `fpr`."""
    n = 1 + rng.poisson(3, rows // 4)
    k = rng.binomial(n, rng.beta(2 * fpr, 2 * (1 - fpr), n.size))
    return zip(n.tolist(), k.tolist(), strict=True)


def rows_until_trip(evidence, blocks):
    """Return the legitimate rows that were counted when the detector tripped; None if it did not."""
    for n, k in blocks:
        evidence = update(evidence, n, k)
        if evidence.tripped:
            return evidence.legit
    return None


def test_a_year_at_exactly_the_limit_trips_seldom():
    """At most two of 12 years of terminal-clustered blocks at exactly 5 % trip (the promise is 5 %)."""
    trips = sum(
        rows_until_trip(Evidence.fresh(horizon=YEAR), clustered(np.random.default_rng(seed), 0.05, YEAR)) is not None
        for seed in range(12)
    )

    assert trips <= 2


def test_late_labels_of_a_terminal_day_are_not_news():
    """Half of each block's labels come a day later and resemble the first half; at most one of 4 years trips."""
    trips = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        evidence, late, tripped = Evidence.fresh(horizon=YEAR), [], False
        for index, (n, k) in enumerate(clustered(rng, 0.05, YEAR)):
            if index % BLOCKS_A_DAY == 0:
                for rows, flags, before in late:
                    evidence = update(evidence, rows, flags, before=before)
                late = []
            early = (n - n // 2, rng.hypergeometric(k, n - k, n - n // 2))
            evidence = update(evidence, *early)
            if n > 1:
                late.append((n // 2, k - early[1], early))
            tripped = tripped or evidence.tripped
        trips += tripped

    assert trips <= 1


def test_a_block_counted_in_two_parts_weighs_as_in_one():
    """Bets that are open already gain from two parts of a block exactly what they gain from the whole block."""
    start = Evidence.fresh(horizon=10**15)
    for _ in range(30):
        start = update(start, 10, 5)
    parts = update(update(start, 6, 2), 3, 3, before=(6, 2))
    whole = update(start, 9, 5)

    assert (parts.blocks, parts.legit, parts.flagged) == (31, 309, 155)
    assert parts.log_e == pytest.approx(whole.log_e, abs=1e-3)


@pytest.mark.parametrize(("fpr", "most"), [(0.2, 2_000), (0.1, 8_000)])
def test_a_broken_limit_is_found(fpr, most):
    """After 2,500 rows at 4.5 % a jump is found within `most` legitimate rows, in the median of 20 streams."""
    delays = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        evidence = Evidence.fresh(horizon=YEAR)
        for n, k in clustered(rng, 0.045, 2_500):
            evidence = update(evidence, n, k)
        rows = rows_until_trip(evidence, clustered(rng, fpr, 20_000))
        delays.append(math.inf if rows is None else rows - evidence.legit)

    assert np.median(delays) <= most


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), max_size=20))
def test_log_wealth_equals_the_sum_over_all_openings(draws):
    """The recursion equals a naive sum of products over every block at which a bet was opened."""
    blocks = [(n, round(n * share)) for n, share in draws]
    evidence = Evidence.fresh(horizon=1_000)
    for n, k in blocks:
        evidence = update(evidence, n, k)
    total = 0.0
    for bet in BETS:
        for opened in range(len(blocks)):
            product = min(blocks[opened][0], CAP) / 1_000
            for n, k in blocks[opened:]:
                product *= 1 + bet * (k / n - 0.05) * min(n, CAP)
            total += product / len(BETS)

    assert math.exp(evidence.log_e) == pytest.approx(total, rel=1e-9)
    assert evidence.tripped == (evidence.log_e >= math.log(1 / FALSE_TRIP))


@given(st.integers(1, 200))
def test_a_block_is_a_fair_bet_at_the_limit(n):
    """At a rate of exactly the limit no bet gains on average, whatever the size of the block."""
    counts = np.arange(n + 1)
    chance = np.array([math.comb(n, k) * 0.05**k * 0.95 ** (n - k) for k in counts])
    for bet in BETS:
        factor = 1 + bet * (counts / n - 0.05) * min(n, CAP)

        assert factor.min() > 0
        assert (chance * factor).sum() == pytest.approx(1)


def test_evidence_survives_json():
    """Stored evidence continues unchanged, before and after the first block."""
    for evidence in (Evidence.fresh(), update(Evidence.fresh(), 7, 1)):
        assert Evidence.from_dict(json.loads(json.dumps(evidence.to_dict()))) == evidence


def test_the_counts_give_the_rate():
    """Rows beyond the cap count too, and there is no rate before the first row."""
    assert Evidence.fresh().fpr is None
    assert not Evidence.fresh().tripped
    assert update(Evidence.fresh(), 100, 4).fpr == 0.04


@pytest.mark.parametrize(("n", "k"), [(0, 0), (3, 4), (3, -1)])
def test_refuses_impossible_blocks(n, k):
    """A block without rows, or with more flags than rows, is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one row"):
        update(Evidence.fresh(), n, k)


def test_refuses_a_limit_that_its_bets_cannot_test():
    """Above 6.25 % the largest stake could lose more than everything."""
    with pytest.raises(ValueError, match=r"0\.0625"):
        Evidence.fresh(limit=0.07)
    with pytest.raises(ValueError, match="horizon"):
        Evidence.fresh(horizon=0)
