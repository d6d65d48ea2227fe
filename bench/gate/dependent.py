"""Measure the promise of the false-positive rate where days resemble each other, terminals have chains, or rates move.

    python -m bench.gate.dependent

A row's score is ``1 - U / m`` with a uniform U, where m multiplies the rate of its day, terminal or chain. So the true
rate of a threshold is known. A window breaks the promise silently if its true rate is above the target and no
assumption fails. The window comes with the days before the training window, of the same process, as in production.
"Before" are the blocks without weeks and chains, on 28 days.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from antifraud.gate.certify import Certify
from antifraud.gate.checks import check_rate
from antifraud.gate.history import History
from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.threshold import LegitBlocks, certified_threshold
from bench.gate.shapes import DELTA, SEED, TARGET, legitimate, named, span
from bench.record import record

COMMAND: Final = "python -m bench.gate.dependent"
DAYS: Final = JobSettings().certify_days
DAYS_BEFORE: Final = 28
HISTORY_DAYS: Final = JobSettings().gate_history_days
BETWEEN_DAYS: Final = JobSettings().train_days + JobSettings().select_days
"""Days between history and window."""
ROWS: Final = 20_000
"""Rows of the window."""
TERMINALS: Final = 300
FIRST, LAST = 0.035 / 0.045, 0.055 / 0.045
RARE_DAY, RARE_TERMINAL = 0.2 / 0.045, 0.6 / 0.045
SCALE: Final = 1_000_000
NEVER_FLAGGED: Final = 800_000


@dataclass(frozen=True)
class Drawn:
    """Legitimate rows: day, terminal and chain of each, what multiplies its rate, and the true multiple of the rate."""

    day: np.ndarray
    terminal: np.ndarray
    multiple: np.ndarray
    truth: float = 1.0
    chain: np.ndarray | None = None


World = Callable[[np.random.Generator, "Length"], Drawn]


@dataclass(frozen=True)
class Length:
    """Days of a window, and of the days before it that are drawn as well; `rows` in the window."""

    days: int
    before: int = 0
    rows: int = ROWS

    @property
    def all_days(self) -> int:
        """Days that are drawn; the window has the last ones."""
        return self.before + self.days

    def of(self, rows: int) -> "Length":
        """Return the same with so many rows in the window."""
        return dataclasses.replace(self, rows=rows)


NOW: Final = Length(DAYS, HISTORY_DAYS + BETWEEN_DAYS)


def _rows(rng: np.random.Generator, length: Length) -> tuple[np.ndarray, np.ndarray]:
    rows = length.rows * length.all_days // length.days
    return rng.integers(0, length.all_days, rows), rng.integers(0, TERMINALS, rows)


def steady(rng: np.random.Generator, length: Length) -> Drawn:
    """Draw independent rows."""
    day, terminal = _rows(rng, length)
    return Drawn(day, terminal, np.ones(day.size))


def differing(rng: np.random.Generator, length: Length) -> Drawn:
    """Draw rows of days and terminals that differ independently, by relative deviations of 10 and 30 %."""
    day, terminal = _rows(rng, length)
    effects = rng.gamma(100, 1 / 100, length.all_days)[day] * rng.gamma(11, 1 / 11, TERMINALS)[terminal]
    return Drawn(day, terminal, effects)


def remembering(rng: np.random.Generator, length: Length, spread: float = 0.21, rows: int = ROWS) -> Drawn:
    """Draw rows of days with an autocorrelation of 0.8; `spread` is their relative standard deviation."""
    day, terminal = _rows(rng, length.of(rows))
    state = np.empty(length.all_days)
    state[0] = rng.normal()
    for each in range(1, state.size):
        state[each] = 0.8 * state[each - 1] + 0.6 * rng.normal()
    return Drawn(day, terminal, np.maximum(1 + spread * state, 0.05)[day])


def chains(rng: np.random.Generator, length: Length, count: int) -> Drawn:
    """Draw rows of terminals in `count` chains; chains differ by a relative standard deviation of 20 %."""
    day, terminal = _rows(rng, length)
    chain = terminal % count
    return Drawn(day, terminal, rng.gamma(25, 1 / 25, count)[chain], chain=chain)


def rare_days(rng: np.random.Generator, length: Length) -> Drawn:
    """Draw rows of days of which one in 28, at random, has 20 % instead of 4.5 %."""
    day, terminal = _rows(rng, length)
    rare = rng.random(length.all_days) < 1 / 28
    return Drawn(day, terminal, np.where(rare, RARE_DAY, 1.0)[day], 1 + (RARE_DAY - 1) / 28)


def ramp(rng: np.random.Generator, length: Length) -> Drawn:
    """Draw rows of days that rise from 3.5 to 5.5 % in the window; the true rate is the last day's."""
    day, terminal = _rows(rng, length)
    rate = np.append(np.full(length.before, FIRST), np.linspace(FIRST, LAST, length.days))
    return Drawn(day, terminal, rate[day], LAST)


def rare_terminals(rng: np.random.Generator, length: Length) -> Drawn:
    """Draw rows of terminals of which one in 100, at random, has 60 % instead of 4.5 %."""
    day, terminal = _rows(rng, length)
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


