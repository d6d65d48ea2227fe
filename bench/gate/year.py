"""Simulate a year of nights: how often a model exactly at the limit passes, with and without a budget for the year."""

import math
from typing import Final

import numpy as np
from scipy import stats

from antifraud.stats.bounds import block_bound, joint_bound, row_bound
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.spending import NIGHTS_A_YEAR, nightly_delta
from antifraud.stats.threshold import LegitBlocks, certified_threshold
from bench.gate.shapes import COMMAND, DAYS, DELTA, LIMIT, SEED, TARGET, span
from bench.record import record

TERMINALS, ROWS = 150, 2.0
"""Terminals, and rows a day at each of them."""
TERMINAL_LIFE: Final = 56
"""Days after which the behaviour of a terminal's customers has changed."""
DAY_SPREAD, TERMINAL_SPREAD = 0.1, 0.2
OWN: Final = math.sqrt(1 - DAY_SPREAD**2 - TERMINAL_SPREAD**2)
BUDGET: Final = 0.05
SPAN: Final = NIGHTS_A_YEAR + DAYS - 1


def effects(rng: np.random.Generator) -> np.ndarray:
    """Draw the effects that rows of a day and of a terminal share, shape ``(days, terminals)``."""
    life = (np.arange(SPAN)[:, None] + rng.integers(0, TERMINAL_LIFE, TERMINALS)) // TERMINAL_LIFE
    own = rng.normal(size=(SPAN // TERMINAL_LIFE + 2, TERMINALS))[life, np.arange(TERMINALS)]
    return np.asarray(DAY_SPREAD * rng.normal(size=(SPAN, 1)) + TERMINAL_SPREAD * own)


def nights_passed(rng: np.random.Generator, deltas: tuple[float, ...]) -> np.ndarray:
    """Return whether a threshold with a true rate of exactly the limit passes, shape ``(nights, deltas)``."""
    chance = stats.norm.sf((stats.norm.isf(LIMIT) - effects(rng)) / OWN)
    rows = rng.poisson(ROWS, chance.shape)
    flagged = rng.binomial(rows, chance)
    passed = []
    for night in range(NIGHTS_A_YEAR):
        k, n = flagged[night : night + DAYS], rows[night : night + DAYS]
        passed.append([passes(k, n, delta) for delta in deltas])
    return np.array(passed)


def passes(flagged: np.ndarray, rows: np.ndarray, delta: float) -> bool:
    """Return whether the widest bound is within the limit."""
    # The row bound is the quickest, and decides most nights alone.
    row = row_bound(int(flagged.sum()), int(rows.sum()), delta)
    if row > LIMIT:
        return False
    others = [block_bound(flagged.sum(axis=axis), rows.sum(axis=axis), delta) for axis in (0, 1)]
    return joint_bound(flagged.sum() / rows.sum(), row, others) <= LIMIT


def year_figures(years: int) -> None:
    """Record wrong nights a year, and years with any wrong night, without and with a budget of 5 % a year."""
    deltas = (DELTA, nightly_delta(DELTA, BUDGET))
    passed = np.array([nights_passed(np.random.default_rng([SEED, year]), deltas) for year in range(years)])
    wrong, any_wrong = passed.mean(axis=(0, 1)), passed.any(axis=1).mean(axis=0)
    beside = f"exactly at the limit, {years} years of {NIGHTS_A_YEAR} overlapping windows; promised: {DELTA}"
    record("gate.year_wrong_nights", float(wrong[0]), "1", COMMAND, beside)
    beside = "years in which some night passes it; per release only the share of nights is promised"
    record("gate.year_any_wrong", float(any_wrong[0]), "1", COMMAND, beside)
    beside = f"the same with a budget of {BUDGET} a year; promised: {BUDGET}"
    record("gate.year_any_wrong_budget", float(any_wrong[1]), "1", COMMAND, beside)


def certified_nights(rng: np.random.Generator, every: int) -> np.ndarray:
    """Return the true rates of thresholds that are certified anew, one night in `every` of a year."""
    shared = effects(rng)
    count = rng.poisson(ROWS, shared.shape).ravel()
    day, terminal = (np.repeat(index.ravel(), count) for index in np.indices(shared.shape))
    latent = np.repeat(shared.ravel(), count) + OWN * rng.normal(size=int(count.sum()))
    score = (1_000_000 * stats.norm.cdf(latent)).astype(int)
    rates = []
    for night in range(0, NIGHTS_A_YEAR, every):
        kept = (day >= night) & (day < night + DAYS)
        none, ones = np.zeros(kept.sum(), bool), np.ones(kept.sum(), int)
        table = ScoreTable.from_rows(day[kept], score[kept], none, ones)
        blocks = [LegitBlocks.of_days(table), LegitBlocks("terminals", terminal[kept], score[kept], ones)]
        rates.append(1 - (certified_threshold(table, blocks, TARGET, DELTA) + 1) / 1_000_000)
    return np.array(rates)


def release_figures(years: int, every: int = 7) -> None:
    """Record how often the gate's own thresholds, certified at 4.5 %, truly exceed 5 % in a year."""
    rates = np.array([certified_nights(np.random.default_rng([SEED, year]), every) for year in range(years)])
    over = (rates > LIMIT).any(axis=1)
    beside = (
        f"years in which a newly certified threshold truly exceeds 5 %, {years} years, every {every}th night; "
        f"nights above 4.5 %: {(rates > TARGET).mean():.4f}"
    )
    record("gate.year_over_limit", float(over.mean()), "1", COMMAND, beside, span(over.astype(float)))
