"""One day of a world: honest rows, frauds, defects; a pure function of the world and the day."""

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.simulator import fraud
from jobs.simulator.config import ChangeKind
from jobs.simulator.defects import MIDNIGHT, choose_defects, with_duplicates
from jobs.simulator.rows import Day, Rows
from jobs.simulator.spending import honest_rows
from jobs.simulator.world import DAILY_RATE, DAY_STREAM, World

AT_NIGHT: Final[dict[ChangeKind, int]] = {"new-pattern": fraud.NIGHT, "night-trade": 0}
"""Scenarios of the payments at night, by the kind of change that brings them."""
LOWEST_CHAIN: Final = 300_000_000_000
"""Twelve digits, which the search for leaks tells from a count."""
ID_ROOM: Final = 3
"""Transaction ids reserved for a day, in multiples of its expected rows."""


def day_rows(world: World, index: int) -> Day:
    """Return all rows of day `index` (0 is the world's start); a day made alone is the same."""
    rng = world.stream(DAY_STREAM, index)
    rows = _clean_rows(world, index, rng)
    defect = choose_defects(world.config.defects, len(rows), rng, first_day=index == 0)
    rows.second[defect == MIDNIGHT] = 0
    # Sorted by time after the defects are chosen, so that a MIDNIGHT row stands first, as it would in a real feed.
    order = np.argsort(rows.second, kind="stable")
    rows, defect = rows.take(order), defect[order]
    day = Day(
        index,
        index * ids_a_day(world) + np.arange(len(rows)),
        rows.second,
        world.customer_ids[rows.customer],
        world.terminal_ids[rows.terminal],
        rows.amount,
        rows.scenario,
        defect,
        chain_of(world, rows.terminal),
    )
    return with_duplicates(day, rng)


def chain_of(world: World, terminal: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the chain of each terminal: terminals take turns, so that chains are of equal size."""
    return LOWEST_CHAIN + terminal % max(world.config.chains, 1)


def _clean_rows(world: World, index: int, rng: np.random.Generator) -> Rows:
    honest = honest_rows(world, index, rng)
    rows = fraud.with_terminals(world, fraud.with_large_amounts(honest, rng), index, rng)
    parts = [rows, fraud.customer_frauds(world, index, rng)]
    change = world.config.change
    if change is not None and change.kind in AT_NIGHT and world.config.date(index) >= change.day:
        parts.append(fraud.night_rows(world, len(honest) * change.share, AT_NIGHT[change.kind], rng))
    rows = Rows.concatenate(parts)
    price_level = world.config.price_level
    if change is not None and change.kind == "double-prices" and world.config.date(index) >= change.day:
        price_level *= 2
    return dataclasses.replace(rows, amount=np.rint(rows.amount * price_level).astype(np.int64))


def ids_a_day(world: World) -> int:
    """Return the distance between the first transaction ids of two days: a power of ten above any day's rows.

    With a fixed distance the ids of a day do not depend on the rows of earlier days.
    """
    expected = world.config.customers * DAILY_RATE
    return int(10 ** math.ceil(math.log10(expected * ID_ROOM + 100)))
