"""Streams of a payments company: the legitimate rows of each day and terminal, flagged at a rate that is known.

All streams have a mean rate that is exactly the given one over many years. They differ in which rows are flagged
together, for how long, and in what makes days differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.killswitch.detectors.measuring import DayCounts
from antifraud.killswitch.detectors.noise import ALIKE, WEEK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
COMPROMISED_DAYS: Final = 28
HIGHEST: Final = 0.95


@dataclass(frozen=True, eq=False)
class Days:
    """Days in a row from day 0: rows and flagged rows by day and terminal, shape ``(days, terminals)``."""

    rows: Ints
    flagged: Ints

    def counts(self) -> list[DayCounts]:
        """Return what the noise is measured on."""
        rows, flagged = self.rows.sum(axis=1), self.flagged.sum(axis=1)
        share = flagged / np.maximum(rows, 1)
        squares = ((self.flagged - share[:, None] * self.rows) ** 2).sum(axis=1)
        columns = zip(rows.tolist(), flagged.tolist(), squares.tolist(), strict=True)
        return [DayCounts(day, *values) for day, values in enumerate(columns)]


@dataclass(frozen=True)
class Stream:
    """A kind of stream.

    Attributes:
        name: Its name in tables.
        rate: Mean rate.
        rows: Mean rows a day.
        terminals: Terminals.
        sizes_sd: Standard deviation of the logarithm of the terminals' sizes.
        giants: Shares of the rows of some large terminals.
        giant_rate: Rate of the giants over the mean rate.
        giant_spread: Correlation of the rows of one giant's day.
        clustering: Correlation of the rows of one terminal's day.
        chains: Number of chains that the terminals belong to; 0: none.
        chain_sd: Relative standard deviation of a chain's rate from day to day.
        compromised: Part of the terminals that is flagged at `compromised_rate` for some weeks at a time.
        compromised_rate: Rate of those.
        compromised_days: Length of these weeks, in days.
        day_sd: Relative standard deviation of the days' rates.
        day_memory: Correlation of a day's rate with the next day's.
        day_tail: Degrees of freedom of Student's law of the days' rates; 0: they are normal.
        rhythm: Factor of the rate by weekday.
        volume: Factor of the rows by weekday.
        growth: Rows after a year over the rows now.
        odd_every: One day in so many has `odd_rate`; 0: none.
        odd_rate: Rate of odd days.
        quiet_every: One day in so many has a tenth of the rows; 0: none.
    """

    name: str
    rate: float = 0.05
    rows: int = 10_000
    terminals: int = 500
    sizes_sd: float = 0.0
    giants: Sequence[float] = ()
    giant_rate: float = 1.0
    giant_spread: float = 0.0
    clustering: float = 0.0
    chains: int = 0
    chain_sd: float = 0.0
    compromised: float = 0.0
    compromised_rate: float = 0.3
    compromised_days: int = COMPROMISED_DAYS
    day_sd: float = 0.0
    day_memory: float = 0.0
    day_tail: int = 0
    rhythm: tuple[float, ...] = field(default=ALIKE)
    volume: tuple[float, ...] = field(default=ALIKE)
    growth: float = 1.0
    odd_every: int = 0
    odd_rate: float = 0.0
    quiet_every: int = 0

    def draw(self, rng: np.random.Generator, count: int) -> Days:
        """Draw so many days."""
        rows = self._rows(rng, count)
        rates = self._terminal_rates(rng, count) * self._day_factors(rng, count)[:, None]
        if self.odd_every:
            odd = rng.random(count) < 1 / self.odd_every
            rates[odd] *= self.odd_rate / self._usual_rate
        return Days(rows, rng.binomial(rows, self._clustered(rng, np.clip(rates, 0.0, HIGHEST))))

    @property
    def _usual_rate(self) -> float:
        """Mean rate of days that are not odd."""
        return (self.rate - self.odd_rate / self.odd_every) / (1 - 1 / self.odd_every) if self.odd_every else self.rate

    def _rows(self, rng: np.random.Generator, count: int) -> Ints:
        others = (1 - sum(self.giants)) * self.rows
        # The quantiles of the law of sizes: the same terminals in every year.
        places = (np.arange(self.terminals) + 0.5) / self.terminals
        sizes = np.exp(self.sizes_sd * np.sqrt(2) * _inverse_erf(2 * places - 1))
        means = np.append(np.array(self.giants) * self.rows, others * sizes / sizes.sum())
        day = np.arange(count)
        volume = np.array(self.volume)[day % WEEK] / np.mean(self.volume) * self.growth ** (day / 365)
        if self.quiet_every:
            volume = np.where(rng.random(count) < 1 / self.quiet_every, volume / 10, volume)
        rows: Ints = np.rint(volume[:, None] * means).astype(np.int64)
        return rows

    def _terminal_rates(self, rng: np.random.Generator, count: int) -> Floats:
        """Return rates by day and terminal, so that the mean over all rows is the mean rate."""
        large, giant = sum(self.giants), self._usual_rate * self.giant_rate
        other = (self._usual_rate - giant * large) / (1 - large) if large else self._usual_rate
        terminals = len(self.giants) + self.terminals
        rates = np.full((count, terminals), other)
        rates[:, : len(self.giants)] = giant
        if self.compromised:
            usual = (rates - self.compromised * self.compromised_rate) / (1 - self.compromised)
            rates = np.where(self._compromised(rng, count, terminals), self.compromised_rate, usual)
        if self.chains:
            levels = np.maximum(0.0, 1 + self.chain_sd * rng.standard_normal((count, self.chains)))
            rates = rates * levels[:, np.arange(terminals) % self.chains] / _mean_above_zero(self.chain_sd)
        return rates

    def _compromised(self, rng: np.random.Generator, count: int, terminals: int) -> npt.NDArray[np.bool_]:
        """Return by day which terminals are compromised; each has independent spells."""
        length = self.compromised_days
        chance = 1 - (1 - self.compromised) ** (1 / length)
        spells = np.cumsum(rng.random((count + length, terminals)) < chance, axis=0)
        return np.asarray(spells[length:] - spells[:-length] > 0)

    def _day_factors(self, rng: np.random.Generator, count: int) -> Floats:
        steps = rng.standard_normal(count + 1)
        if self.day_tail:
            steps *= np.sqrt((self.day_tail - 2) / rng.chisquare(self.day_tail, count + 1))
        levels = [steps[0]]
        for step in steps[1:]:
            levels.append(self.day_memory * levels[-1] + np.sqrt(1 - self.day_memory**2) * step)
        weights = np.array(self.rhythm) * self.volume
        weekday = np.array(self.rhythm)[np.arange(count) % WEEK] * sum(self.volume) / weights.sum()
        return np.asarray(weekday * np.maximum(0.0, 1 + self.day_sd * np.array(levels[1:])))

    def _clustered(self, rng: np.random.Generator, rates: Floats) -> Floats:
        spread = np.full(rates.shape[1], self.clustering)
        spread[: len(self.giants)] = max(self.giant_spread, self.clustering)
        for columns in (spread == each for each in np.unique(spread[spread > 0])):
            size = 1 / float(spread[columns][0]) - 1
            safe = np.clip(rates[:, columns], 1e-6, 1 - 1e-6)
            rates[:, columns] = rng.beta(safe * size, (1 - safe) * size)
        return rates


def _inverse_erf(values: Floats) -> Floats:
    from scipy.special import erfinv

    return np.asarray(erfinv(values))


def _mean_above_zero(sd: float) -> float:
    """Return the mean of a normal level with mean 1 whose negative values are taken as 0."""
    from scipy.stats import norm

    return float(norm.cdf(1 / sd) + sd * norm.pdf(1 / sd)) if sd else 1.0
