"""One inspection by the guard: count what is new, close a day that is over, suspend on a trip, and warn.

Each step is a small atomic change: a guard that is killed counts nothing twice, and its successor goes on.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from antifraud.clock import BusinessClock
from antifraud.errors import NotLeading, StoreFull
from antifraud.settings.serving import GuardSettings
from serving.guard.closing import make_inspection
from serving.guard.known import Known
from serving.guard.warning import make_warning
from serving.store.port import DecisionStore

ARRIVALS: Final = 100
"""Most decisions of one change, each at a terminal of its own: while it is made, decisions wait for the lock."""
BATCH: Final = 100
"""Most labels of one change: while it is made, decisions wait for the lock."""
WALL_CLOCK: Final = BusinessClock()


@dataclass(frozen=True, slots=True)
class Inspected:
    """The outcome of an inspection: whether more waits, and why it has suspended the service, if it has."""

    more: bool
    suspended_because: str | None


def inspect_evidence(
    store: DecisionStore, settings: GuardSettings, now: int, wall: Callable[[], int] = WALL_CLOCK.now
) -> Inspected:
    """Count decisions and labels, close the oldest day that is over, and suspend if the evidence says so.

    `now` is business time, and `wall` tells wall time.

    Raises:
        StoreError: The store cannot be used.
    """
    try:
        inspected = _inspect(store, settings, now, wall())
    except StoreFull:
        # A guard that waits for room is alive.
        _write_heartbeat(store, now, wall())
        raise
    try:
        _write_heartbeat(store, now, wall())
    except NotLeading:
        # A guard that was stopped right after it had suspended the service must still say so in its log.
        if inspected.suspended_because is None:
            raise
    return inspected


def _inspect(store: DecisionStore, settings: GuardSettings, now: int, wall: int) -> Inspected:
    # A day closes only after all that is known of it was counted, so that no verdict depends on the guard's pace.
    if _count_news(store, settings.label_delay_days, now):
        return Inspected(more=True, suspended_because=None)
    known = Known.read(store, settings.label_delay_days, wall)
    days = known.days_to_close(now, settings.label_delay_days)
    inspection = make_inspection(known, days[0] if days else None, settings, now)
    if inspection.closes is None and inspection.suspend is None and not inspection.evidence:
        return Inspected(more=_warn(store, known, settings, now), suspended_because=None)
    # The next inspection goes on, or reads again what somebody else has changed, and warns of what has come out.
    done = store.commit_inspection(inspection)
    suspended = inspection.suspend.reason if done and inspection.suspend else None
    return Inspected(more=True, suspended_because=suspended)


def _count_news(store: DecisionStore, delay_days: int, now: int) -> bool:
    """Count decisions, minutes and labels; return whether more may wait."""
    decisions = store.count_arrivals(delay_days, ARRIVALS)
    minutes = store.count_minute(now)
    labels = store.take_in_labels(delay_days, BATCH)
    return decisions == ARRIVALS or minutes or labels == BATCH


def _warn(store: DecisionStore, known: Known, settings: GuardSettings, now: int) -> bool:
    """Bring the warnings of the evidence up to date; return whether they have to be looked at again."""
    warning = make_warning(known, settings, now)
    return warning is not None and not store.commit_inspection(warning)


def _write_heartbeat(store: DecisionStore, now: int, wall: int) -> None:
    beat: dict[str, Any] = {
        "role": "guard",
        "pid": os.getpid(),
        # Wall time tells whether the guard lives; business time may stand in the past.
        "at": wall,
        "business_time": now,
    }
    store.report("guard", json.dumps(beat).encode())
