"""Streams of a payments company: the legitimate rows of each day, flagged at a rate that is known.

A stream is simulated by terminals. All have a mean rate that is exactly the given one over many years; what differs is
which rows are flagged together, and for how long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.killswitch.detectors.noise import WEEK, DayCounts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RHYTHM: Final = (0.73, 0.83, 0.93, 1.0, 1.07, 1.17, 1.27)
"""From 3.3 to 5.7 % of a mean of 4.5 %."""
COMPROMISED_DAYS: Final = 28


@dataclass(frozen=True)
class Stream:
    """A kind of stream.

    Attributes:
        name: Its name in tables.
        rate: Mean rate.
        rows: Rows a day.
        terminals: Terminals, of which each day has all.
        giants: Shares of the rows of some large terminals.
        giant_rate: Rate of the giants over the mean rate.
        clustering: Correlation of the rows of one terminal's day.
        compromised: Part of the terminals that is flagged at `compromised_rate` for `COMPROMISED_DAYS` at a time.
        compromised_rate: Rate of those.
        day_sd: Relative standard deviation of the days' rates.
        day_memory: Correlation of a day's rate with the next day's.
        rhythm: Factor of the rate by weekday.
    """

    name: str
    rate: float = 0.05
    rows: int = 10_000
    terminals: int = 500
    giants: tuple[float, ...] = ()
    giant_rate: float = 1.0
    clustering: float = 0.0
    compromised: float = 0.0
    compromised_rate: float = 0.3
    day_sd: float = 0.0
    day_memory: float = 0.0
    rhythm: tuple[float, ...] = field(default=(1.0,) * WEEK)

    def days(self, rng: np.random.Generator, count: int) -> Iterator[DayCounts]:
        """Yield days, one after the other."""
        sizes = self._sizes()
        own = self._own_rates(sizes)
        compromised = self._compromised_days(rng, count)
        for day, factor in enumerate(self._factors(rng, count)):
            rates = own.copy()
            if self.compromised:
                rates[compromised[day]] = self.compromised_rate
            yield _count(rng, day, sizes, np.clip(rates * factor, 0.0, 0.95), self.clustering)

    def _sizes(self) -> Ints:
        giants = [round(share * self.rows) for share in self.giants]
        each = (self.rows - sum(giants)) // self.terminals
        return np.array([*giants, *[each] * self.terminals])

    def _own_rates(self, sizes: Ints) -> Floats:
        """Return the terminals' rates while none is compromised, so that the mean over all rows is `rate`."""
        count = len(self.giants)
        large, all_rows = int(sizes[:count].sum()), int(sizes.sum())
        giant = self.rate * self.giant_rate
        others = (self.rate * all_rows - giant * large) / (all_rows - large)
        own = np.array([*[giant] * count, *[others] * self.terminals])
        if self.compromised:
            own = (own - self.compromised * self.compromised_rate) / (1 - self.compromised)
        return own

    def _compromised_days(self, rng: np.random.Generator, count: int) -> npt.NDArray[np.bool_]:
        """Return by day which terminals are compromised; each has independent spells."""
        terminals = len(self.giants) + self.terminals
        chance = 1 - (1 - self.compromised) ** (1 / COMPROMISED_DAYS)
        begun = rng.random((count + COMPROMISED_DAYS, terminals)) < chance
        spells = np.cumsum(begun, axis=0)
        return np.asarray(spells[COMPROMISED_DAYS:] - spells[:-COMPROMISED_DAYS] > 0)

    def _factors(self, rng: np.random.Generator, count: int) -> Floats:
        level, levels = rng.standard_normal(), []
        for step in rng.standard_normal(count):
            level = self.day_memory * level + np.sqrt(1 - self.day_memory**2) * step
            levels.append(level)
        weekday = np.array(self.rhythm)[np.arange(count) % WEEK]
        return np.asarray(weekday * (1 + self.day_sd * np.array(levels)))


def _count(rng: np.random.Generator, day: int, sizes: Ints, rates: Floats, clustering: float) -> DayCounts:
    if clustering:
        spread = 1 / clustering - 1
        safe = np.clip(rates, 1e-6, 1 - 1e-6)
        rates = rng.beta(safe * spread, (1 - safe) * spread)
    flagged = rng.binomial(sizes, rates)
    rows, total = int(sizes.sum()), int(flagged.sum())
    squares = float(((flagged - total / rows * sizes) ** 2).sum())
    return DayCounts(day, rows, total, squares)


AT_LIMIT: Final = (
    Stream("independent"),
    Stream("terminal-days", clustering=0.1),
    Stream("28-day terminals", terminals=2_000, compromised=0.02),
    Stream("28-day terminals, harsh", compromised=0.05, compromised_rate=0.4),
    Stream("giants", giants=(0.043, 0.03, 0.02), giant_rate=0.3, clustering=0.05),
    Stream("2,000 a day", rows=2_000, terminals=200, clustering=0.1),
    Stream("200,000 a day", rows=200_000, terminals=2_000, clustering=0.02),
    Stream("days differ by 3 %", day_sd=0.03),
    Stream("wandering days", day_sd=0.05, day_memory=0.8),
)
"""Streams at exactly the limit."""
INSIDE: Final = (
    Stream("weekly rhythm", rate=0.045, rhythm=RHYTHM),
    Stream("days differ by 10 %", rate=0.045, day_sd=0.10),
    Stream("rhythm and days", rate=0.045, rhythm=RHYTHM, day_sd=0.10, clustering=0.1),
)
"""Streams within the limit."""
