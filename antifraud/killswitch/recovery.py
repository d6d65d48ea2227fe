"""The recovery from a trip: who may serve meanwhile, when a new release resumes by itself, and what is missing.

After a trip the service is rolled back, or suspended until a release is good on today's data. A candidate that passes
the gate ends it, as soon as its certify window has `CERTIFY_DAYS` days after the onset: fewer days would show a change
that may be over tomorrow.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, Final

from antifraud.clock import Span
from antifraud.killswitch.judgement import Choice, Judged, Judgement, Standing, choose
from antifraud.killswitch.ladder import RUNGS
from antifraud.killswitch.trips import Trip

CERTIFY_DAYS: Final = 14
"""Days of a certify window after the onset with which a PASS resumes by itself."""


def days_after(trip: Trip, certify: Span) -> int:
    """Return the number of days of a certify window after the day of the onset.

    >>> trip = Trip(epoch=2, at=0, onset="2026-04-01")
    >>> days_after(trip, Span(dt.date(2026, 3, 20), dt.date(2026, 4, 11)))
    10
    """
    after = max(certify.first - dt.timedelta(days=1), trip.onset_day)
    return max(0, (certify.last - after).days)


def may_resume(trip: Trip, certify: Span) -> bool:
    """Return whether a release that passes on this certify window resumes the service by itself."""
    return days_after(trip, certify) >= CERTIFY_DAYS


def find_resume_day(trip: Trip, label_delay_days: int) -> dt.date:
    """Return the first day as of which a candidate has enough certify days after the onset."""
    return trip.onset_day + dt.timedelta(days=CERTIFY_DAYS + label_delay_days)


def choose_for_recovery(
    trip: Trip, judgement: Judgement | None, trouble: str, now: int, tripped: Collection[str]
) -> Choice:
    """Return the release that a suspended service goes back to; none if no sound judgement has one.

    Args:
        trip: The trip that suspended the service.
        judgement: The standing judgement; None if there is none to use.
        trouble: Why there is none.
        now: Business time, UTC seconds.
        tripped: Releases that may not serve.
    """
    if judgement is None:
        return Choice(None, stays=False, reason=trouble)
    return choose(judgement, now, trip.onset_day, None, tripped)


def describe_recovery(trip: Trip, judgement: Judgement | None, trouble: str, label_delay_days: int) -> dict[str, Any]:
    """Return what the recovery waits for, and when that could be there, as ``GET /v1/status`` shows it."""
    releases = judgement.releases if judgement else ()
    missing = {each.release: each.reason for each in releases if not each.passes}
    days = [day for each in releases if (day := _find_judgeable_day(each, trip, label_delay_days))]
    return {
        "onset": trip.onset,
        "judgement": judgement.sha256 if judgement else None,
        "trouble": trouble,
        "passing": [each.release for each in releases if each.passes],
        "missing": missing,
        "next_release_on": str(min(days)) if days else None,
        "resumes_from": str(find_resume_day(trip, label_delay_days)),
    }


def _find_judgeable_day(judged: Judged, trip: Trip, label_delay_days: int) -> dt.date | None:
    """Return the first day as of which a release could pass; None if it fails, or passes already."""
    verdicts = {judged.long.verdict, judged.onset.verdict if judged.onset else Standing.NOT_JUDGEABLE}
    if judged.passes or judged.trained is None or Standing.FAIL in verdicts:
        return None
    grown = judged.trained + dt.timedelta(days=RUNGS[0])
    return max(grown, trip.onset_day + dt.timedelta(days=label_delay_days))


def span_of(windows: Mapping[str, Mapping[str, str]]) -> Span:
    """Return the certify window of a release's manifest.

    Raises:
        KeyError: The manifest has none.
        ValueError: It has no days.
    """
    ends = windows["certify"]
    return Span(dt.date.fromisoformat(ends["first"]), dt.date.fromisoformat(ends["last"]))
