"""Measure how often the loss bound and the point estimate cover the next month, and what the confidence costs."""

import math
from typing import Final

import numpy as np

from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import LossBound, loss_bound
from bench.gate.shapes import COMMAND, DAYS, SEED, named, span
from bench.record import record

MONTH: Final = 30
WORLDS: Final = {
    "default": {28: (2.2, 1.0, 0.08, 16_000, 0.7), 14: (2.0, 0.7, 0.3, 18_000, 0.7), 1: (2.0, 1.0, 0.0, 40_000, 0.7)},
    "heavy tails": {28: (1.2, 1.0, 0.1, 9_000, 1.5), 14: (1.2, 0.8, 0.3, 9_000, 1.5), 1: (2.0, 1.0, 0.0, 20_000, 1.5)},
    "few episodes": {28: (0.2, 2.0, 0.1, 35_000, 0.9), 14: (0.2, 1.0, 0.3, 80_000, 0.9)},
    "rare episodes": {28: (0.03, 2.0, 0.1, 35_000, 0.9)},
}
"""By days of an episode: starts a day, frauds a day, the share missed after the first week, amount, its sigma."""
HIDDEN_DAYS: Final = 7


def all_frauds(
    world: str, missed_ones: np.random.Generator, caught_ones: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw frauds of the window and the month after: day, amount (minor units), episode, and whether it is missed."""
    columns = []
    for life, (starts, daily, later, median, sigma) in WORLDS[world].items():
        start = missed_ones.uniform(-life, DAYS + MONTH, missed_ones.poisson(starts * (life + DAYS + MONTH)))
        early = min(HIDDEN_DAYS, life)
        late, missed_late = life - early, daily * later
        for first, length, rate, rng in (
            (0, early, daily, missed_ones),
            (early, late, missed_late, missed_ones),
            (early, late, daily - missed_late, caught_ones),
        ):
            count = rng.poisson(rate * length, start.size)
            day = np.repeat(start + first, count) + length * rng.random(count.sum())
            amount = rng.lognormal(math.log(median), sigma, day.size).astype(int) + 1
            episode = np.repeat(np.arange(start.size) + 100_000 * life, count)
            columns.append((day, amount, episode, np.full(day.size, rng is missed_ones)))
    day, amount, episode, missed = (np.concatenate(column) for column in zip(*columns, strict=True))
    return day, amount, episode, missed


def repetition(world: str, number: int) -> tuple[LossBound, int] | None:
    """Return the bound made from the window, and the loss of the month after.

    None where the window has no fraud, because the gate would refuse it.
    """
    rngs = np.random.default_rng([SEED, number]), np.random.default_rng([SEED, number, 1])
    day, amount, episode, missed = all_frauds(world, *rngs)
    window, month = (day >= 0) & (day < DAYS), (day >= DAYS) & (day < DAYS + MONTH) & missed
    if not window.any():
        return None
    own = np.arange(window.sum())
    on = np.floor(day[window]).astype(int)
    known = Frauds(np.where(missed[window], 0, 1), amount[window], own, episode[window], DAYS, on, first_day=0)
    return loss_bound(known.missed(0), known=known, seed=number), int(amount[month].sum())


def loss_figures(repetitions: int) -> None:
    """Record the coverage of bound and point estimate, and the bound over the mean month and over the estimate."""
    covered, naive, ratio, cost = {}, {}, {}, {}
    for world in WORLDS:
        results = [found for number in range(repetitions) if (found := repetition(world, number))]
        bound, mean, loss = np.array([(found.bound, found.mean, loss) for found, loss in results]).T
        covered[world], naive[world] = float((loss <= bound).mean()), float((loss <= mean).mean())
        ratio[world], cost[world] = float(np.median(bound) / loss.mean()), float(np.median(bound) / np.median(mean) - 1)
    beside = f"level 0.99, {repetitions} repetitions; {named(covered)}"
    record("gate.loss_coverage", min(covered.values()), "1", COMMAND, beside, span(covered.values()))
    beside = f"point estimate: last month scaled; {named(naive)}"
    record("gate.naive_loss_coverage", min(naive.values()), "1", COMMAND, beside, span(naive.values()))
    beside = f"worlds: {named(ratio, '.2f')}"
    record("gate.loss_bound_over_truth", ratio["default"], "1", COMMAND, beside, span(ratio.values()))
    beside = f"bound over estimate, less 1: what 99 % confidence costs; {named(cost, '.2f')}"
    record("gate.confidence_cost_loss", cost["default"], "1", COMMAND, beside, span(cost.values()))
