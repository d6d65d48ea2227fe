"""Measure the promise of the false-positive rate where days resemble each other, terminals have chains, or rates move.

    python -m bench.gate.dependent

A row's score is ``1 - U / m`` with a uniform U, where m multiplies the rate of its day, terminal or chain. So the true
rate of a threshold is known. A window breaks the promise silently if its true rate is above the target and no
assumption fails. "Before" are the blocks without weeks and chains, on 28 days.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from antifraud.gate.certify import Certify
from antifraud.gate.checks import check_rate
from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import ScoreTable
from antifraud.stats.threshold import LegitBlocks, certified_threshold
from bench.gate.shapes import DELTA, SEED, TARGET, named, span
from bench.record import record

COMMAND: Final = "python -m bench.gate.dependent"
DAYS: Final = JobSettings().certify_days
DAYS_BEFORE: Final = 28
ROWS: Final = 20_000
TERMINALS: Final = 300
FIRST, LAST = 0.035 / 0.045, 0.055 / 0.045
RARE_DAY, RARE_TERMINAL = 0.2 / 0.045, 0.6 / 0.045
SCALE: Final = 1_000_000


@dataclass(frozen=True)
class Drawn:
    """Legitimate rows: day, terminal and chain of each, what multiplies its rate, and the true multiple of the rate."""

    day: np.ndarray
    terminal: np.ndarray
    multiple: np.ndarray
    truth: float = 1.0
    chain: np.ndarray | None = None


World = Callable[[np.random.Generator, int], Drawn]


def _rows(rng: np.random.Generator, days: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, days, rows), rng.integers(0, TERMINALS, rows)


def steady(rng: np.random.Generator, days: int) -> Drawn:
    """Draw independent rows."""
    day, terminal = _rows(rng, days)
    return Drawn(day, terminal, np.ones(ROWS))


def differing(rng: np.random.Generator, days: int) -> Drawn:
    """Draw rows of days and terminals that differ independently, by relative deviations of 10 and 30 %."""
    day, terminal = _rows(rng, days)
    effects = rng.gamma(100, 1 / 100, days)[day] * rng.gamma(11, 1 / 11, TERMINALS)[terminal]
    return Drawn(day, terminal, effects)


def remembering(rng: np.random.Generator, days: int, spread: float = 0.21, rows: int = ROWS) -> Drawn:
    """Draw rows of days with an autocorrelation of 0.8; `spread` is their relative standard deviation."""
    day, terminal = _rows(rng, days, rows)
    state = np.empty(days)
    state[0] = rng.normal()
    for each in range(1, days):
        state[each] = 0.8 * state[each - 1] + 0.6 * rng.normal()
    return Drawn(day, terminal, np.maximum(1 + spread * state, 0.05)[day])


def chains(rng: np.random.Generator, days: int, count: int) -> Drawn:
    """Draw rows of terminals in `count` chains; chains differ by a relative standard deviation of 20 %."""
    day, terminal = _rows(rng, days)
    chain = terminal % count
    return Drawn(day, terminal, rng.gamma(25, 1 / 25, count)[chain], chain=chain)


def rare_days(rng: np.random.Generator, days: int) -> Drawn:
    """Draw rows of days of which one in 28, at random, has 20 % instead of 4.5 %."""
    day, terminal = _rows(rng, days)
    rare = rng.random(days) < 1 / 28
    return Drawn(day, terminal, np.where(rare, RARE_DAY, 1.0)[day], 1 + (RARE_DAY - 1) / 28)


def ramp(rng: np.random.Generator, days: int) -> Drawn:
    """Draw rows of days that rise from 3.5 to 5.5 %; the true rate is the last day's."""
    day, terminal = _rows(rng, days)
    return Drawn(day, terminal, np.linspace(FIRST, LAST, days)[day], LAST)


def rare_terminals(rng: np.random.Generator, days: int) -> Drawn:
    """Draw rows of terminals of which one in 100, at random, has 60 % instead of 4.5 %."""
    day, terminal = _rows(rng, days)
    rare = rng.random(TERMINALS) < 1 / 100
    return Drawn(day, terminal, np.where(rare, RARE_TERMINAL, 1.0)[terminal], 1 + (RARE_TERMINAL - 1) / 100)


