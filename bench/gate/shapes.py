"""Measure how often certified and naive thresholds exceed the rate they promise, and how much of it they use."""

import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from scipy import stats

from antifraud.settings.core import JobSettings
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks, certified_threshold, time_blocks
from bench.record import record

COMMAND: Final = "make bench-gate"
LIMIT, TARGET, DELTA = 0.05, 0.045, 0.01
DAYS: Final = 28
WINDOW_DAYS: Final = JobSettings().certify_days
"""Days that the rate is certified on."""
SEED: Final = 20_260_101
TERMINALS, CUSTOMERS = 300, 400
RECALL_AT_LIMIT: Final = 0.8

Sample = tuple[ScoreTable, list[LegitBlocks], Callable[[int], float]]
Shape = Callable[[np.random.Generator, int], Sample]


def legitimate(day: np.ndarray, score: np.ndarray) -> ScoreTable:
    """Return a score table of legitimate rows."""
    return ScoreTable.from_rows(day, score, np.zeros(score.size, bool), np.ones(score.size, int))


def continuous(rng: np.random.Generator, rows: int) -> Sample:
    """Draw independent rows with a million possible scores."""
    table = legitimate(rng.integers(0, WINDOW_DAYS, rows), rng.integers(0, 1_000_000, rows))
    return table, time_blocks(table), lambda threshold: 1 - (threshold + 1) / 1_000_000


def tied(rng: np.random.Generator, rows: int) -> Sample:
    """Draw independent rows with 100 possible scores."""
    table = legitimate(rng.integers(0, WINDOW_DAYS, rows), rng.integers(0, 100, rows))
    return table, time_blocks(table), lambda threshold: 1 - (threshold + 1) / 100


def clustered(rng: np.random.Generator, rows: int) -> Sample:
    """Draw rows that are alike within a day, a terminal or a customer; each score alone is still uniform."""
    return _alike(rng, rng.integers(0, TERMINALS, rows), {"days": 0.1, "terminals": 0.2, "customers": 0.1})


def uneven(rng: np.random.Generator, rows: int) -> Sample:
    """Draw rows of terminals that differ twice as much, with sizes by Zipf's law.

    The largest terminal has a sixth of the rows, the tenth largest a sixtieth.
    """
    share = 1 / np.arange(1, TERMINALS + 1)
    terminal = rng.choice(TERMINALS, rows, p=share / share.sum())
    return _alike(rng, terminal, {"days": 0.1, "terminals": 0.4, "customers": 0.1})


def giants(rng: np.random.Generator, rows: int) -> Sample:
    """Draw rows of terminals of which three have 10 % of the rows each."""
    share = np.array([0.1] * 3 + [0.7 / (TERMINALS - 3)] * (TERMINALS - 3))
    terminal = rng.choice(TERMINALS, rows, p=share)
    return _alike(rng, terminal, {"days": 0.1, "terminals": 0.2, "customers": 0.1})


def _alike(rng: np.random.Generator, terminal: np.ndarray, spread: dict[str, float]) -> Sample:
    """Draw scores that share normal effects of their day, terminal and customer, with standard deviations `spread`."""
    rows, sizes = terminal.size, {"days": WINDOW_DAYS, "terminals": TERMINALS, "customers": CUSTOMERS}
    block = {name: terminal if name == "terminals" else rng.integers(0, size, rows) for name, size in sizes.items()}
    effect = sum(spread[name] * rng.normal(size=sizes[name])[block[name]] for name in sizes)
    own = math.sqrt(1 - sum(part**2 for part in spread.values()))
    score = (1_000_000 * stats.norm.cdf(effect + own * rng.normal(size=rows))).astype(int)
    table, ones = legitimate(block["days"], score), np.ones(rows, int)
    others = [LegitBlocks(name, block[name], score, ones) for name in ("terminals", "customers")]
    return table, [*time_blocks(table), *others], lambda threshold: 1 - (threshold + 1) / 1_000_000


SHAPES: Final[dict[Shape, int]] = {continuous: 2_000, tied: 2_000, clustered: 2_000, uneven: 50_000}
"""Rows that each shape is tried with. Differences between blocks show in many rows, where chance alone is small."""


