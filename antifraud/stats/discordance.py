"""Frauds that one of two models misses and the other catches, by episodes, and what they may cost a month.

Frauds that both models miss, or both catch, say nothing about their difference. The others come in episodes like all
fraud: a terminal that only one model sees through costs the other model many frauds over four weeks. So days are
neither independent nor nearly normal. A bound by days alone is too low two to five times as often as it promises
(`bench/gate/comparison.py`).
"""

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from antifraud.errors import DataError
from antifraud.stats.draws import DRAWS, SEED, draw_episodes, draw_larger
from antifraud.stats.episodes import Frauds, episode_totals
from antifraud.stats.score_tables import MONTH_DAYS

MATCHED: Final = ("day", "customer", "terminal", "amount")
"""By which the frauds of two models are matched; codes of customers and terminals are the same for both."""


def find_discordant(champion: Frauds, champion_threshold: int, candidate: Frauds, candidate_threshold: int) -> Frauds:
    """Find the frauds that exactly one of two models misses.

    Args:
        champion: All frauds of the window with the champion's scores, in any order; `day` is needed.
        champion_threshold: The champion misses scores up to it, ppm.
        candidate: The same frauds with the candidate's scores, in any order.
        candidate_threshold: The candidate misses scores up to it, ppm.

    Returns:
        These frauds, with `score` 0. The amount is positive where the candidate misses the fraud, negative where the
        champion does. Frauds of one day, customer, terminal and amount cannot be told apart: which of them is missed
        changes no total.

    Raises:
        DataError: The frauds of both models are not the same, or have no days.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> def scored(*score):
    ...     return Frauds(ints(*score), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), 28, ints(0, 1, 2))
    >>> find_discordant(scored(1, 9, 9), 5, scored(9, 1, 9), 5).amount.tolist()
    [-100, 200]
    """
    first, second = _ordered(champion), _ordered(candidate)
    for name in MATCHED:
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            raise DataError(f"champion and candidate differ in {name} of some fraud: score both on the same rows")
    # 1 where only the candidate misses, -1 where only the champion does, 0 where they agree.
    sign = (second.score <= candidate_threshold).astype(np.int64) - (first.score <= champion_threshold)
    signed = replace(second, amount=second.amount * sign, score=np.zeros_like(second.score))
    return signed.take(np.flatnonzero(sign))


def _ordered(frauds: Frauds) -> Frauds:
    """Sort by all that both models know, the score last: alike frauds then pair up by their scores."""
    last_first = (frauds.score, frauds.amount, frauds.terminal, frauds.customer, frauds.require_day())
    return frauds.take(np.lexsort(last_first))


def excess_bound(missed: Frauds, alpha: float, *, factor: float = 1.0, seed: int = SEED) -> float:
    """Bound how much more the candidate is expected to miss in a month than the champion does, minor units.

    The expectation is bounded, not the next month: chance of the month itself is left out. Episodes are drawn for each
    sign apart. Unseen episodes of the champion are larger than all that it missed. For the candidate's side they are
    larger than the largest missed on *either* side: a difference that large could also go against the candidate.

    Args:
        missed: What `find_discordant` found.
        alpha: Probability that the bound is too low.
        factor: Frauds at the judged volume over frauds in the window.
        seed: Start of the random draws.

    Returns:
        The upper confidence bound. Without a discordant fraud there is no size to learn, and it is 0. With a single
        episode, missed by the candidate, it is five to six times that episode.

    Sources as in `antifraud.stats.draws`.

    >>> def frauds(*amounts):
    ...     ints = np.arange(len(amounts))
    ...     return Frauds(ints, np.array(amounts), ints, ints, 30)
    >>> [round(excess_bound(frauds(*amounts), 0.05)) for amounts in ([], [100] * 50, [100, -100] * 50)]
    [0, 6322, 1707]
    """
    totals = episode_totals(missed)
    if not totals.size:
        return 0.0
    rng, excess = np.random.default_rng(seed), np.zeros(DRAWS)
    for sign in (1, -1):
        sizes = sign * totals[sign * totals > 0]
        exceeded = np.abs(totals) if sign > 0 else sizes
        if exceeded.size:
            drawn = draw_episodes(sizes, partial(draw_larger, exceeded), rng)
            # One addition each: adding both parts first would round differently.
            excess += sign * drawn.seen_total
            excess += sign * drawn.unseen_total
    return float(np.quantile(excess, 1 - alpha)) * MONTH_DAYS / missed.days * factor
