"""Customers and terminals on a plane, with their habits, which stay the same from day to day."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from jobs.simulator.config import WorldConfig

RADIUS: Final = 2.5
"""Distance that a customer goes. The plane has one terminal per unit of area, so about 20 are within reach."""
MOST_TERMINALS: Final = 24
DAILY_RATE: Final = 2.0
RATE_SHAPE: Final = 4.0
MEDIAN_SPEND: Final = 75.0
SPEND_SPREAD: Final = 0.9
"""Standard deviation of the logarithm of customers' mean amounts: some spend ten times as much as others."""
LOWEST_SPARSE: Final = 100_000_000_000
SPARSE_RANGE: Final = 899_999_999_981
"""A prime, so that every multiplier maps indices to distinct identifiers."""

WORLD_STREAM, DAY_STREAM, EPISODE_STREAM = range(3)


@dataclass(frozen=True, slots=True)
class World:
    """Customers and terminals by index.

    Attributes:
        config: Configuration of the world.
        reach: Terminals by distance from each customer, shape ``(customers, k)``.
        reach_count: How many of them each customer uses.
        daily_rate: Transactions a day of each customer.
        mean_amount: Mean amount of each customer, RUB.
        customer_ids: Identifiers in the raw files.
        terminal_ids: Identifiers in the raw files.
    """

    config: WorldConfig
    reach: NDArray[np.int32]
    reach_count: NDArray[np.int64]
    daily_rate: NDArray[np.float64]
    mean_amount: NDArray[np.float64]
    customer_ids: NDArray[np.int64]
    terminal_ids: NDArray[np.int64]

    def stream(self, *key: int) -> np.random.Generator:
        """Return an independent source of randomness for each key, so that any day can be made alone."""
        return np.random.default_rng(np.random.SeedSequence([self.config.seed, *key]))


def build_world(config: WorldConfig) -> World:
    """Build the world that `config` describes; seed and sizes decide everything."""
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, WORLD_STREAM]))
    side = np.sqrt(config.terminals)
    tree = cKDTree(rng.uniform(0, side, (config.terminals, 2)))
    homes = rng.uniform(0, side, (config.customers, 2))
    distance, reach = tree.query(homes, k=list(range(1, min(MOST_TERMINALS, config.terminals) + 1)))
    return World(
        config=config,
        reach=reach.astype(np.int32),
        reach_count=np.maximum((distance <= RADIUS).sum(axis=1), 1),
        daily_rate=rng.gamma(RATE_SHAPE, DAILY_RATE / RATE_SHAPE, config.customers),
        mean_amount=MEDIAN_SPEND * np.exp(rng.normal(0, SPEND_SPREAD, config.customers)),
        customer_ids=_identifiers(config.customers, rng, sparse=config.sparse_ids),
        terminal_ids=_identifiers(config.terminals, rng, sparse=config.sparse_ids),
    )


def _identifiers(count: int, rng: np.random.Generator, *, sparse: bool) -> NDArray[np.int64]:
    """Return 0, 1, 2 and so on or, if sparse, as many distinct 12-digit numbers."""
    multiplier, offset = rng.integers(1, SPARSE_RANGE, 2)
    index = np.arange(count, dtype=np.int64)
    return LOWEST_SPARSE + (index * multiplier + offset) % SPARSE_RANGE if sparse else index
