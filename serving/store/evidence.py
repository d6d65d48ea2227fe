"""The guard's part of the decision store: its counts, the evidence, and the change that a closed day makes."""

import json
from collections.abc import Sequence
from typing import Any

from antifraud.killswitch.detectors.flagged_share import Minute
from antifraud.killswitch.eras import Eras
from antifraud.killswitch.machine import Switch
from serving.store import room
from serving.store.counting import add_arrivals, find_arrivals, take_in_labels
from serving.store.decisions import Contexts
from serving.store.environment import Environment
from serving.store.guard_port import StoredFraud, StoredTerminal
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.minutes import add_minute, find_minute, read_minutes
from serving.store.missed import read_missed
from serving.store.port import EvidenceKey, Inspection, StoredCohort
from serving.store.signals import ALARMS, commit_signals
from serving.store.switchboard import put_switch, read_switch
from serving.store.tallies import (
    CLOSED,
    put_eras,
    read_closed_day,
    read_cohorts,
    read_cohorts_of,
    read_eras,
)
from serving.store.terminal_days import read_terminals_of
from serving.store.view import View


class GuardStore:
    """The operations of the guard, each in a transaction of its own."""

    _environment: Environment
    _contexts: Contexts

    def count_arrivals(self, delay_days: int, limit: int) -> int:
        """Count up to `limit` decisions that the guard has not counted yet; return how many there were."""
        # They are read without the lock, which is only held while some counters change.
        with self._environment.read() as view:
            arrivals = find_arrivals(view, self._contexts, delay_days, limit)
        if arrivals.found:
            size = len(arrivals.added) + len(arrivals.terminals)
            self._environment.write(lambda view: add_arrivals(view, arrivals), spare=room.GUARD, size=size)
        return arrivals.found

    def count_minute(self, now: int) -> bool:
        """Count the oldest minute that is over and not counted; return whether there was one."""
        with self._environment.read() as view:
            found = find_minute(view, self._contexts, now)
        if found is not None:
            self._environment.write(lambda view: add_minute(view, found, now), spare=room.GUARD)
        return found is not None

    def minutes(self) -> dict[int, Minute]:
        """Return what was decided and flagged in each of the last minutes, by the number of the minute."""
        with self._environment.read() as view:
            return read_minutes(view)

    def missed_frauds(self, known_before: int) -> list[StoredFraud]:
        """Return the missed frauds of days of episodes that are open, as they were known at a time."""
        with self._environment.read() as view:
            return read_missed(view, known_before)

    def terminals_of(self, day: int) -> list[StoredTerminal]:
        """Return the counts of each terminal of a day that is closing."""
        with self._environment.read() as view:
            return read_terminals_of(view, day)

    def take_in_labels(self, delay_days: int, limit: int) -> int:
        """Count up to `limit` new labels; return how many there were."""
        return self._environment.write(
            lambda view: take_in_labels(view, self._contexts, delay_days, limit), spare=room.GUARD, size=limit
        )

    def cohorts(self) -> list[StoredCohort]:
        """Return the counts of every day, era and release, oldest day first."""
        with self._environment.read() as view:
            return read_cohorts(view)

    def closed_day(self) -> int:
        """Return the last closed day, -1 before the first."""
        with self._environment.read() as view:
            return read_closed_day(view)

    def eras(self) -> Eras:
        """Return the eras of evidence."""
        with self._environment.read() as view:
            return read_eras(view)

    def evidence(self) -> dict[EvidenceKey, dict[str, Any]]:
        """Return the evidence about every subject of every era."""
        with self._environment.read() as view:
            return read_evidence(view)

    def commit_inspection(self, inspection: Inspection) -> bool:
        """Make the guard's change; return False, and change nothing, if something has changed since it was read."""
        # A suspension must succeed however full the store is.
        return self._environment.write(
            lambda view: commit_inspection(view, inspection),
            size=1 + len(inspection.evidence),
            urgent=inspection.suspend is not None or inspection.warn is not None,
        )

    def commit_signals(self, measured: bytes, changes: Sequence[Switch]) -> bool:
        """Keep what the guard has measured, and make the changes of the switch that follow from it."""
        return self._environment.write(lambda view: commit_signals(view, measured, changes), urgent=bool(changes))


def read_evidence(view: View) -> dict[EvidenceKey, dict[str, Any]]:
    """Return the evidence about every subject of every era."""
    return {
        (integer_of(key[:NUMBER_BYTES]), key[NUMBER_BYTES:].decode()): json.loads(text)
        for key, text in view.items("evidence")
    }


def commit_inspection(view: View, inspection: Inspection) -> bool:
    """Make the guard's change; return False, and change nothing, if something has changed since it was read."""
    if _has_changed(view, inspection):
        return False
    if inspection.closes is not None:
        view.set_number(CLOSED, inspection.closes + 1)
    for subject, (_, evidence) in inspection.evidence.items():
        view.put("evidence", _key_of(subject), json.dumps(evidence).encode())
    if inspection.suspend is not None:
        put_switch(view, inspection.suspend)
        # In the transaction of the trip, so that no decision after it can count for the era before it.
        put_eras(view, read_eras(view).begin(inspection.suspend.epoch))
    if inspection.warn is not None:
        put_switch(view, inspection.warn)
    if inspection.alarms is not None:
        view.put("workers", ALARMS.encode(), inspection.alarms)
    return True


def _has_changed(view: View, inspection: Inspection) -> bool:
    change, day = inspection.suspend or inspection.warn, inspection.closes
    return (
        (change is not None and read_switch(view).epoch + 1 != change.epoch)
        or read_closed_day(view) != inspection.closed_before
        or (day is not None and read_cohorts_of(view, day) != list(inspection.cohorts))
        or any(_evidence(view, subject) != before for subject, (before, _) in inspection.evidence.items())
    )


def _key_of(subject: EvidenceKey) -> bytes:
    era, release = subject
    return key_of(era) + release.encode()


def _evidence(view: View, subject: EvidenceKey) -> Any:
    stored = view.get("evidence", _key_of(subject))
    return json.loads(stored) if stored else None
