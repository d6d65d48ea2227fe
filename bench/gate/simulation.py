"""Simulate how gate and guard keep their promises (about an hour): ``make bench-gate``."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from antifraud.killswitch.evidence import Evidence, update
from bench.gate.comparison import comparison_figures
from bench.gate.concentrated import concentrated_figures, rare_loss_figures
from bench.gate.loss import loss_figures
from bench.gate.shapes import COMMAND, SEED, power_figures, span, violation_figures
from bench.gate.year import release_figures, year_figures
from bench.record import record

ROWS_A_YEAR: Final = 100_000


def terminal_days(rng: np.random.Generator, rate: float, rows: int) -> Iterator[tuple[int, int]]:
    """Draw rows and flags of blocks of about four rows; their rates differ much, Beta(2 rate, 2 - 2 rate)."""
    n = 1 + rng.poisson(3, rows // 4)
    return zip(n.tolist(), rng.binomial(n, rng.beta(2 * rate, 2 - 2 * rate, n.size)).tolist(), strict=True)


def rows_until_trip(evidence: Evidence, blocks: Iterator[tuple[int, int]]) -> float:
    """Count legitimate rows until the guard trips; return infinity if it never does."""
    before = evidence.legit
    for n, k in blocks:
        evidence = update(evidence, n, k)
        if evidence.tripped:
            return evidence.legit - before
    return math.inf


def guard_figures(years: int, streams: int) -> None:
    """Record false trips in years at exactly the limit, and rows until a jump after a month at 4.5 % is found."""
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
    """Count rows from the jump until the guard trips."""
    evidence = Evidence.fresh(horizon=ROWS_A_YEAR)
    for n, k in terminal_days(rng, 0.045, ROWS_A_YEAR // 12):
        evidence = update(evidence, n, k)
    return rows_until_trip(evidence, terminal_days(rng, rate, ROWS_A_YEAR))


if __name__ == "__main__":
    violation_figures(repetitions=2_000)
    power_figures(repetitions=1_000)
    loss_figures(repetitions=2_000)
    comparison_figures(repetitions=2_000)
    concentrated_figures(repetitions=2_000)
    rare_loss_figures(repetitions=400)
    year_figures(years=1_000)
    release_figures(years=40)
    guard_figures(years=40, streams=20)
