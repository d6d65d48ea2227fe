"""Many lives of the guard side by side, in arrays: what `bench.switch.years.Life` gives one life at a time.

A thousand years of each stream would take the production functions some hours. `tests/unit/bench/switch` proves that
both give the same trips on the same days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from antifraud.killswitch.detectors import missed_rate
from antifraud.killswitch.detectors.measuring import (
    MOST_SCALED,
    NORMAL_QUANTILE,
    DayCounts,
    largest_worth,
    measure_noise,
    upper_limit,
)
from antifraud.killswitch.detectors.noise import HIGHEST_FACTOR, LOWEST_FACTOR, WEEK, Noise
from antifraud.killswitch.detectors.rate import ALTERNATIVES, HIGHEST_RATE, most_a_day, patience
from antifraud.killswitch.detectors.wealth import OPENED
from antifraud.killswitch.losses import LOSS_BUDGET
from antifraud.killswitch.subjects import RELEASE_BUDGET, SERVICE_BUDGET
from bench.switch.guard import LIMIT, RELEASE
from bench.switch.streams import Floats, Stream
from bench.switch.years import GAP, START, WINDOW_DAYS, Life, Year

NEVER: Final = 1 << 30
SERVICE_WORD, LOSS_WORD = "service", "loss"
"""Words for what trips."""


@dataclass(frozen=True, eq=False)
class Noises:
    """The noise of many windows: all have shape ``(windows,)``, and the factors ``(windows, 7)``."""

    within: Floats
    day_variance: Floats
    factors: Floats
    rows: Floats

    @classmethod
    def of_windows(cls, first: int, days: Sequence[DayCounts]) -> "Noises":
        """Measure every window of certify's length in days that follow each other; `first` is the first weekday."""
        columns = [[day.rows for day in days], [day.flagged for day in days], [day.squares for day in days]]
        rows, flagged, squares = (sliding_window_view(np.array(each, float), WINDOW_DAYS) for each in columns)
        found = _measure(rows, flagged, squares)
        # The factors of a window begin with its own first weekday.
        shift = (np.arange(WEEK) - first - np.arange(len(rows))[:, None]) % WEEK
        whole = cls(found.within, found.day_variance, np.take_along_axis(found.factors, shift, axis=1), found.rows)
        for window in np.flatnonzero(~_is_usual(found, rows, flagged)).tolist():
            exact = measure_noise(days[window : window + WINDOW_DAYS], LIMIT)
            for name in ("within", "day_variance", "factors", "rows"):
                getattr(whole, name)[window] = getattr(exact, name)
        return whole

    def noise(self, window: int) -> Noise:
        """Return one of them."""
        factors = tuple(self.factors[window].tolist())
        return Noise(float(self.within[window]), float(self.day_variance[window]), factors, float(self.rows[window]))


