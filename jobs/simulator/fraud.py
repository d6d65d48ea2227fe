"""Frauds of a day. Compromises that began before day 0 exist on day 0, so that a world has no cold start."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.simulator.rows import Rows
from jobs.simulator.spending import BUSIEST, habitual, kopecks, near_home, times
from jobs.simulator.world import EPISODE_STREAM, World

LARGE_AMOUNT, TERMINAL, CUSTOMER, NIGHT = 1, 2, 3, 4

LARGE_SHARE: Final = 0.002
LARGE_LEAST: Final = 220.0
LARGE_MEAN_ABOVE: Final = 330.0

TERMINAL_DAYS: Final = 28
TERMINAL_FRAUD_SHARE: Final = 0.7
TERMINAL_FACTOR: Final = (1.0, 3.0)

CUSTOMER_DAYS: Final = 14
CUSTOMER_EXTRA: Final = 1.5
"""A thief's transactions per transaction of the customer."""
CUSTOMER_FACTOR: Final = (2.0, 5.0)

NIGHT_SECONDS: Final = 5 * 3_600

EARLIEST_START: Final = 10_000
"""Offset of the day on which an episode starts, because keys of random streams must not be negative."""


def compromised(world: World, kind: int, size: int, rate: float, days: int, index: int) -> NDArray[np.int64]:
    """Return the sorted indices of entities with an episode on day `index`; an episode lasts `days` days."""
    entities = []
    for start in range(index - days + 1, index + 1):
        # A stream for each day of the start, so that every later day finds the same episodes.
        rng = world.stream(EPISODE_STREAM, kind, start + EARLIEST_START)
        entities.append(rng.integers(0, size, rng.poisson(rate * size)))
    return np.unique(np.concatenate(entities))


def with_large_amounts(rows: Rows, rng: np.random.Generator) -> Rows:
    """Apply scenario 1: single stolen cards are used for large amounts."""
    chosen = rng.random(len(rows)) < LARGE_SHARE
    amount = kopecks(LARGE_LEAST + rng.exponential(LARGE_MEAN_ABOVE, len(rows)))
    return _replaced(rows, chosen, amount, LARGE_AMOUNT)


def with_terminals(world: World, rows: Rows, index: int, rng: np.random.Generator) -> Rows:
    """Apply scenario 2: for 28 days most transactions of a compromised terminal are fraud, of raised amounts."""
    config = world.config
    bad = compromised(world, TERMINAL, config.terminals, config.terminal_starts, TERMINAL_DAYS, index)
    if config.busiest_share:
        bad = bad[bad != BUSIEST]
    # Rows that are frauds already keep their scenario.
    chosen = np.isin(rows.terminal, bad) & (rows.scenario == 0) & (rng.random(len(rows)) < TERMINAL_FRAUD_SHARE)
    amount = np.rint(rows.amount * rng.uniform(*TERMINAL_FACTOR, len(rows))).astype(np.int64)
    return _replaced(rows, chosen, amount, TERMINAL)


def _replaced(rows: Rows, chosen: NDArray[np.bool_], amount: NDArray[np.int64], scenario: int) -> Rows:
    return Rows(
        rows.second,
        rows.customer,
        rows.terminal,
        np.where(chosen, amount, rows.amount),
        np.where(chosen, scenario, rows.scenario),
    )


def customer_frauds(world: World, index: int, rng: np.random.Generator) -> Rows:
    """Return scenario 3: for 14 days a thief spends in addition to the customer, more often and larger amounts."""
    bad = compromised(world, CUSTOMER, world.config.customers, world.config.customer_starts, CUSTOMER_DAYS, index)
    customer = np.repeat(bad, rng.poisson(world.daily_rate[bad] * CUSTOMER_EXTRA))
    amount = habitual(world, customer, rng) * rng.uniform(*CUSTOMER_FACTOR, len(customer))
    return Rows(
        times(len(customer), rng), customer, near_home(world, customer, rng), kopecks(amount),
        np.full_like(customer, CUSTOMER),
    )  # fmt: skip


def night_rows(world: World, mean: float, scenario: int, rng: np.random.Generator) -> Rows:
    """Return ordinary amounts at night, anywhere, only after a change that brings them; `mean` is their mean number."""
    count = rng.poisson(mean)
    customer = rng.integers(0, world.config.customers, count)
    return Rows(
        rng.integers(0, NIGHT_SECONDS, count), customer, rng.integers(0, world.config.terminals, count),
        kopecks(habitual(world, customer, rng)), np.full_like(customer, scenario),
    )  # fmt: skip
