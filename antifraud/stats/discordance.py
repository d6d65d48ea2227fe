"""Frauds that one of two models misses and the other catches, by episodes, and what they may cost a month.

What both miss, or both catch, says nothing of their difference. The rest comes in episodes like all fraud: a terminal
that only one model sees through costs the other many frauds over four weeks, so days are neither independent nor nearly
normal, and a bound by days alone is too low two to five times as often as it says (`bench/gate/comparison.py`).
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antifraud.errors import DataError
from antifraud.stats.episodes import Frauds, groups_of, larger_than, signed_totals
from antifraud.stats.loss import DRAWS, SEED, UNSEEN
from antifraud.stats.score_tables import MONTH_DAYS

MATCHED: Final = ("day", "customer", "terminal", "amount")
"""By which the frauds of two models are matched; codes of customers and terminals are the same for both."""


def discordant(champion: Frauds, champion_threshold: int, candidate: Frauds, candidate_threshold: int) -> Frauds:
    """Frauds that exactly one of them misses; the amount is negative where that is the champion. `score` is 0.

    Both scored the same rows in any order. Frauds of one day, customer, terminal and amount cannot be told apart and
    need not be: which of them is missed changes no total.

    >>> ints = lambda *values: np.array(values, np.int64)
    >>> def scored(*score):
    ...     return Frauds(ints(*score), ints(100, 200, 400), ints(7, 8, 9), ints(5, 5, 6), 28, ints(0, 1, 2))
    >>> discordant(scored(1, 9, 9), 5, scored(9, 1, 9), 5).amount.tolist()
    [-100, 200]

    Raises:
        DataError: They are not the same frauds, or have no days.
    """
    first, second = _ordered(champion), _ordered(candidate)
    for name in MATCHED:
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            raise DataError(f"champion and candidate differ in {name} of some fraud: score both on the same rows")
    sign = (second.score <= candidate_threshold).astype(np.int64) - (first.score <= champion_threshold)
    kept = replace(second, amount=second.amount * sign, score=np.zeros_like(second.score))
    return rows_of(kept, np.flatnonzero(sign))


def rows_of(frauds: Frauds, rows: NDArray[np.intp]) -> Frauds:
    """Those at positions `rows`, in that order; the window's length stays."""
    score, amount, customer, terminal, day = (
        column[rows] for column in (frauds.score, frauds.amount, frauds.customer, frauds.terminal, frauds.require_day())
    )
    return Frauds(score, amount, customer, terminal, frauds.days, day)


def _ordered(frauds: Frauds) -> Frauds:
    last_first = (frauds.score, frauds.amount, frauds.terminal, frauds.customer, frauds.require_day())
    return rows_of(frauds, np.lexsort(last_first))


def excess_bound(missed: Frauds, alpha: float, *, factor: float = 1.0, seed: int = SEED) -> float:
    """Upper confidence bound, at level 1 - `alpha`, of the expected sum of `discordant` frauds a month, minor units.

    Episodes are a compound Poisson process, and their intensities Gamma(1) distributed after the window (the Bayesian
    bootstrap, Rubin 1981). A window is too short to show every difference: episodes larger than all seen are drawn as
    `antifraud.stats.loss` draws them, for either sign; those against the candidate are larger than all of either sign,
    since a model that differs by so much may do so the other way. It is the expectation that is bounded, not the chance
    of the next month. `factor` is frauds at the judged volume over the window's. Without a discordant fraud there is no
    size to learn, and the bound is 0; with a single episode, missed by the candidate, it is five to six times that.

    >>> def frauds(*amounts):
    ...     ints = np.arange(len(amounts))
    ...     return Frauds(ints, np.array(amounts), ints, ints, 30)
    >>> [round(excess_bound(frauds(*amounts), 0.05)) for amounts in ([], [100] * 50, [100, -100] * 50)]
    [0, 6322, 1707]
    """
    totals = signed_totals(missed)
    if not totals.size:
        return 0.0
    rng, drawn = np.random.default_rng(seed), np.zeros(DRAWS)
    for sign in (1, -1):
        sizes = sign * totals[sign * totals > 0]
        if sizes.size:
            size, count = groups_of(sizes)
            drawn += sign * (rng.standard_gamma(count, (DRAWS, size.size)) @ size)
        exceeded = np.abs(totals) if sign > 0 else sizes
        if exceeded.size:
            drawn += sign * rng.standard_gamma(UNSEEN, DRAWS) * larger_than(exceeded, DRAWS, rng)
    return float(np.quantile(drawn, 1 - alpha)) * MONTH_DAYS / missed.days * factor