def certified_rates(shape: Shape, rows: int, repetitions: int) -> np.ndarray:
    """Return the true FPR of the certified threshold in each repetition, shape ``(repetitions,)``."""
    rates = []
    for repetition in range(repetitions):
        table, blocks, true_rate = shape(np.random.default_rng([SEED, repetition]), rows)
        rates.append(true_rate(certified_threshold(table, blocks, TARGET, DELTA)))
    return np.array(rates)


def naive_rates(shape: Shape, rows: int, repetitions: int) -> np.ndarray:
    """Return the true FPR of the usual choice, shape ``(repetitions,)``.

    The usual choice is the lowest threshold that keeps the limit in the window itself.
    """
    rates = []
    for repetition in range(repetitions):
        table, _, true_rate = shape(np.random.default_rng([SEED, repetition]), rows)
        scores = np.sort(np.repeat(table.score, table.legit))
        rates.append(true_rate(int(scores[math.ceil(scores.size * (1 - LIMIT)) - 1])))
    return np.array(rates)


def span(values: Iterable[float]) -> tuple[float, float]:
    """Return the lowest and the highest value."""
    known = list(values)
    return min(known), max(known)


def named(shares: dict[str, float], form: str = ".4f") -> str:
    """Spell shares by name for the column "beside" of the results."""
    return ", ".join(f"{name} {share:{form}}" for name, share in shares.items())


def violation_figures(repetitions: int) -> None:
    """Record the share of repetitions that exceed the promised rate, of the worst shape: certified, then naive."""
    certified = {
        shape.__name__: float((certified_rates(shape, rows, repetitions) > TARGET).mean())
        for shape, rows in SHAPES.items()
    }
    error = math.sqrt(DELTA * (1 - DELTA) / repetitions)
    beside = f"delta 0.01, {repetitions} repetitions, Monte Carlo error {error:.4f}; {named(certified)}"
    record("gate.np_violations", max(certified.values()), "1", COMMAND, beside, span(certified.values()))
    naive = {
        shape.__name__: float((naive_rates(shape, rows, repetitions) > LIMIT).mean()) for shape, rows in SHAPES.items()
    }
    beside = f"threshold at the empirical 5 %, true rate above 5 %; {named(naive)}"
    record("gate.naive_np_violations", max(naive.values()), "1", COMMAND, beside, span(naive.values()))


def power_figures(repetitions: int) -> None:
    """Record how much of the target the certified threshold uses, and the missed fraud that the rest costs."""
    used = certified_rates(continuous, 100_000, repetitions) / TARGET
    beside = f"{WINDOW_DAYS} days with weeks as blocks; {_repeated(used)}"
    record("gate.np_target_used_at_1e5", float(used.mean()), "1", COMMAND, beside, span(used))
    rates = certified_rates(clustered, 100_000, repetitions)
    beside = f"days, terminals and customers alike, the widest bound binds; {_repeated(rates / TARGET)}"
    record("gate.np_target_used_clustered", float((rates / TARGET).mean()), "1", COMMAND, beside, span(rates / TARGET))
    used = certified_rates(giants, 20_000, repetitions) / TARGET
    above = f"above the target in {float((used > 1).mean()):.4f}"
    beside = f"three terminals of 10 %, 20,000 rows, {_repeated(used)}; {above}"
    record("gate.np_target_used_giants", float(used.mean()), "1", COMMAND, beside, span(used))
    extra = missed(rates) / missed(np.array(TARGET)) - 1
    beside = "missed fraud at the certified threshold over that at the true 4.5 %, clustered, 100,000 rows"
    record("gate.confidence_cost_threshold", float(extra.mean()), "1", COMMAND, beside, span(extra))


def _repeated(values: np.ndarray) -> str:
    return f"{values.size} repetitions, Monte Carlo error {float(values.std()) / math.sqrt(values.size):.4f}"


def missed(rate: np.ndarray) -> np.ndarray:
    """Return the share of fraud missed at an FPR, for normal scores of fraud with 80 % of it caught at 5 %."""
    shift = stats.norm.isf(LIMIT) - stats.norm.isf(RECALL_AT_LIMIT)
    return np.asarray(stats.norm.cdf(stats.norm.isf(rate) - shift))
