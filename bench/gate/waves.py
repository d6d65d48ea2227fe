"""Measure how often next month's loss stays within its bound where months are not alike, and what the gate says then.

Three worlds have months that differ. One has a rate with a memory of 30 days (doubly stochastic). In another, episodes
start others (self-exciting). The third grows by 20 % a month. Three worlds have sizes that a window may not show: a
heavy tail, a rare giant episode, and a declared volume that comes as larger episodes. Each is also measured without
what weeks show, as before.

    make bench-waves
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import Volume, loss_bound
from antifraud.stats.waves import find_waves
from bench.gate.shapes import SEED, span
from bench.record import record

COMMAND: Final = "make bench-waves"
MONTH: Final = 30
STARTS: Final = 3.0
"""Episodes a day."""
COX_SD, COX_DAYS = 0.5, 30
BRANCHING, OFFSPRING_DAYS, BURN_IN = 0.8, 5.0, 200
GROWTH: Final = 1.2
TAIL_INDEX: Final = 1.2
GIANT_EVERY, GIANT_TIMES = 100, 30
VOLUME_TIMES: Final = 100
MEDIAN, SIGMA = 13_000, 0.8
WARN_P: Final = 0.01
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
"""Draws day and amount (minor units) of the episodes in a window of so many days and the month after it."""


def amounts(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw totals of episodes, minor units."""
    return rng.lognormal(math.log(MEDIAN), SIGMA, count).astype(int) + 1