def _measure(rows: Floats, flagged: Floats, squares: Floats) -> Noises:
    """Measure windows, shape ``(windows, days)``; factors are by position in the window."""
    windows, days = rows.shape
    by_week = (windows, days // WEEK, WEEK)
    weights, found = (each.reshape(by_week).sum(axis=1) for each in (rows, flagged))
    rate = (flagged.sum(axis=1) / rows.sum(axis=1))[:, None]
    factors = _factors(rows, flagged, weights, found, rate)
    excess = flagged - rate * np.tile(factors, days // WEEK) * rows
    share = flagged / rows
    expected = rows * share * (1 - share)
    ratios = np.divide(squares, expected, where=expected > 0, out=np.full_like(squares, np.nan))
    within = squares.sum(axis=1) / expected.sum(axis=1)
    within += NORMAL_QUANTILE * ratios.std(axis=1, ddof=1) / np.sqrt(days)
    within = np.maximum(1.0, within)
    freedom, weeks = days - WEEK, days / WEEK
    of_days = (excess**2 / rows).sum(axis=1) / freedom * upper_limit(freedom)
    sums, totals = (sliding_window_view(each, WEEK, axis=1).sum(axis=2) for each in (excess, rows))
    of_weeks = (sums**2 / totals).mean(axis=1) / (1 - 1 / weeks) * upper_limit(1.5 * (weeks - 1))
    mean, rate = rows.mean(axis=1), rate[:, 0]
    scale = np.clip(LIMIT / rate, 1.0, MOST_SCALED) ** 2
    variance = (np.maximum(of_days, of_weeks) - within * rate * (1 - rate)) / mean
    return Noises(within, scale * np.maximum(0.0, variance), factors, mean)


def _factors(rows: Floats, flagged: Floats, weights: Floats, found: Floats, rate: Floats) -> Floats:
    means, days = found / weights, rows.shape[1]
    residual = flagged - np.tile(means, days // WEEK) * rows
    error = (residual**2 / rows).sum(axis=1) / (days - WEEK) * (1 / weights).mean(axis=1)
    between = means.var(axis=1, ddof=1)
    # Weekdays that are exactly alike have factors of 1, whatever the error.
    kept = np.maximum(0.0, 1 - error / np.where(between > 0, between, np.inf))[:, None]
    factors = np.clip(1 + kept * (means / rate - 1), LOWEST_FACTOR, HIGHEST_FACTOR)
    return np.asarray(factors * (weights.sum(axis=1) / (factors * weights).sum(axis=1))[:, None])


def _is_usual(found: Noises, rows: Floats, flagged: Floats) -> npt.NDArray[np.bool_]:
    """Return which windows need no more than sums: their days have flagged rows, and are worth 1 at most."""
    rate = (flagged.sum(axis=1) / rows.sum(axis=1))[:, None]
    shares = flagged / (rate * np.tile(found.factors, rows.shape[1] // WEEK) * rows) * LIMIT
    return largest_worth(np.minimum(shares, HIGHEST_RATE) * rows, rows, _inflation(found, rows), LIMIT) <= 1


def _inflation(noises: Noises, rows: Floats) -> Floats:
    """Return the inflation of so many rows, shape ``(windows, days)``, as `Noise.inflation`."""
    within, variance, usual = (each[:, None] for each in (noises.within, noises.day_variance, noises.rows))
    return np.asarray(1 + (within - 1) * np.maximum(1.0, rows / usual) + rows * variance / (LIMIT * (1 - LIMIT)))


def live(life: Life, *, nightly: bool) -> Year:
    """Return what `Life.live` returns."""
    noises = Noises.of_windows(0, life.days[:-GAP])
    count = len(life.days) - START
    windows = np.arange(count) if nightly else np.zeros(count, int)
    counts = life.days[START:]
    rows, flagged = (np.array([getattr(day, name) for day in counts], float) for name in ("rows", "flagged"))
    weekday = np.arange(START, len(life.days)) % WEEK
    chosen = Noises(*(getattr(noises, name)[windows] for name in ("within", "day_variance", "factors", "rows")))
    limit = LIMIT * chosen.factors[np.arange(count), weekday]
    factors = _log_factors(rows, flagged, limit, _inflation(chosen, rows[:, None])[:, 0])
    service = _first(_log_wealth(factors), SERVICE_BUDGET)
    release = (
        _first(factors + np.log(OPENED), RELEASE_BUDGET) if nightly else _first(_log_wealth(factors), RELEASE_BUDGET)
    )
    loss = _first(_log_wealth(_loss_factors(life.missed[START:], life.allowed[START:])), LOSS_BUDGET)
    day, _, word = min((release, 0, RELEASE), (service, 1, SERVICE_WORD), (loss, 2, LOSS_WORD))
    return Year() if day == NEVER else Year(word, day)


def _log_factors(rows: Floats, flagged: Floats, limit: Floats, inflation: Floats) -> Floats:
    """Return the logarithms of the factors of each alternative, shape ``(alternatives, days)``."""
    rates = np.minimum(np.array(ALTERNATIVES)[:, None] * limit, HIGHEST_RATE)
    ratios = flagged * np.log(rates / limit) + (rows - flagged) * np.log((1 - rates) / (1 - limit))
    patiences, most = (np.array([each(times) for times in ALTERNATIVES])[:, None] for each in (patience, most_a_day))
    return np.asarray(np.minimum(ratios / (patiences * inflation), most))


def _loss_factors(missed: Floats, allowed: Floats) -> Floats:
    return np.log1p(np.array(missed_rate.FRACTIONS)[:, None] * (missed / allowed - 1))


def _log_wealth(factors: Floats) -> Floats:
    """Return the logarithms of the wealth after each day: a sum over onsets of the factors since then."""
    products = np.cumsum(factors, axis=1)
    before = products - factors
    return np.asarray(products + np.logaddexp.accumulate(np.log(OPENED) - before, axis=1))


def _first(log_wealth: Floats, budget: float) -> int:
    mean = np.logaddexp.reduce(log_wealth, axis=0) - np.log(len(log_wealth))
    found = np.flatnonzero(mean >= -np.log(budget))
    return int(found[0]) if found.size else NEVER


def live_years(stream: Stream, seeds: range) -> Iterator[tuple[Year, Year]]:
    """Yield years of a stream: the one of a single release, and the one with a new release every night."""
    for seed in seeds:
        life = Life.draw(stream, seed)
        yield live(life, nightly=False), live(life, nightly=True)
