"""Removal in small steps: of shipped decisions that are too old to be repeated, and of silent entities.

A step finds records without the lock, and removes them unless they have changed since.
"""

import json
from collections.abc import Callable, Container, Iterator
from itertools import islice
from typing import Final

from antifraud.artifacts.state_export import newest_hour_of
from antifraud.clock import DAY_HOURS, day_of
from antifraud.killswitch.detectors.missed_rate import TERMINAL_DAYS as EPISODE_DAYS
from antifraud.killswitch.losses import LOSS
from serving.store.counting import COUNTED, CURSOR, PENDING
from serving.store.customers import CUSTOMERS
from serving.store.decisions import SHIPPED
from serving.store.events import EVENTS, hour_of
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.labels import SHIPPED as LABELS_SHIPPED
from serving.store.labels import read_labels
from serving.store.live_labels import CHANGES, LABELS
from serving.store.missed import MISSED, day_of_missed
from serving.store.outcomes import OUTCOMES, TIMES
from serving.store.outcomes import SHIPPED as OUTCOMES_SHIPPED
from serving.store.port import Horizon
from serving.store.records import unpack_label, unpack_outcome
from serving.store.stubs import decided_at_of, event_time_of, place_key_of
from serving.store.tallies import COHORTS, CohortKey, is_closed, read_eras
from serving.store.terminal_days import TERMINAL_DAYS, day_of_terminal
from serving.store.view import View

Record = tuple[str, bytes, bytes]
"""Database, key and value."""


class Every:
    """Contains every arrival."""

    def __contains__(self, _: object) -> bool:
        """Return True."""
        return True


EVERY: Final = Every()
MOST_WAITING: Final = 1_000
"""Labels that the guard has not counted, from which on no decision is removed: it is away, or far behind."""


class Sweep:
    """Goes round a database that has no order of age, some records at a time."""

    def __init__(self, database: str, is_silent: Callable[[bytes, bytes, Horizon], bool]) -> None:
        self._database, self._is_silent = database, is_silent
        self._place = b""

    def find(self, view: View, horizon: Horizon, limit: int) -> list[Record]:
        """Return the records among the next `limit` that nobody needs."""
        records = list(islice(view.items(self._database, self._place), limit))
        # A last, short piece ends at the end of the database: the next one begins at its beginning.
        self._place = records[-1][0] + b"\0" if len(records) == limit else b""
        return [(self._database, key, value) for key, value in records if self._is_silent(key, value, horizon)]


def _is_silent_entity(_: bytes, value: bytes, horizon: Horizon) -> bool:
    return newest_hour_of(value) < horizon.live_day * DAY_HOURS


def _is_old_change(key: bytes, _: bytes, horizon: Horizon) -> bool:
    return integer_of(key[-NUMBER_BYTES:]) < horizon.label_hour


def _is_old_label(key: bytes, _: bytes, horizon: Horizon) -> bool:
    return integer_of(key[-2 * NUMBER_BYTES : -NUMBER_BYTES]) < horizon.label_hour


def make_sweeps() -> list[Sweep]:
    """Return new sweeps over everything that silent entities leave behind."""
    return [Sweep("live", _is_silent_entity), Sweep(CHANGES, _is_old_change), Sweep(LABELS, _is_old_label)]


def find_expired(view: View, sweeps: list[Sweep], horizon: Horizon, limit: int) -> list[Record]:
    """Return records that nobody needs any more, some `limit` of each kind."""
    found = list(islice(_expired_decisions(view, horizon), limit))
    going = {key for _, key, _ in found}
    for expired in (
        _expired_labels(view, going),
        _expired_outcomes(view, going),
        _expired_times(view, going),
        _expired_events(view, horizon),
        _expired_cohorts(view, horizon),
        _closed_terminals(view),
        _closed_frauds(view),
        _expired_evidence(view, horizon),
    ):
        found += islice(expired, limit)
    for sweep in sweeps:
        found += sweep.find(view, horizon, limit)
    return found


