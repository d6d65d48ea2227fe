"""Gauges of the whole service: what a worker has last read from the decision store, and what it has reported.

Requests for ``/metrics`` never touch the store, so every worker sets these gauges after each poll. Ages are told as the
time when something happened: if nobody sets a gauge any more, the age goes on to grow.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge

from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.machine import Level, Mode, Switch
from antifraud.killswitch.signals import SignalName
from serving.store.port import Fill

OF_THE_LAST: Final = "livemostrecent"
"""Every worker knows the same store, so the value of the last one counts."""
OF_THE_OLDEST: Final = "livemin"
"""A worker that stays behind shows."""
SEVERITY: Final = {Level.NONE: 0, Level.WARN: 1, Level.PAGE: 2}


class Gauges:
    """The gauges of one worker; docs/monitoring.md says what each means."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str, *labels: str, mode: str = OF_THE_LAST) -> Gauge:
            return Gauge(f"antifraud_{name}", meaning, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        self._mode = gauge("switch_mode", "1 for the mode of the switch, 0 for the others", "mode")
        self._epoch = gauge("switch_epoch", "Changes of the switch so far")
        self._used = gauge("store_used_bytes", "Bytes that the records of the decision store use")
        self._limit = gauge("store_limit_bytes", "Largest size of the records")
        self._fill = gauge("store_fill_ratio", "Used share of the largest size")
        self._accepts = gauge("store_accepts_decisions", "1 if a decision would be stored now, else 0")
        self._records = gauge("store_records", "Records of the decision store", "kind")
        self._deliveries = gauge("outbox_deliveries", "Deliveries that wait", "subscriber")
        self._oldest = gauge(
            "outbox_oldest_timestamp_seconds", "When the oldest waiting delivery was queued; 0: none", "subscriber"
        )
        self._unqueued = gauge("outbox_unqueued_notifications", "Notifications that no guard has queued yet")
        self._dead = gauge("dead_letters", "Deliveries that were given up", "subscriber")
        self._since = gauge("switch_changed_timestamp_seconds", "Business time of the last change of the switch")
        self._drill = gauge("switch_drill", "1 while a drill is under way, else 0")
        self._guard = gauge("guard_heartbeat_timestamp_seconds", "Last sign of life of the guard")
        self._silent = gauge(
            "guard_silent", "1 if the guard is silent for more than two minutes, else 0", mode="livemax"
        )
        self._lease = gauge("guard_lease_epoch", "Guards that have led so far")
        self._signal = gauge("signal_value", "Last measurement of a signal, or number behind a warning", "signal")
        self._warning = gauge("warning", "1 for what the guard warns of, 2 for what it pages about, else 0", "warning")
        self._workers = gauge("workers", "Workers that use a release", "release")
        self._converged = gauge("workers_converged", "1 if all workers use what the pointers name, else 0")
        self.cutoff = gauge("state_cutoff_day", "Day number of the oldest cut-off in use", mode=OF_THE_OLDEST)
        self.cutoff_end = gauge(
            "state_cutoff_timestamp_seconds", "End of the day of the oldest cut-off in use", mode=OF_THE_OLDEST
        )
        self.reported = gauge(
            "worker_report_timestamp_seconds", "Last report of the worker that is furthest behind", mode=OF_THE_OLDEST
        )
        # Known from the beginning, so that a rule finds their series before the first warning.
        self._seen: dict[Gauge, set[str]] = {self._warning: {*SignalName, *AlarmName}}

    def show_switch(self, switch: Switch) -> None:
        """Show mode and epoch."""
        self.show_mode(switch.mode)
        self._epoch.set(switch.epoch)
        self._since.set(switch.at)
        self._drill.set(switch.drill)
        self._set_all(self._warning, {name: SEVERITY[level] for name, level in switch.warnings.items()})

    def show_mode(self, present: Mode) -> None:
        """Show the mode alone; without a store, the service is suspended and the epoch is not known."""
        for mode in Mode:
            self._mode.labels(mode.value).set(mode is present)

    def show_store(self, fill: Fill, sizes: Mapping[str, int]) -> None:
        """Show how full the store is, and with what."""
        self._used.set(fill.used)
        self._limit.set(fill.limit)
        self._fill.set(fill.share)
        self._accepts.set(not fill.refusal)
        for kind, count in sizes.items():
            self._records.labels(kind).set(count)

    def show_outbox(self, unqueued: int, waiting: Iterable[tuple[str, int, float]], dead: Mapping[str, int]) -> None:
        """Show notifications, waiting deliveries as (subscriber, number, when the oldest was queued), dead letters."""
        queues = list(waiting)
        self._unqueued.set(unqueued)
        self._set_all(self._deliveries, {subscriber: count for subscriber, count, _ in queues})
        self._set_all(self._oldest, {subscriber: oldest for subscriber, _, oldest in queues})
        self._set_all(self._dead, dead)

    def show_workers(self, releases: Mapping[str, int], *, converged: bool) -> None:
        """Show how many workers use each release."""
        self._set_all(self._workers, releases)
        self._converged.set(converged)

    def show_guard(self, report: Mapping[str, Any] | None, *, is_silent: bool) -> None:
        """Show the last sign of life of the guard; it has none before its first report."""
        self._guard.set(report["at"] if report else 0)
        self._silent.set(is_silent)

    def show_lease(self, epoch: int) -> None:
        """Show how many guards have led so far."""
        self._lease.set(epoch)

    def show_signals(self, measured: Mapping[str, Any]) -> None:
        """Show the values that the guard has measured last; a value that it does not know is no number."""
        for name, reading in measured.items():
            value = reading["value"]
            self._signal.labels(name).set(math.nan if value is None else value)

    def _set_all(self, gauge: Gauge, values: Mapping[str, float]) -> None:
        """Set the values by label; a label that has gone gets 0, because its series lives as long as the worker."""
        seen = self._seen.setdefault(gauge, set())
        seen.update(values)
        for label in seen:
            gauge.labels(label).set(values.get(label, 0))
