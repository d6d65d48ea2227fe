"""Live state: hour buckets of customers and terminals after the cut-off, updated with every decision, and live labels.

A record of buckets has the format of the lake's export (`antifraud/artifacts/state_export.py`), with hours only.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from antifraud.artifacts.state_export import Entity, decode_entity, encode_entity
from antifraud.clock import DAY_HOURS, HOUR_SECONDS
from antifraud.features.buckets import Buckets, History, bucket_of
from antifraud.features.labels import DAYS_AHEAD, NO_HOUR, Change, LabelHistory
from serving.store.live_labels import read_live_changes
from serving.store.lmdb import View
from serving.worker.loading import State

HOURS_ONLY: Final = LabelHistory(NO_HOUR)
"""The labels of a live record: it has none, because live labels have a database of their own."""


def read_history(view: View, state: State, token: str, live_changes: Sequence[Change] = ()) -> tuple[History, Buckets]:
    """Return the history of an entity, and its live buckets as they are stored.

    The state owns the days up to its cut-off; live buckets count only after it. `live_changes` are changes by live
    labels of a terminal.
    """
    key = token.encode()
    days, hours, labels = state.entity(key)
    if live_changes:
        labels = replace(labels, changes=[*labels.changes, *live_changes])
    stored = view.get("live", key)
    live = decode_entity(stored, state.cutoff).hours if stored else Buckets()
    later = live.since((state.cutoff + 1) * DAY_HOURS)
    return History(state.cutoff, days, hours.followed_by(later), labels), live


def read_terminal_history(view: View, state: State, token: str, time: int) -> tuple[History, Buckets]:
    """Return the history of a terminal as `read_history` does, with the live labels that an event at `time` counts."""
    return read_history(view, state, token, _read_live_changes(view, state, token, time // HOUR_SECONDS))


def _read_live_changes(view: View, state: State, terminal: str, hour: int) -> list[Change]:
    """Return the changes by live labels of transactions with a label that the state cannot tell before `hour`."""
    delay = state.label_delay_days * DAY_HOURS
    summed = read_live_changes(view, terminal, range(first_counted_hour(state, hour), hour))
    return [change for event_hour, changes in summed for change in changes if change.hour < event_hour + delay]


def first_counted_hour(state: State, hour: int) -> int:
    """Return the first hour of events with live labels that count in `hour`.

    From the hour after it is due, the feed's own label counts, which the state brings. Both would count twice. A state
    tells labels of the days up to its cut-off, if they are due at most `DAYS_AHEAD` days later.
    """
    delay, first_live_hour = state.label_delay_days * DAY_HOURS, (state.cutoff + 1) * DAY_HOURS
    return min(hour - delay, first_live_hour, first_live_hour + DAYS_AHEAD * DAY_HOURS - delay)


def count_event(view: View, token: str, live: Buckets, *, time: int, amount: int, oldest_day: int) -> None:
    """Add an event to an entity's live buckets and drop buckets of days before `oldest_day`."""
    # Old buckets go when their entity is next seen: no sweep has to hold the write lock for all entities.
    kept = live.since(oldest_day * DAY_HOURS).adding(time // HOUR_SECONDS, bucket_of(time, amount))
    view.put("live", token.encode(), encode_entity(Entity(Buckets(), kept, HOURS_ONLY)))
