"""Plan one run: the days of history, the live days, and the model's windows between them."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antifraud.clock import DAY_SECONDS, ONE_DAY, day_number
from antifraud.errors import MissingDay

WORLD_START: Final = dt.date(2026, 1, 1)
WORLD_SEED: Final = 7
HISTORY_DAYS: Final = 100
"""Length of a simulated history: warm-up, the model's windows and the label delay."""
LIVE_DAYS: Final = 4
"""Days after the history that are sent to the scorer. The first is unchanged, the others have changed amounts."""
LABEL_DELAY_DAYS: Final = 7
WARM_UP_DAYS: Final = 30
"""Days that only fill the windows of the features."""
SHORTEST_WARM_UP_DAYS: Final = 8
LONGEST: Final = (28, 7, 28)
"""Days of the windows train, select and certify, if the history is long enough."""
SHORTEST: Final = (14, 7, 14)


@dataclass(frozen=True, slots=True)
class Options:
    """Values of the command line."""

    home: Path
    once: bool
    preset: str
    data: Path | None
    days: int | None
    backfill_days: int
    sparse_ids: bool
    way_back: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The calendar of a run."""

    first: dt.date
    last: dt.date
    """Last day of history: the cut-off of the state, and the last day that the model knows."""
    live: tuple[dt.date, ...]
    windows: tuple[int, int, int]
    """Days of train, select and certify."""
    is_simulated: bool = False
    comes_back: bool = False
    """Whether raw files of the days after the change exist, so that the service can come back without a person."""

    @property
    def onset(self) -> dt.date:
        """Day from which on customers spend more."""
        return self.live[1]

    @property
    def judged(self) -> dt.date:
        """Day at whose end the labels of the first changed day are known: the night after it judges the releases."""
        return self.onset + dt.timedelta(days=LABEL_DELAY_DAYS)

    @property
    def retrained(self) -> dt.date:
        """First day as of which select, certify and half of train lie after the onset: a candidate has learnt it."""
        train, select, certify = self.windows
        return self.onset + dt.timedelta(days=train // 2 + select + certify + LABEL_DELAY_DAYS)

    @property
    def after(self) -> dt.date:
        """Last simulated day: the new release decides its payments."""
        return self.retrained + ONE_DAY

    @property
    def until(self) -> dt.date:
        """Last day that has raw files."""
        return self.after if self.comes_back else self.live[-1]

    @property
    def history_days(self) -> int:
        """Number of days of history."""
        return (self.last - self.first).days + 1

    @property
    def business_start(self) -> int:
        """Business time at the start of the run, UTC seconds: the first live day is just over."""
        return day_number(self.live[0] + ONE_DAY) * DAY_SECONDS


def make_plan(first: dt.date, history_days: int, *, is_simulated: bool = False, way_back: bool = False) -> Plan:
    """Return the plan for a history of `history_days` days from `first` on."""
    last = first + dt.timedelta(days=history_days - 1)
    live = tuple(last + dt.timedelta(days=offset + 1) for offset in range(LIVE_DAYS))
    return Plan(first, last, live, fit_windows(history_days), is_simulated, comes_back=is_simulated and way_back)


def fit_windows(history_days: int) -> tuple[int, int, int]:
    """Return the days of train, select and certify that fit between warm-up and label delay.

    >>> fit_windows(100), fit_windows(87), fit_windows(58)
    ((28, 7, 28), (22, 7, 21), (14, 7, 14))

    Raises:
        MissingDay: The history is too short for any model.
    """
    needed = sum(SHORTEST) + LABEL_DELAY_DAYS + SHORTEST_WARM_UP_DAYS
    if history_days < needed:
        raise MissingDay(f"{max(history_days, 0)} days of history were found, {needed} are needed: add raw files")
    room = max(history_days - LABEL_DELAY_DAYS - WARM_UP_DAYS, sum(SHORTEST))
    spare = min(room, sum(LONGEST)) - sum(SHORTEST)
    return SHORTEST[0] + (spare + 1) // 2, SHORTEST[1], SHORTEST[2] + spare // 2