def _expired_decisions(view: View, horizon: Horizon) -> Iterator[Record]:
    # A guard that was away for long must find the decisions that it has not counted, and those of days still open.
    known, waiting = min(view.number(SHIPPED), view.number(COUNTED)), _read_waiting(view)
    for key, stub in view.items("stubs"):
        if integer_of(key) > known or decided_at_of(stub) >= horizon.decided_before:
            return
        if not is_closed(view, day_of(event_time_of(stub))) or key in waiting:
            return
        yield "stubs", key, stub


def _read_waiting(view: View) -> Container[bytes]:
    """Return the arrivals with a label that waits for the guard, which counts it with its decision."""
    waiting = read_labels(view, view.number(CURSOR) + 1, MOST_WAITING)
    return EVERY if len(waiting) == MOST_WAITING else {key_of(label.arrival) for _, label in waiting}


def _expired_labels(view: View, going: set[bytes]) -> Iterator[Record]:
    """Yield the oldest labels that are shipped, known to the guard, and about decisions that are gone or going."""
    done = min(view.number(CURSOR), view.number(LABELS_SHIPPED))
    for key, text in view.items("labels"):
        arrival = key_of(unpack_label(text).arrival)
        if integer_of(key) > done or _has_stub(view, arrival, going):
            return
        yield "labels", key, text


def _expired_outcomes(view: View, going: set[bytes]) -> Iterator[Record]:
    """Yield the oldest outcomes that are shipped, as long as their decision is gone or going."""
    shipped = view.number(OUTCOMES_SHIPPED)
    for key, text in view.items(OUTCOMES):
        if integer_of(key) > shipped or _has_stub(view, key_of(unpack_outcome(text).arrival), going):
            return
        yield OUTCOMES, key, text


def _expired_times(view: View, going: set[bytes]) -> Iterator[Record]:
    for key, outcome in view.items(TIMES):
        if _has_stub(view, key[:NUMBER_BYTES], going):
            return
        yield TIMES, key, outcome


def _has_stub(view: View, arrival: bytes, going: set[bytes]) -> bool:
    return arrival not in going and view.get("stubs", arrival) is not None


def _expired_events(view: View, horizon: Horizon) -> Iterator[Record]:
    for key, value in view.items(EVENTS):
        if hour_of(key) >= horizon.live_day * DAY_HOURS:
            return
        yield EVENTS, key, value


def _expired_cohorts(view: View, horizon: Horizon) -> Iterator[Record]:
    for key, text in view.items(COHORTS):
        day = CohortKey.from_bytes(key).day
        # The day's episodes close later than the day, and need to know how much was decided.
        if day >= horizon.cohort_day or not is_closed(view, day + EPISODE_DAYS):
            return
        yield COHORTS, key, text


def _closed_terminals(view: View) -> Iterator[Record]:
    for key, text in view.items(TERMINAL_DAYS):
        if not is_closed(view, day_of_terminal(key)):
            return
        yield TERMINAL_DAYS, key, text


def _closed_frauds(view: View) -> Iterator[Record]:
    for key, text in view.items(MISSED):
        if not is_closed(view, day_of_missed(key) + EPISODE_DAYS):
            return
        yield MISSED, key, text


def _expired_evidence(view: View, horizon: Horizon) -> Iterator[Record]:
    """Yield the evidence about releases that have not decided for long, and of earlier eras."""
    era = key_of(read_eras(view).present)
    for key, text in view.items("evidence"):
        if key not in {era, era + LOSS.encode()} and json.loads(text)["recent"][-1][0] < horizon.cohort_day:
            yield "evidence", key, text


def remove(view: View, records: list[Record]) -> None:
    """Remove `records`, except where something has changed since they were found."""
    view.prefetch([(database, key) for database, key, _ in records])
    waiting = _read_waiting(view)
    for database, key, value in records:
        if view.get(database, key) != value or (database == "stubs" and key in waiting):
            continue
        view.delete(database, key)
        if database == "stubs":
            view.delete("ids", place_key_of(value))
            view.delete(PENDING, key)
            view.delete(CUSTOMERS, key)