def at_rates(rng: np.random.Generator, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes at a rate for each day."""
    count = rng.poisson(rate)
    return np.repeat(np.arange(rate.size), count), amounts(rng, count.sum())


def steady(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes at one rate."""
    return at_rates(rng, np.full(days + MONTH, STARTS))


def doubly_stochastic(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes at a rate that is log-normal, and correlated over `COX_DAYS`."""
    keep, level = math.exp(-1 / COX_DAYS), np.zeros(days + MONTH)
    shocks = rng.normal(size=level.size)
    level[0] = shocks[0]
    for day in range(1, level.size):
        level[day] = keep * level[day - 1] + math.sqrt(1 - keep**2) * shocks[day]
    return at_rates(rng, STARTS * np.exp(COX_SD * level - COX_SD**2 / 2))


def self_exciting(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes each of which starts `BRANCHING` others, `OFFSPRING_DAYS` later on average."""
    end = BURN_IN + days + MONTH
    parents = rng.uniform(0, end, rng.poisson(STARTS * (1 - BRANCHING) * end))
    generations = [parents]
    while parents.size:
        children = np.repeat(parents, rng.poisson(BRANCHING, parents.size))
        children = children + rng.exponential(OFFSPRING_DAYS, children.size)
        parents = children[children < end]
        generations.append(parents)
    day = np.concatenate(generations) - BURN_IN
    day = np.floor(day[day >= 0]).astype(int)
    return day, amounts(rng, day.size)


def growing(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes at a rate that grows by a fifth in 30 days."""
    return at_rates(rng, STARTS * GROWTH ** ((np.arange(days + MONTH) - days / 2) / MONTH))


def heavy(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw steady episodes with Pareto distributed totals."""
    day, total = steady(rng, days)
    return day, (MEDIAN * rng.random(total.size) ** (-1 / TAIL_INDEX)).astype(int)


def rare_giants(rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw steady episodes, and one that is `GIANT_TIMES` as large every `GIANT_EVERY` days."""
    day, total = steady(rng, days)
    giants = rng.integers(0, days + MONTH, rng.poisson((days + MONTH) / GIANT_EVERY))
    giant = GIANT_TIMES * MEDIAN * math.exp(SIGMA**2 / 2)
    return np.append(day, giants), np.append(total, np.full(giants.size, int(giant)))


def repetition(draw: Draw, days: int, number: int, times: float = 1.0) -> tuple[float, float, float, bool]:
    """Return the month's loss, its bound, the bound of old, and whether the window warns.

    The month's episodes are `times` as large as the window's, which is the declared growth of the volume.
    """
    day, total = draw(np.random.default_rng([SEED, number]), days)
    window, own = day < days, np.arange(int((day < days).sum()))
    frauds = Frauds(own * 0, total[window], own, own, days, day[window], first_day=0)
    dateless = Frauds(own * 0, total[window], own, own, days)
    found = loss_bound(frauds, volume=Volume(times), seed=number).bound
    old = loss_bound(dateless, volume=Volume(times, month_sd=0.0), seed=number).bound
    seen = find_waves(frauds)
    return float(times * total[~window].sum()), found, old, min(seen.growth_p, seen.spread_p) < WARN_P


WAVES: Final[dict[str, Draw]] = {"Cox": doubly_stochastic, "Hawkes": self_exciting, "growth": growing}
WINDOWS: Final = (28, 56)


def wave_figures(repetitions: int) -> None:
    """Record the coverage where months differ, before and after, and how often a window in which it held warns."""
    now, before, warned = {}, {}, {}
    cases = {f"{name} {days} days": (draw, days) for name, draw in WAVES.items() for days in WINDOWS}
    for name, (draw, days) in {**cases, "steady 28 days": (steady, 28)}.items():
        loss, bound, old, warns = np.array([repetition(draw, days, number) for number in range(repetitions)]).T
        now[name], before[name] = float((loss <= bound).mean()), float((loss <= old).mean())
        warned[name] = float(warns[loss <= bound].mean())
    calm = warned.pop("steady 28 days")
    del now["steady 28 days"], before["steady 28 days"]
    worst = min(now.values())
    beside = f"level 0.99, {repetitions} windows each, error {error_of(worst, repetitions):.3f}. {listed(now)}"
    record("gate.loss_coverage_waves", worst, "1", COMMAND, beside, span(now.values()))
    beside = f"the same windows without what weeks show. {listed(before)}"
    record("gate.loss_coverage_waves_before", min(before.values()), "1", COMMAND, beside, span(before.values()))
    beside = f"windows of steady fraud that warn of growth or waves. {listed(warned)}"
    record("gate.loss_warnings_steady", calm, "1", COMMAND, beside)


def size_figures(repetitions: int) -> None:
    """Record the coverage with amounts that a window may not show, and with a volume that comes as larger episodes."""
    now, before = {}, {}
    cases: dict[str, tuple[Draw, float]] = {
        "tail index 1.2": (heavy, 1.0),
        "a giant every 100 days": (rare_giants, 1.0),
        "100 times the volume": (steady, float(VOLUME_TIMES)),
    }
    for name, (draw, times) in cases.items():
        loss, bound, old, _ = np.array([repetition(draw, 28, number, times) for number in range(repetitions)]).T
        now[name], before[name] = float((loss <= bound).mean()), float((loss <= old).mean())
    worst = min(now.values())
    said = f"level 0.99, {repetitions} windows of 28 days, Monte Carlo error {error_of(worst, repetitions):.3f}"
    beside = f"{said}. {listed(now)} Before: {listed(before)}"
    record("gate.loss_coverage_sizes", worst, "1", COMMAND, beside, span(now.values()))


def listed(shares: dict[str, float]) -> str:
    """Spell shares by name, each a sentence of its own.

    >>> listed({"Cox": 0.965, "growth": 1.0})
    'Cox: 0.965. growth: 1.000.'
    """
    return " ".join(f"{name}: {share:.3f}." for name, share in shares.items())


def error_of(share: float, repetitions: int) -> float:
    """Return the standard error of a share of repetitions.

    >>> round(error_of(0.97, 300), 3)
    0.01
    """
    return math.sqrt(share * (1 - share) / repetitions)


if __name__ == "__main__":
    wave_figures(repetitions=400)
    size_figures(repetitions=400)
