"""Honest transactions of a day."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.simulator.rows import Rows
from jobs.simulator.world import World

HOURLY: Final = np.array(
    [3, 2, 1, 1, 1, 2, 6, 15, 28, 38, 44, 50, 56, 54, 48, 46, 50, 58, 64, 60, 46, 30, 16, 8], dtype=np.float64
)
"""Relative traffic of the hours, UTC."""
HOUR_EDGES: Final = np.arange(25) * 3_600
CUMULATIVE: Final = np.concatenate([[0.0], np.cumsum(HOURLY) / HOURLY.sum()])
SATURDAY: Final = 5
WEEKEND_FACTOR: Final = 0.8
WEEKDAY_FACTOR: Final = 1.08
AMOUNT_SHAPE: Final = 2.0
BIG_SHARE: Final = 0.01
BIG_FACTOR: Final = (3.0, 8.0)
"""Range of the factor for a holiday or a washing machine: honest customers sometimes spend much, too."""
LEAST_AMOUNT: Final = 100
MOST_AMOUNT: Final = 100_000_000
SPEND_FACTOR: Final = 3.0
BUSIEST: Final = 0
"""Index of the terminal that takes `WorldConfig.busiest_share`."""


def honest_rows(world: World, index: int, rng: np.random.Generator) -> Rows:
    """Return the honest transactions of day `index`, in no order."""
    weekend = world.config.date(index).weekday() >= SATURDAY
    rate = world.daily_rate * (WEEKEND_FACTOR if weekend else WEEKDAY_FACTOR)
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    amount = habitual(world, customer, rng)
    amount *= np.where(rng.random(len(customer)) < BIG_SHARE, rng.uniform(*BIG_FACTOR, len(customer)), 1)
    change = world.config.change
    if change is not None and change.kind == "spend3x" and world.config.date(index) >= change.day:
        amount *= SPEND_FACTOR
    terminal = near_home(world, customer, rng)
    if world.config.busiest_share:
        terminal[rng.random(len(terminal)) < world.config.busiest_share] = BUSIEST
    return Rows(times(len(customer), rng), customer, terminal, kopecks(amount), np.zeros_like(customer))


def habitual(world: World, customer: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return amounts in RUB as these customers usually spend them."""
    return world.mean_amount[customer] * rng.gamma(AMOUNT_SHAPE, 1 / AMOUNT_SHAPE, len(customer))


def near_home(world: World, customer: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a terminal within reach of each customer."""
    choice = (rng.random(len(customer)) * world.reach_count[customer]).astype(np.int64)
    return world.reach[customer, choice].astype(np.int64)


def times(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return seconds of the day, distributed like the traffic of a day."""
    return np.interp(rng.random(count), CUMULATIVE, HOUR_EDGES).astype(np.int64)


def kopecks(amount: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return amounts of RUB in minor units, within the range of the raw format."""
    return np.clip(np.rint(amount * 100), LEAST_AMOUNT, MOST_AMOUNT).astype(np.int64)
