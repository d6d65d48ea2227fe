"""The ladder: the few kept releases that the service can go back to, judged every night.

A release trained yesterday has no days yet on which it could be judged, so the previous release is seldom a way back.
The ladder has the newest kept release of each age in `RUNGS`, and the anchor. Two releases of a ladder may be the same.

Age is counted from `as_of`, the last day that a release has learnt from. Its certify window ended one label delay
before. Labels are known up to one label delay before `today`, too. So the age is the number of days with
matured labels after the certify window.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

RUNGS: Final = (14, 28, 56)
"""Ages of the releases on the ladder, in days: the shortest is the least that a judgement needs."""
LAG_DAYS: Final = 7
"""Days that a judge may lie behind the clean-up of releases, such as when the lake waits for its feed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A release that can be loaded, and the last day that it has learnt from."""

    release: str
    as_of: dt.date


def choose_ladder(releases: Iterable[Kept], today: dt.date, anchor: str | None) -> list[str]:
    """Return the releases of the ladder, newest first and the anchor last; `today` is the newest day that is over.

    >>> nightly = [Kept(f"r{day}", dt.date(2026, 1, day)) for day in (1, 10, 16, 17)]
    >>> choose_ladder(nightly, dt.date(2026, 1, 30), anchor="r1")
    ['r16', 'r1']
    """
    # The greater id of one day is the newer one, as for the clean-up and the list of releases.
    newest_first = sorted(releases, key=lambda kept: (kept.as_of, kept.release), reverse=True)
    aged = [_find_aged(newest_first, today - dt.timedelta(days=rung)) for rung in RUNGS]
    # A dictionary keeps the order and each release once.
    return list(dict.fromkeys(release for release in (*aged, anchor) if release is not None))


def _find_aged(newest_first: Sequence[Kept], latest: dt.date) -> str | None:
    return next((kept.release for kept in newest_first if kept.as_of <= latest), None)


def find_needed(releases: Sequence[Kept], today: dt.date, anchor: str | None) -> set[str]:
    """Return the releases that ladders need: those of today, of the last days, and of days to come.

    Each release that is too young now may be on the ladder later. If all of them went, the ladder would only grow
    older. Beyond the shortest age, the newest release of each week is enough.
    """
    days = [today - dt.timedelta(days=lag) for lag in range(LAG_DAYS + 1)]
    ladders = {release for day in days for release in choose_ladder(releases, day, anchor)}
    young = {kept.release for kept in releases if kept.as_of > days[-1] - dt.timedelta(days=RUNGS[0])}
    grown = [kept for kept in releases if kept.as_of > days[-1] - dt.timedelta(days=RUNGS[-1])]
    return ladders | young | _find_newest_of_weeks(grown)


def _find_newest_of_weeks(releases: Sequence[Kept]) -> set[str]:
    oldest_first = sorted(releases, key=lambda kept: (kept.as_of, kept.release))
    # A later release replaces an earlier one of its week.
    return set({kept.as_of.isocalendar()[:2]: kept.release for kept in oldest_first}.values())