def window(drawn: Drawn, length: Length, rng: np.random.Generator, *, chained: bool = True) -> Certify:
    """Return the certify window of drawn rows and what comes before it; without `chained`, chains are left out."""
    score = (SCALE * (1 - rng.random(drawn.day.size) / drawn.multiple)).astype(np.int64)
    # No threshold lies so low, and few different scores make tables small.
    score[score < NEVER_FLAGGED] = 0
    inside, earlier = drawn.day >= length.before, drawn.day < length.before - BETWEEN_DAYS
    blocks = [_blocks("terminals", drawn.terminal[inside], score[inside])]
    if drawn.chain is not None and chained:
        blocks.append(_blocks("groups", drawn.chain[inside], score[inside], within="terminals"))
    history = None
    if earlier.any():
        days = length.before - BETWEEN_DAYS
        history = History(legitimate(drawn.day[earlier], score[earlier]), _no_frauds(days), np.ones(days))
    table = legitimate(drawn.day[inside], score[inside])
    return Certify(table, _no_frauds(table.days), blocks, history=history)


def _blocks(name: str, block: np.ndarray, score: np.ndarray, within: str | None = None) -> LegitBlocks:
    return LegitBlocks(name, block, score, np.ones_like(score), within=within)


def _no_frauds(days: int) -> Frauds:
    none = np.zeros(0, np.int64)
    return Frauds(none, none, none, none, days)


class Outcome(NamedTuple):
    """Whether one window breaks the promise, whether it warns, also `alone`, without history, and its rate / target."""

    breaks: bool
    warns: bool
    alone: bool
    used: float


def outcome(world: World, seed: int, *, before: bool = False) -> Outcome:
    """Return what becomes of one window."""
    rng = np.random.default_rng([SEED, seed])
    length = Length(DAYS_BEFORE) if before else NOW
    drawn = world(rng, length)
    certify = window(drawn, length, rng, chained=not before)
    kinds = [LegitBlocks.of_days(certify.table), *certify.blocks] if before else certify.all_blocks
    threshold = certified_threshold(certify.table, kinds, TARGET, DELTA)
    rate = drawn.truth * (1 - (threshold + 1) / SCALE)
    if before:
        return Outcome(rate > TARGET, warns=False, alone=False, used=rate / TARGET)
    warns, alone = (_warns(each, threshold) for each in (certify, dataclasses.replace(certify, history=None)))
    return Outcome(rate > TARGET, warns, alone, rate / TARGET)


def _warns(certify: Certify, threshold: int) -> bool:
    return any(each.fails for each in check_rate(certify, threshold))


class Shares(NamedTuple):
    """Shares of windows: `silent`ly broken, also `alone` (without history), broken but `told`.

    `false` is the share of warnings among the windows that keep the promise. `used` is the mean part of the target.
    """

    silent: float
    alone: float
    told: float
    false: float
    false_alone: float
    used: float


def shares(world: World, repetitions: int, *, before: bool = False) -> Shares:
    """Return what becomes of so many windows."""
    found = [outcome(world, seed, before=before) for seed in range(repetitions)]
    breaks, warns, alone = (np.array(column, bool) for column in list(zip(*found, strict=True))[:3])
    kept = max(int((~breaks).sum()), 1)
    return Shares(
        silent=float((breaks & ~warns).mean()),
        alone=float((breaks & ~alone).mean()),
        told=float((breaks & warns).mean()),
        false=float((~breaks & warns).sum() / kept),
        false_alone=float((~breaks & alone).sum() / kept),
        used=float(np.mean([each.used for each in found])),
    )


def dependent_figures(repetitions: int) -> None:
    """Record the shares of every world, after and before."""
    after = {name: shares(world, repetitions) for name, world in (STEADY | DEPENDENT | MOVING).items()}
    before = {name: shares(world, repetitions, before=True).silent for name, world in (DEPENDENT | MOVING).items()}
    days = f"{DAYS} days and {HISTORY_DAYS} before training"
    error = f"{days}. {repetitions} repetitions, standard error at 1 % {math.sqrt(0.0099 / repetitions):.4f}"
    for name, worlds in (("dependent", DEPENDENT), ("moving", MOVING)):
        alone = named({world: after[world].alone for world in worlds}, ".3f")
        silent = {world: after[world].silent for world in worlds}
        _record(f"gate.np_violations_{name}", silent, f"Silent; {error}. Without history: {alone}")
        earlier = {world: before[world] for world in worlds}
        _record(f"gate.np_violations_{name}_before", earlier, f"{DAYS_BEFORE} days without weeks and chains")
    _record("gate.np_violations_told", {name: after[name].told for name in DEPENDENT | MOVING}, f"Warned; {error}")
    false = {name: after[name].false for name in STEADY | DEPENDENT}
    without = named({name: after[name].false_alone for name in false}, ".3f")
    # Where the days show a rare one, the warning is right, whatever the threshold happens to keep.
    right = f"{error}. Rare days, not counted, {false.pop('rare days'):.3f}. Without history: {without}"
    _record("gate.np_false_warnings", false, right)


def _record(name: str, found: dict[str, float], beside: str) -> None:
    record(name, max(found.values()), "1", COMMAND, f"{beside}. Shares: {named(found, '.3f')}", span(found.values()))


if __name__ == "__main__":
    dependent_figures(repetitions=400)
