"""Live state: hour buckets of customers and terminals after the cut-off, updated with every decision, and live labels.

A record of buckets has the format of the lake's export (`antifraud/artifacts/state_export.py`), with hours only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from antifraud.artifacts.state_export import decode_hours, encode_hours
from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.buckets import Buckets, History, bucket_of
from antifraud.features.labels import Change
from serving.store.port import Seen, Wanted
from serving.worker.loading import State
from serving.worker.retention import first_counted_hour


def history_of(
    state: State, token: str, stored: bytes | None, live_changes: Sequence[Change] = ()
) -> tuple[History, Buckets]:
    """Return the history of an entity, and its live buckets as they are `stored`.

    The state owns the days up to its cut-off; live buckets count only after it. `live_changes` are changes by live
    labels of a terminal.
    """
    days, hours, labels = state.entity(token.encode())
    if live_changes:
        labels = replace(labels, changes=labels.changes.adding(live_changes))
    live = decode_hours(stored) if stored else Buckets()
    return History(state.cutoff, days, hours, labels, live), live


def histories_of(state: State, wanted: Wanted, seen: Seen) -> tuple[tuple[History, Buckets], tuple[History, Buckets]]:
    """Return the histories of customer and terminal, each with its live buckets as they are stored."""
    changes = unknown_changes(state, seen.changes)
    return (
        history_of(state, wanted.customer, seen.live_customer),
        history_of(state, wanted.terminal, seen.live_terminal, changes),
    )


def label_hours_of(state: State, event_time: int) -> range:
    """Return the hours of events with live labels that an event counts."""
    hour = event_time // HOUR_SECONDS
    return range(first_counted_hour(state, hour), hour)


def unknown_changes(state: State, changes: Iterable[tuple[int, list[Change]]]) -> list[Change]:
    """Return the changes by live labels that the state cannot tell: those made before the feed's label is due."""
    delay = state.label_delay_days * DAY_HOURS
    return [change for event_hour, made in changes for change in made if change.hour < event_hour + delay]


def count_event(live: Buckets, *, time: int, amount: int, oldest_day: int) -> bytes:
    """Return an entity's live record with an event added, and without buckets of days before `oldest_day`."""
    kept = live.since(oldest_day * DAY_HOURS).adding(time // HOUR_SECONDS, bucket_of(time, amount))
    return encode_hours(kept)
