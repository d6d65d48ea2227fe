"""Live state: hour buckets of customers and terminals after the cut-off, updated with every decision, and live labels.

A record of buckets has the format of the lake's export (`antifraud/artifacts/state_export.py`), with hours only.
"""

from collections.abc import Sequence
from dataclasses import replace

from antifraud.artifacts.state_export import decode_hours, encode_hours
from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.buckets import Buckets, History, bucket_of, join_buckets
from antifraud.features.labels import Change
from antifraud.features.live_labels import changes_before_due, first_counted_hour
from serving.store.port import Seen, Wanted
from serving.worker.loading import State


def history_of(
    state: State, token: str, stored: bytes | None, others: Sequence[bytes] = (), live_changes: Sequence[Change] = ()
) -> tuple[History, Buckets]:
    """Return the history of an entity, and the live buckets of its token as they are `stored`.

    The state owns the days up to its cut-off; live buckets count only after it. `others` are the live records of the
    entity's tokens under other keys, and `live_changes` are changes by live labels of a terminal.
    """
    days, hours, labels = state.entity(token)
    if live_changes:
        labels = replace(labels, changes=labels.changes.adding(live_changes))
    live = decode_hours(stored) if stored else Buckets()
    joined = join_buckets([live, *map(decode_hours, others)]) if others else live
    return History(state.cutoff, days, hours, labels, joined), live


def histories_of(state: State, wanted: Wanted, seen: Seen) -> tuple[tuple[History, Buckets], tuple[History, Buckets]]:
    """Return the histories of customer and terminal, each with its live buckets as they are stored."""
    changes = changes_before_due(seen.changes, state.label_delay_days)
    return (
        history_of(state, wanted.customer, seen.live_customer, seen.other_customers),
        history_of(state, wanted.terminal, seen.live_terminal, seen.other_terminals, changes),
    )


def label_hours_of(state: State, event_time: int) -> range:
    """Return the hours of events with live labels that an event counts."""
    hour = event_time // HOUR_SECONDS
    return range(first_counted_hour(state.cutoff, state.label_delay_days, hour), hour)


def count_event(live: Buckets, *, time: int, amount: int, oldest_day: int) -> bytes:
    """Return an entity's live record with an event added, and without buckets of days before `oldest_day`."""
    kept = live.since(oldest_day * DAY_HOURS).adding(time // HOUR_SECONDS, bucket_of(time, amount))
    return encode_hours(kept)
