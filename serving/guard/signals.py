"""The technical signals as the guard measures them, and what becomes of values that are too bad.

Warnings are part of the switch, so whoever reads it knows them. A crash leaves either the measurement and the warning,
or neither.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from antifraud.artifacts.pointer import read_champion
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.killswitch.alarms import replace_warnings
from antifraud.killswitch.hysteresis import Band, Latch
from antifraud.killswitch.machine import GUARD, Cause, Note, Switch, trip
from antifraud.killswitch.signals import Policy, Reading, Signal, SignalName, quantile, read_signals
from antifraud.settings.serving import GuardSettings
from serving.guard.parity import ParityReports
from serving.store.port import DecisionStore
from serving.store.signals import SIGNALS
from serving.worker.recent import SECONDS
from serving.worker.reports import WALL_CLOCK, read_measurements, read_workers

LEAST_REQUESTS: Final = 20
"""Requests of a minute below which their share of failures says nothing."""
LEAST_DECISIONS: Final = 200
"""Decisions of a minute below which one in a hundred of them is none or two."""
MINUTE: Final = 60.0
P99: Final = 0.99


WORDS: Final[Mapping[SignalName, str]] = {
    SignalName.ERROR_SHARE: "{value:.1%} of the requests for decisions failed in the last minute, above {limit:.1%}",
    SignalName.P99: "one decision in a hundred took longer than {value:.3g} s in the last minute, above {limit:g} s",
    SignalName.STALE_STATE: "the state in use ended {value:.0f} h ago, above {limit:g} h",
    SignalName.PARITY_SHARE: "a replay reproduces {value:.2%} of the logged vectors, below {limit:.2%}",
    SignalName.STORE_FILL: "{value:.0%} of the decision store is used, above {limit:.0%}",
    SignalName.SHIPPER_BEHIND: "the oldest decision that is not shipped is {value:.0f} s old, above {limit:.0f} s",
    SignalName.RELEASE_UNREADABLE: "no worker can read a release: `troubles` in GET /v1/status says why",
}
"""Sentences about values that are too bad."""


def signals_of(settings: GuardSettings) -> list[Signal]:
    """Return the signals that the guard measures, except for all that are off."""
    bands = _bands_of(settings)
    return [
        Signal(name, bands[name], policy, words)
        for name, words in WORDS.items()
        if (policy := settings.policies[name]) is not Policy.OFF
    ]


def _bands_of(settings: GuardSettings) -> dict[SignalName, Band]:
    """Return the band of each signal; a warning ends at a better value than it begins with."""
    errors, slow, fill = settings.warn_error_share, settings.warn_p99_seconds, settings.warn_store_fill
    old, reproduced, behind = settings.warn_state_hours, settings.warn_parity_share, settings.warn_shipper_seconds
    return {
        SignalName.ERROR_SHARE: Band(errors, errors / 2, MINUTE, 5 * MINUTE),
        SignalName.P99: Band(slow, slow * 0.8, 2 * MINUTE, 5 * MINUTE),
        SignalName.STALE_STATE: Band(old, old * 0.8, MINUTE, MINUTE),
        SignalName.PARITY_SHARE: Band(reproduced, (1 + reproduced) / 2, 0, 0),
        SignalName.STORE_FILL: Band(fill, fill * 0.9, MINUTE, 5 * MINUTE),
        SignalName.SHIPPER_BEHIND: Band(behind, behind / 2, MINUTE, MINUTE),
        SignalName.RELEASE_UNREADABLE: Band(0.99, 0.5, MINUTE / 2, MINUTE / 2),
    }


class Signals:
    """The technical signals of one guard process; `wall` returns wall time."""

    def __init__(self, settings: GuardSettings, log: Any, wall: Callable[[], int] = WALL_CLOCK.now) -> None:
        self._signals, self._parity, self._wall = signals_of(settings), ParityReports(settings, log), wall
        self._releases = settings.releases_dir

    def inspect(self, store: DecisionStore, now: int) -> str | None:
        """Measure all signals, and warn or suspend as their policies say; `now` is business time.

        Return why the service was suspended, or what the guard warns of now; None if nothing has changed.

        Raises:
            StoreError: The store cannot be used.
        """
        switch, reports = store.switch(), store.reports()
        workers = read_workers(reports.items(), self._wall()).alive
        values = {**measure(store, workers, now), SignalName.PARITY_SHARE: self._parity.share()}
        latches = _latches(switch, read_measurements(reports.get(SIGNALS)))
        readings = read_signals(self._signals, values, latches, self._wall())
        changes = react(switch, readings, now, read_champion(self._releases, switch))
        # If somebody else has changed the switch, the next inspection reads it again.
        done = store.commit_signals(_describe(readings), changes)
        return explain(changes[-1]) if done and changes else None


def measure(store: DecisionStore, workers: Sequence[Mapping[str, Any]], now: int) -> dict[SignalName, float | None]:
    """Return what store and reports of workers tell; None if nobody knows a value."""
    return {
        **_measure_requests([worker["recent"] for worker in workers if worker.get("recent")]),
        SignalName.STALE_STATE: _state_hours(workers, now),
        SignalName.STORE_FILL: store.fill().share,
        SignalName.SHIPPER_BEHIND: _seconds_unshipped(store, now),
        SignalName.RELEASE_UNREADABLE: _share_without_release(workers),
    }


def _measure_requests(recent: Sequence[Mapping[str, Any]]) -> dict[SignalName, float | None]:
    requests, failed = (sum(each[name] for each in recent) for name in ("requests", "failed"))
    counts = [sum(each) for each in zip(*(each["seconds"] for each in recent if each["seconds"]), strict=True)]
    return {
        SignalName.ERROR_SHARE: failed / requests if requests >= LEAST_REQUESTS else None,
        SignalName.P99: quantile(counts, SECONDS, P99) if sum(counts) >= LEAST_DECISIONS else None,
    }


def _state_hours(workers: Sequence[Mapping[str, Any]], now: int) -> float | None:
    cutoffs = [worker["cutoff"] for worker in workers if worker.get("cutoff") is not None]
    return (now - (min(cutoffs) + 1) * DAY_SECONDS) / HOUR_SECONDS if cutoffs else None


def _share_without_release(workers: Sequence[Mapping[str, Any]]) -> float | None:
    without = [worker for worker in workers if not worker["release"] and "release" in worker["troubles"]]
    return len(without) / len(workers) if workers else None


def _seconds_unshipped(store: DecisionStore, now: int) -> float | None:
    shipped, newest = store.shipped().arrival, store.newest_arrival()
    if not shipped:
        return None
    oldest = store.entries(shipped + 1, newest, 1)
    return float(max(0, now - oldest[0][1].decided_at)) if oldest else 0.0


def _latches(switch: Switch, memory: Mapping[str, Any]) -> dict[SignalName, Latch]:
    """Return the latches from before: the switch says what is raised, the memory since when the opposite is asked."""
    return {name: Latch(name in switch.warnings, memory.get(name, {}).get("asking_since")) for name in SignalName}


def react(switch: Switch, readings: Sequence[Reading], now: int, champion: str | None = None) -> list[Switch]:
    """Return the changes of the switch that these readings ask for: a suspension, other warnings, both or none.

    The pointer names `champion`.
    """
    raised = {each.signal.name: each for each in readings if each.latch.raised}
    begun = [each for name, each in raised.items() if name not in switch.warnings]
    reason = "; ".join(each.describe() for each in begun) or "a technical signal is good again"
    evidence = {name.value: each.value for name, each in raised.items()}
    changes = []
    # Only a signal that begins suspends: a person who resumes while it lasts knows what it says.
    if any(each.trips for each in begun):
        tripped = trip(
            switch, release=None, champion=champion, reason=reason, at=now, evidence=evidence, cause=Cause.SIGNAL
        )
        changes += [tripped] if tripped else []
    warnings = {name.value: each.signal.alarm for name, each in raised.items()}
    note = Note(reason, GUARD, now, evidence)
    warned = replace_warnings(changes[-1] if changes else switch, set(SignalName), warnings, note)
    return [*changes, warned] if warned else changes


def explain(switch: Switch) -> str:
    """Return why the switch was last changed by signals."""
    return switch.warned.reason if switch.warned else switch.reason


def _describe(readings: Sequence[Reading]) -> bytes:
    """Return the measurements as the store keeps them, and as ``GET /v1/status`` shows them."""
    described = {
        each.signal.name: {
            "value": each.value,
            "limit": each.signal.band.begin,
            "policy": each.signal.policy,
            "raised": each.latch.raised,
            "asking_since": each.latch.asking_since,
        }
        for each in readings
    }
    return json.dumps(described).encode()
