"""How the gate and the guard keep their promises, by simulation (about two minutes)."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
from scipy import stats

from antifraud.evidence import Evidence, update
from antifraud.loss import Frauds, loss_bound
from antifraud.score_tables import ScoreTable
from antifraud.threshold import LegitBlocks, certified_threshold
from bench.record import record

COMMAND: Final = "make bench-gate"
TARGET, DELTA = 0.045, 0.01
DAYS, MONTH = 28, 30
SEED: Final = 20_260_101

Sample = tuple[ScoreTable, list[LegitBlocks], Callable[[int], float]]
Shape = Callable[[np.random.Generator, int], Sample]


def legitimate(day: np.ndarray, score: np.ndarray) -> ScoreTable:
    """A score table of legitimate rows."""
    return ScoreTable.from_rows(day, score, np.zeros(score.size, bool), np.ones(score.size, int))


def continuous(rng: np.random.Generator, rows: int) -> Sample:
    """Independent rows, a million possible scores."""
    table = legitimate(rng.integers(0, DAYS, rows), rng.integers(0, 1_000_000, rows))
    return table, [LegitBlocks.of_days(table)], lambda threshold: 1 - (threshold + 1) / 1_000_000


def tied(rng: np.random.Generator, rows: int) -> Sample:
    """Independent rows on 100 levels."""
    table = legitimate(rng.integers(0, DAYS, rows), rng.integers(0, 100, rows))
    return table, [LegitBlocks.of_days(table)], lambda threshold: 1 - (threshold + 1) / 100


def clustered(rng: np.random.Generator, rows: int) -> Sample:
    """Rows of a day, and of one of 300 terminals, are alike; every single score is uniform all the same."""
    day, terminal = rng.integers(0, DAYS, rows), rng.integers(0, 300, rows)
    effect = 0.1 * rng.normal(size=DAYS)[day] + 0.2 * rng.normal(size=300)[terminal]
    latent = effect + math.sqrt(1 - 0.05) * rng.normal(size=rows)
    score = (1_000_000 * stats.norm.cdf(latent)).astype(int)
    table = legitimate(day, score)
    blocks = [LegitBlocks.of_days(table), LegitBlocks("terminals", terminal, score, np.ones(rows, int))]
    return table, blocks, lambda threshold: 1 - (threshold + 1) / 1_000_000


def certified_rates(shape: Shape, rows: int, repetitions: int) -> np.ndarray:
    """True FPR of the certified threshold in each repetition."""
    rates = []
    for repetition in range(repetitions):
        table, blocks, true_rate = shape(np.random.default_rng([SEED, repetition]), rows)
        rates.append(true_rate(certified_threshold(table, blocks, TARGET, DELTA)))
    return np.array(rates)


def span(values: Iterable[float]) -> tuple[float, float]:
    """Lowest and highest."""
    known = list(values)
    return min(known), max(known)


def threshold_figures() -> None:
    """How often the target is exceeded, worst of three shapes of scores, and how much of it is used."""
    shares = {}
    for shape in (continuous, tied, clustered):
        shares[shape.__name__] = float((certified_rates(shape, 2_000, 2_000) > TARGET).mean())
    described = ", ".join(f"{name} {share:.4f}" for name, share in shares.items())
    record("gate.np_violations", max(shares.values()), "1", COMMAND, f"delta 0.01; {described}", span(shares.values()))
    used = certified_rates(continuous, 100_000, 20) / TARGET
    record("gate.np_target_used_at_1e5", float(used.mean()), "1", COMMAND, None, span(used))


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
        for first, span, rate in ((0, early, daily), (early, life - early, daily * later)):
            count = rng.poisson(rate * span, start.size)
            days.append(np.repeat(start + first, count) + span * rng.random(count.sum()))
            amounts.append(rng.lognormal(math.log(median), sigma, count.sum()).astype(int) + 1)
            episodes.append(np.repeat(np.arange(start.size) + 100_000 * life, count))
    return np.concatenate(days), np.concatenate(amounts), np.concatenate(episodes)


def loss_repetition(world: str, repetition: int) -> tuple[float, int]:
    """Bound made from the window, and the loss of the month that followed."""
    day, amount, episode = missed_frauds(np.random.default_rng([SEED, repetition]), world)
    window, month = (day >= 0) & (day < DAYS), (day >= DAYS) & (day < DAYS + MONTH)
    zero, own = np.zeros(window.sum(), int), np.arange(window.sum())
    seen = Frauds(zero, amount[window], own, episode[window], DAYS)
    return loss_bound(seen, seed=repetition).bound, int(amount[month].sum())


def loss_figures(repetitions: int) -> None:
    """How often the bound covers the next month, and how far it lies above the mean month."""
    covered, ratio = {}, {}
    for world in WORLDS:
        bound, loss = np.array([loss_repetition(world, index) for index in range(repetitions)]).T
        covered[world], ratio[world] = float((loss <= bound).mean()), float(np.median(bound) / loss.mean())
    described = ", ".join(f"{name} {share:.4f}" for name, share in covered.items())
    record(
        "gate.loss_coverage", min(covered.values()), "1", COMMAND, f"level 0.99; {described}", span(covered.values())
    )
    described = ", ".join(f"{name} {value:.2f}" for name, value in ratio.items())
    record("gate.loss_bound_over_truth", ratio["default"], "1", COMMAND, f"worlds: {described}", None)


ROWS_A_YEAR: Final = 100_000


def terminal_days(rng: np.random.Generator, rate: float, rows: int) -> Iterator[tuple[int, int]]:
    """Blocks of about four rows whose rates differ, Beta(2 rate, 2 - 2 rate): rows of a block are much alike."""
    n = 1 + rng.poisson(3, rows // 4)
    return zip(n.tolist(), rng.binomial(n, rng.beta(2 * rate, 2 - 2 * rate, n.size)).tolist(), strict=True)


def rows_until_trip(evidence: Evidence, blocks: Iterator[tuple[int, int]]) -> float:
    """Legitimate rows counted until the trip; infinite without one."""
    before = evidence.legit
    for n, k in blocks:
        evidence = update(evidence, n, k)
        if evidence.tripped:
            return evidence.legit - before
    return math.inf


def guard_figures(years: int, streams: int) -> None:
    """False trips in years at exactly the limit, and rows until a jump is found after a month at 4.5 %."""
    fresh = Evidence.fresh(horizon=ROWS_A_YEAR)
    normal = [
        rows_until_trip(fresh, terminal_days(np.random.default_rng([SEED, y]), 0.05, ROWS_A_YEAR)) for y in range(years)
    ]
    record(
        "switch.false_trip_years",
        float(np.isfinite(normal).mean()),
        "1",
        COMMAND,
        f"{years} years of {ROWS_A_YEAR} rows",
    )
    for rate in (0.08, 0.1, 0.2):
        delays = [jump_delay(np.random.default_rng([SEED, index]), rate) for index in range(streams)]
        name = f"switch.delay_rows_{round(100 * rate)}"
        record(name, float(np.median(delays)), "legitimate rows", COMMAND, None, span(delays))


def jump_delay(rng: np.random.Generator, rate: float) -> float:
    """Rows from the jump until the trip."""
    evidence = Evidence.fresh(horizon=ROWS_A_YEAR)
    for n, k in terminal_days(rng, 0.045, ROWS_A_YEAR // 12):
        evidence = update(evidence, n, k)
    return rows_until_trip(evidence, terminal_days(rng, rate, ROWS_A_YEAR))


if __name__ == "__main__":
    threshold_figures()
    loss_figures(repetitions=400)
    guard_figures(years=40, streams=20)
