"""Live state: hour buckets of customers and terminals after the cut-off, updated with every decision.

A record has the format of the lake's export (`antifraud/artifacts/state_export.py`), with hours only.
"""

from collections.abc import Mapping
from typing import Final

from antifraud.artifacts.state_export import decode_entity, encode_entity
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import EMPTY, NO_RISK, Bucket, History, bucket_of
from serving.store.lmdb import View
from serving.worker.loading import State

DAY_HOURS: Final = DAY_SECONDS // HOUR_SECONDS


def read_history(view: View, state: State, token: str) -> tuple[History, dict[int, Bucket]]:
    """Return the history of an entity before an event, and its live buckets as they are stored.

    The state owns the days up to its cut-off; live buckets count only after it.
    """
    key = token.encode()
    days, hours, risk = state.entity(key)
    stored = view.get("live", key)
    live = decode_entity(stored)[1] if stored else {}
    first_live_hour = (state.cutoff + 1) * DAY_HOURS
    later = {hour: bucket for hour, bucket in live.items() if hour >= first_live_hour}
    return History(state.cutoff, days, {**hours, **later}, risk), live


def count_event(view: View, token: str, live: Mapping[int, Bucket], *, time: int, amount: int, oldest_day: int) -> None:
    """Add an event to an entity's live buckets and drop buckets of days before `oldest_day`."""
    hour = time // HOUR_SECONDS
    # Old buckets go when their entity is next seen: no sweep has to hold the write lock for all entities.
    kept = {h: bucket for h, bucket in live.items() if h >= oldest_day * DAY_HOURS}
    kept[hour] = kept.get(hour, EMPTY).plus(bucket_of(time, amount))
    view.put("live", token.encode(), encode_entity({}, kept, NO_RISK))
