"""Measure how often next month's loss stays within its bound where earlier months tell how much months differ.

The worlds are those of `bench.gate.waves`. A month is bounded from its window alone, and with the days before the
training window, as in production. The steady world shows the price: the bound over the mean loss.

    python -m bench.gate.months
"""

from typing import Final, NamedTuple

import numpy as np

from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.loss import loss_bound
from antifraud.stats.months import MissedDays, find_months
from bench.gate.shapes import SEED, named, span
from bench.gate.waves import WAVES, Draw, steady
from bench.record import record

COMMAND: Final = "python -m bench.gate.months"
BETWEEN: Final = JobSettings().train_days + JobSettings().select_days
DAYS: Final = JobSettings().certify_days
HISTORIES: Final = (0, 90, 180, 360)
"""Days before training that are tried; 0: none."""


class Month(NamedTuple):
    """One month: its loss, and its bound with each of `HISTORIES`."""

    loss: float
    bounds: tuple[float, ...]


def month(draw: Draw, number: int) -> Month:
    """Draw history, window and month, and bound the month."""
    before = max(HISTORIES) + BETWEEN
    day, total = draw(np.random.default_rng([SEED, number]), before + DAYS)
    now = _days(day, total, before, DAYS)
    bounds = []
    for history in HISTORIES:
        earlier = find_months(_days(day, total, before - BETWEEN - history, history), now).month_sd if history else 0.0
        bounds.append(loss_bound(now.frauds, seed=number, earlier_sd=earlier).bound)
    return Month(float(total[day >= before + DAYS].sum()), tuple(bounds))


def _days(day: np.ndarray, total: np.ndarray, first: int, days: int) -> MissedDays:
    """Return the episodes of so many days from the `first`; each has one fraud."""
    inside = np.flatnonzero((day >= first) & (day < first + days))
    frauds = Frauds(inside * 0, total[inside], inside, inside, days, day[inside], first_day=first)
    return MissedDays(frauds, np.ones(days))


def month_figures(repetitions: int) -> None:
    """Record the worst coverage of the worlds whose months differ, and what history costs where they do not."""
    found = {name: [month(draw, n) for n in range(repetitions)] for name, draw in ({"steady": steady} | WAVES).items()}
    for place, history in enumerate(HISTORIES):
        covered = {name: float(np.mean([m.loss <= m.bounds[place] for m in each])) for name, each in found.items()}
        price = float(
            np.median([m.bounds[place] for m in found["steady"]]) / np.mean([m.loss for m in found["steady"]])
        )
        said = (
            f"{DAYS} days and {history} before training, {repetitions} repetitions. Steady: bound over mean {price:.3f}"
        )
        name = f"gate.loss_coverage_history_{history}"
        record(
            name,
            min(covered.values()),
            "1",
            COMMAND,
            f"{said}. Covered: {named(covered, '.3f')}",
            span(covered.values()),
        )


if __name__ == "__main__":
    month_figures(repetitions=400)
