"""Frauds that one of two models misses and the other catches, by episodes, and what they may cost a month.

Frauds that both models miss, or both catch, say nothing about their difference. The others come in episodes like all
fraud: a terminal that only one model sees through costs the other model many frauds over four weeks. So days are
neither independent nor nearly normal. A bound by days alone is too low two to five times as often as it promises
(`bench/gate/comparison.py`). Sources of the draws are in `antifraud.stats.draws`.
"""

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from antifraud.errors import DataError, NoFraud
from antifraud.stats.draws import DRAWS, SEED, draw_episodes, draw_larger
from antifraud.stats.episodes import Frauds, episode_totals
from antifraud.stats.score_tables import MONTH_DAYS, Floats

FEW: Final = 5
"""Fewer discordant episodes than this do not tell how large the next one may be."""
USUAL_SPREAD: Final = 1.2
"""Standard deviation of the logarithms of sizes, where few known episodes tell less than this experience."""
EXPERIENCE: Final = 2
"""Episodes that this experience counts as."""
WIDEST_SPREAD: Final = 2.0
"""With a wider spread nearly all money would be in episodes that nobody has ever seen."""
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


def excess_bound(
    missed: Frauds, alpha: float, *, known: Frauds | None = None, factor: float = 1.0, seed: int = SEED
) -> float:
    """Bound how much more the candidate is expected to miss in a month than the champion does, minor units.

    The expectation is bounded, not the next month: chance of the month itself is left out. Episodes are drawn for each
    sign apart. Unseen episodes of the champion are larger than all that it missed. For the candidate's side they are
    larger than the largest missed on *either* side: a difference that large could also go against the candidate.

    A window with few discordant episodes says little about their size, so the sizes of known episodes count as well.

    Args:
        missed: What `find_discordant` found.
        alpha: Probability that the bound is too low.
        known: All frauds whose sizes are known; None takes the discordant ones for all there were.
        factor: Frauds at the judged volume over frauds in the window.
        seed: Start of the random draws.

    Returns:
        The upper confidence bound: about three known episodes a window where no fraud is discordant.

    Raises:
        NoFraud: No fraud is known that is worth anything, so nothing tells a size.

    >>> def frauds(*amounts):
    ...     ints = np.arange(len(amounts))
    ...     return Frauds(ints, np.array(amounts), ints, ints, 30)
    >>> [round(excess_bound(frauds(*amounts), 0.05)) for amounts in ([100] * 50, [100, -100] * 50)]
    [6322, 1707]
    >>> round(excess_bound(frauds(), 0.05, known=frauds(*[100] * 50)), -1)
    310.0
    """
    totals, whole = episode_totals(missed), np.abs(episode_totals(known or missed))
    if not whole.size:
        raise NoFraud(
            f"a comparison of losses needs a fraud that is worth something, found none in {missed.days} days: choose "
            "days that have frauds, or wait for their labels"
        )
    excess = _draw_excess(totals, whole, np.random.default_rng(seed))
    return float(np.quantile(excess, 1 - alpha)) * MONTH_DAYS / missed.days * factor


def _draw_excess(totals: Floats, whole: Floats, rng: np.random.Generator) -> Floats:
    """Draw what the candidate misses more in a window, shape ``(DRAWS,)``; arguments as `_draw_against`."""
    excess = np.zeros(DRAWS)
    for sign in (1, -1):
        sizes = sign * totals[sign * totals > 0]
        # One addition each: adding both parts first would round differently.
        for part in _draw_against(sizes, np.abs(totals), whole, rng) if sign > 0 else _draw_for(sizes, rng):
            excess += sign * part
    return excess


def _draw_for(sizes: Floats, rng: np.random.Generator) -> tuple[Floats, ...]:
    """Draw what the champion alone may miss in a window, in parts of shape ``(DRAWS,)``; `sizes` are its episodes."""
    if not sizes.size:
        return ()
    drawn = draw_episodes(sizes, partial(draw_larger, sizes), rng)
    return drawn.seen_total, drawn.unseen_total


def _draw_against(sizes: Floats, either: Floats, whole: Floats, rng: np.random.Generator) -> tuple[Floats, ...]:
    """Draw what the candidate alone may miss in a window, in parts of shape ``(DRAWS,)``.

    Args:
        sizes: Totals of its episodes.
        either: Totals of the episodes on either side.
        whole: Totals of all known episodes.
        rng: Generator of all draws.
    """
    if not either.size:
        # After no event, a rate of 3 is the bound with a confidence of 95 %, and that is a Gamma(1) distribution's.
        return (rng.standard_gamma(1.0, DRAWS) * _draw_mean(whole, rng),)
    drawn = draw_episodes(sizes, partial(draw_larger, either), rng)
    if either.size >= FEW:
        return drawn.seen_total, drawn.unseen_total
    # The chance that the next episode is of another kind than all before (Laplace's rule of succession).
    other = rng.random(DRAWS) * (either.size + 1) < 1
    size = np.where(other, np.maximum(drawn.unseen_size, _draw_mean(whole, rng)), drawn.unseen_size)
    return drawn.seen_total, drawn.unseen_intensity * size


def _draw_mean(totals: Floats, rng: np.random.Generator) -> Floats:
    """Draw the expected total of an episode, shape ``(DRAWS,)``: the larger of two answers of the known ones.

    The first one lets known episodes recur, and larger ones than these. Three episodes may all be small, so that no
    mixture of them is large enough. So the second one takes sizes for log-normal with an unknown mean and spread.

    Source: Gelman et al. (2013), Bayesian Data Analysis, 3.3, for normal data with a conjugate prior.
    """
    drawn = draw_episodes(totals, partial(draw_larger, totals), rng)
    intensity = drawn.intensity.sum(axis=1) + drawn.unseen_intensity
    recurring: Floats = (drawn.seen_total + drawn.unseen_total) / intensity
    # A generator of its own, so that later draws stay what they are.
    return np.maximum(recurring, _draw_log_normal_mean(np.log(totals), rng.spawn(1)[0]))


def _draw_log_normal_mean(logs: Floats, rng: np.random.Generator) -> Floats:
    """Draw the mean of log-normal sizes from the posterior that their logarithms leave, shape ``(DRAWS,)``."""
    squares = float(np.square(logs - logs.mean()).sum())
    freedom = EXPERIENCE + logs.size - 1
    variance = (EXPERIENCE * USUAL_SPREAD**2 + squares) / rng.chisquare(freedom, DRAWS)
    variance = np.minimum(variance, WIDEST_SPREAD**2)
    centre = logs.mean() + np.sqrt(variance / logs.size) * rng.standard_normal(DRAWS)
    mean: Floats = np.exp(centre + variance / 2)
    return mean
