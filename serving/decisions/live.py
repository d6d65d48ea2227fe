"""Live state: hour buckets of customers and terminals after the cut-off, updated with every decision, and live labels.

A record of buckets has the format of the lake's export (`antifraud/artifacts/state_export.py`), with hours only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from antifraud.artifacts.state_export import Entity, decode_entity, encode_entity
from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.buckets import EMPTY, Bucket, History, bucket_of
from antifraud.features.labels import NO_HOUR, Change, LabelHistory, changes_of
from serving.store.live_labels import read_live_labels
from serving.store.lmdb import View
from serving.worker.loading import State

HOURS_ONLY: Final = LabelHistory(NO_HOUR)
"""The labels of a live record: it has none, because live labels have a database of their own."""
_learned_at = attrgetter("learned_at")


def read_history(
    view: View, state: State, token: str, live_changes: Sequence[Change] = ()
) -> tuple[History, dict[int, Bucket]]:
    """Return the history of an entity, and its live buckets as they are stored.

    The state owns the days up to its cut-off; live buckets count only after it. `live_changes` are changes by live
    labels of a terminal.
    """
    key = token.encode()
    days, hours, labels = state.entity(key)
    if live_changes:
        labels = replace(labels, changes=[*labels.changes, *live_changes])
    stored = view.get("live", key)
    live = dict(decode_entity(stored, state.cutoff).hours) if stored else {}
    first_live_hour = (state.cutoff + 1) * DAY_HOURS
    later = {hour: bucket for hour, bucket in live.items() if hour >= first_live_hour}
    return History(state.cutoff, days, {**hours, **later}, labels), live


def read_terminal_history(view: View, state: State, token: str, time: int) -> tuple[History, dict[int, Bucket]]:
    """Return the history of a terminal as `read_history` does, with the live labels that an event at `time` counts."""
    changes = _read_live_changes(view, token, time // HOUR_SECONDS, state.label_delay_days)
    return read_history(view, state, token, changes)


def _read_live_changes(view: View, terminal: str, hour: int, label_delay_days: int) -> list[Change]:
    """Return the changes by live labels of transactions whose label the feed has not told before `hour`."""
    # From the hour after it is due, the feed's own label counts, which the state brings. Both would count twice.
    waiting = range(hour - label_delay_days * DAY_HOURS, hour)
    return [
        change
        for event_hour, labels in read_live_labels(view, terminal, waiting)
        for change in changes_of(
            ((label.learned_at, label.status) for label in sorted(labels, key=_learned_at)),
            event_hour * HOUR_SECONDS,
            label_delay_days,
        )
    ]


def count_event(view: View, token: str, live: Mapping[int, Bucket], *, time: int, amount: int, oldest_day: int) -> None:
    """Add an event to an entity's live buckets and drop buckets of days before `oldest_day`."""
    hour = time // HOUR_SECONDS
    # Old buckets go when their entity is next seen: no sweep has to hold the write lock for all entities.
    kept = {h: bucket for h, bucket in live.items() if h >= oldest_day * DAY_HOURS}
    kept[hour] = kept.get(hour, EMPTY).plus(bucket_of(time, amount))
    view.put("live", token.encode(), encode_entity(Entity({}, kept, HOURS_ONLY)))