STEADY: Final[dict[str, World]] = {"steady": steady, "differing": differing}
"""Worlds that the promise is made for: any warning is a false one."""
DEPENDENT: Final[dict[str, World]] = {
    "autocorrelated days": remembering,
    "the same, 10 %, 50,000 rows": functools.partial(remembering, spread=0.1, rows=50_000),
    "10 chains": functools.partial(chains, count=10),
    "30 chains": functools.partial(chains, count=30),
    "rare days": rare_days,
}
MOVING: Final[dict[str, World]] = {"ramp": ramp, "rare terminals": rare_terminals}


def window(drawn: Drawn, rng: np.random.Generator, *, before: bool) -> Certify:
    """Return the certify window of drawn rows; `before` leaves chains out."""
    score = np.maximum(0, SCALE * (1 - rng.random(drawn.day.size) / drawn.multiple)).astype(np.int64)
    ones = np.ones(score.size, np.int64)
    table = ScoreTable.from_rows(drawn.day, score, np.zeros(score.size, bool), ones)
    blocks = [LegitBlocks("terminals", drawn.terminal, score, ones)]
    if drawn.chain is not None and not before:
        blocks.append(LegitBlocks("groups", drawn.chain, score, ones, within="terminals"))
    none = np.zeros(0, np.int64)
    return Certify(table, Frauds(none, none, none, none, table.days), blocks)


def outcome(world: World, seed: int, *, before: bool = False) -> tuple[bool, bool, float]:
    """Return whether one window breaks the promise, whether it warns, and the true rate over the target."""
    rng = np.random.default_rng([SEED, seed])
    drawn = world(rng, DAYS_BEFORE if before else DAYS)
    certify = window(drawn, rng, before=before)
    kinds = [LegitBlocks.of_days(certify.table), *certify.blocks] if before else certify.all_blocks
    threshold = certified_threshold(certify.table, kinds, TARGET, DELTA)
    rate = drawn.truth * (1 - (threshold + 1) / SCALE)
    warns = not before and any(each.fails for each in check_rate(certify, threshold))
    return rate > TARGET, warns, rate / TARGET


def shares(world: World, repetitions: int, *, before: bool = False) -> dict[str, float]:
    """Return shares of windows: `silent`ly broken, broken but `told`, `false` warnings among the kept, and `used`."""
    found = np.array([outcome(world, seed, before=before) for seed in range(repetitions)])
    broken, warns = found[:, 0] > 0, found[:, 1] > 0
    kept = ~broken
    return {
        "silent": float((broken & ~warns).mean()),
        "told": float((broken & warns).mean()),
        "false": float((kept & warns).sum() / max(kept.sum(), 1)),
        "used": float(found[:, 2].mean()),
    }


def dependent_figures(repetitions: int) -> None:
    """Record the shares of every world, after and before."""
    after = {name: shares(world, repetitions) for name, world in (STEADY | DEPENDENT | MOVING).items()}
    before = {name: shares(world, repetitions, before=True)["silent"] for name, world in (DEPENDENT | MOVING).items()}
    error = f"{DAYS} days, {repetitions} repetitions, standard error at 1 % {math.sqrt(0.0099 / repetitions):.4f}"
    _record("gate.np_violations_dependent", {name: after[name]["silent"] for name in DEPENDENT}, f"silent; {error}")
    _record("gate.np_violations_moving", {name: after[name]["silent"] for name in MOVING}, f"silent; {error}")
    _record("gate.np_violations_told", {name: after[name]["told"] for name in DEPENDENT | MOVING}, f"warned; {error}")
    for name, worlds in (("dependent", DEPENDENT), ("moving", MOVING)):
        earlier = {world: before[world] for world in worlds}
        _record(f"gate.np_violations_{name}_before", earlier, f"{DAYS_BEFORE} days without weeks and chains")
    false = {name: after[name]["false"] for name in STEADY | DEPENDENT}
    # Where the window shows a rare day, the warning is right, whatever the threshold happens to keep.
    right = f"{error}; rare days, not counted, {false.pop('rare days'):.3f}"
    _record("gate.np_false_warnings", false, right)


def _record(name: str, found: dict[str, float], beside: str) -> None:
    record(name, max(found.values()), "1", COMMAND, f"{beside}; {named(found, '.3f')}", span(found.values()))


if __name__ == "__main__":
    dependent_figures(repetitions=200)
