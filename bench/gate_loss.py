"""How often the loss bound and the naive point estimate cover the month that follows, and what the confidence costs."""

import math
from typing import Final

import numpy as np

from antifraud.episodes import Frauds
from antifraud.loss import LossBound, loss_bound
from bench.gate_shapes import COMMAND, DAYS, SEED, named, span
from bench.record import record

MONTH: Final = 30
WORLDS: Final = {
    "default": {28: (2.2, 1.0, 0.08, 16_000, 0.7), 14: (2.0, 0.7, 0.3, 18_000, 0.7), 1: (2.0, 1.0, 0.0, 40_000, 0.7)},
    "heavy tails": {28: (1.2, 1.0, 0.1, 9_000, 1.5), 14: (1.2, 0.8, 0.3, 9_000, 1.5), 1: (2.0, 1.0, 0.0, 20_000, 1.5)},
    "few episodes": {28: (0.2, 2.0, 0.1, 35_000, 0.9), 14: (0.2, 1.0, 0.3, 80_000, 0.9)},
}
"""By days of an episode: starts a day, frauds missed a day in the first week, their share later, amount, its sigma."""
HIDDEN_DAYS: Final = 7


def missed_frauds(rng: np.random.Generator, world: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Day, amount (minor units) and episode of the frauds missed in the window and the month after it."""
    days, amounts, episodes = [], [], []
    for life, (starts, daily, later, median, sigma) in WORLDS[world].items():
        start = rng.uniform(-life, DAYS + MONTH, rng.poisson(starts * (life + DAYS + MONTH)))
        early = min(HIDDEN_DAYS, life)
        for first, length, rate in ((0, early, daily), (early, life - early, daily * later)):
            count = rng.poisson(rate * length, start.size)
            days.append(np.repeat(start + first, count) + length * rng.random(count.sum()))
            amounts.append(rng.lognormal(math.log(median), sigma, count.sum()).astype(int) + 1)
            episodes.append(np.repeat(np.arange(start.size) + 100_000 * life, count))
    return np.concatenate(days), np.concatenate(amounts), np.concatenate(episodes)


def repetition(world: str, number: int) -> tuple[LossBound, int]:
    """Bound made from the window, and the loss of the month that followed."""
    day, amount, episode = missed_frauds(np.random.default_rng([SEED, number]), world)
    window, month = (day >= 0) & (day < DAYS), (day >= DAYS) & (day < DAYS + MONTH)
    zero, own = np.zeros(window.sum(), int), np.arange(window.sum())
    seen = Frauds(zero, amount[window], own, episode[window], DAYS)
    return loss_bound(seen, seed=number), int(amount[month].sum())


def loss_figures(repetitions: int) -> None:
    """Coverage of bound and point estimate, the bound over the mean month, and over the estimate."""
    covered, naive, ratio, cost = {}, {}, {}, {}
    for world in WORLDS:
        results = [repetition(world, number) for number in range(repetitions)]
        bound, mean, loss = np.array([(found.bound, found.mean, loss) for found, loss in results]).T
        covered[world], naive[world] = float((loss <= bound).mean()), float((loss <= mean).mean())
        ratio[world], cost[world] = float(np.median(bound) / loss.mean()), float(np.median(bound / mean) - 1)
    beside = f"level 0.99, {repetitions} repetitions; {named(covered)}"
    record("gate.loss_coverage", min(covered.values()), "1", COMMAND, beside, span(covered.values()))
    beside = f"point estimate: last month scaled; {named(naive)}"
    record("gate.naive_loss_coverage", min(naive.values()), "1", COMMAND, beside, span(naive.values()))
    beside = f"worlds: {named(ratio, '.2f')}"
    record("gate.loss_bound_over_truth", ratio["default"], "1", COMMAND, beside, span(ratio.values()))
    beside = f"bound over estimate, less 1: what 99 % confidence costs; {named(cost, '.2f')}"
    record("gate.confidence_cost_loss", cost["default"], "1", COMMAND, beside, span(cost.values()))
