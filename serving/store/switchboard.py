"""The switch in the decision store: read it, change it if nobody else has, keep its audit trail, tell about it."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any, Final

from antifraud.errors import StaleEpoch
from antifraud.killswitch.audit import Trail, head_of, seal, unseal, verify_trail
from antifraud.killswitch.machine import (
    INITIAL,
    UNCHANGED,
    Cause,
    Level,
    Mode,
    Note,
    Order,
    Switch,
    change,
    mark_drill,
)
from antifraud.killswitch.news import news_of
from antifraud.killswitch.trips import Trip
from serving.store.keys import NUMBER_BYTES, integer_of, key_of
from serving.store.view import View

NOW: Final = b"now"


def begin_switch(view: View) -> None:
    """Store the switch of a new store, which is suspended until an admin begins."""
    _append(view, INITIAL)


def read_switch(view: View) -> Switch:
    """Return the present switch."""
    return switch_of(view.get("switch", NOW))


@lru_cache(8)
def switch_of(text: bytes | None) -> Switch:
    """Return a stored switch; None stands for that of an earlier version's store which nobody has changed."""
    if text is None:
        return UNCHANGED
    values: dict[str, Any] = json.loads(text)
    # A switch of an earlier version has the first fields only.
    kinds: dict[str, Callable[[Any], Any]] = {
        "mode": Mode, "cause": Cause, "warning": Level, "warnings": _read_warnings, "tripped": tuple,
    }  # fmt: skip
    values |= {name: kind(values[name]) for name, kind in kinds.items() if name in values}
    values |= {name: Note(**values[name]) for name in ("warned", "drilled") if values.get(name)}
    if values.get("trip"):
        values["trip"] = Trip(**values["trip"])
    return Switch(**values)


def _read_warnings(stored: Mapping[str, str]) -> dict[str, Level]:
    return {name: Level(level) for name, level in stored.items()}


def set_switch(view: View, order: Order) -> Switch:
    """Change the switch and queue the notification, both in the caller's transaction.

    Raises:
        StaleEpoch: The switch has changed since `order.expected_epoch`.
        TransitionRefused: The mode cannot follow the present mode, or the evidence speaks against the release.
    """
    after = change(read_switch(view), order)
    put_switch(view, after)
    return after


def set_drill(view: View, *, begins: bool, note: Note) -> Switch:
    """Mark a drill that begins or ends, and queue the notification.

    Raises:
        TransitionRefused: A drill is under way already, or none is.
    """
    after = mark_drill(read_switch(view), begins=begins, note=note)
    put_switch(view, after)
    return after


def put_switch(view: View, switch: Switch) -> None:
    """Store a changed switch with its entry in the audit trail, and queue a notification for each kind of news.

    Raises:
        StaleEpoch: The trail has an entry of this epoch already.
    """
    news = news_of(read_switch(view), switch)
    head = _append(view, switch)
    # The id holds the time, because a new store begins at epoch 1 again and subscribers drop known ids.
    name = f"switch-{switch.epoch:08}-{switch.at}"
    for kind in news:
        # The hash leaves the store with the notification: whoever rewrites the whole trail cannot rewrite that.
        told = json.dumps({**dataclasses.asdict(switch), "audit": head, "news": kind}).encode()
        view.put("outbox", (name if kind is news[0] else f"{name}-{kind}").encode(), told)


def _append(view: View, switch: Switch) -> str:
    """Store the switch and its entry in the audit trail, which must not exist; return the entry's hash."""
    key = key_of(switch.epoch)
    if view.get("switch", key) is not None:
        raise StaleEpoch(f"the audit trail has an entry of epoch {switch.epoch}: read the switch again, decide anew")
    values = dataclasses.asdict(switch)
    entry = seal(values, _find_head(view))
    view.put("switch", key, entry)
    view.put("switch", NOW, json.dumps(values).encode())
    return head_of([entry])


def _find_head(view: View) -> str:
    """Return the hash of the newest entry; the first entry with a hash covers all entries of an earlier version."""
    newest = view.get("switch", key_of(read_switch(view).epoch))
    if newest is not None and "hash" in json.loads(newest):
        return head_of([newest])
    return head_of(entry for _, entry in _entries(view))


def _entries(view: View) -> Iterator[tuple[int, bytes]]:
    """Yield the entries of the audit trail with their epochs, oldest first."""
    for key, entry in view.items("switch"):
        if len(key) == NUMBER_BYTES:
            yield integer_of(key), entry


def verify_audit(view: View) -> Trail:
    """Check the audit trail.

    Raises:
        StoreDamaged: An entry was changed, is missing, or is not the one that was made.
    """
    now = view.get("switch", NOW)
    return verify_trail(_entries(view), None if now is None else json.loads(now))


def read_history(view: View, epochs: range, limit: int) -> list[tuple[int, bytes]]:
    """Return up to `limit` changes with these epochs: the epoch, and the switch after the change as JSON."""
    # `NOW` sorts after every epoch.
    changes = takewhile(lambda item: item[0] != NOW, view.items("switch", key_of(epochs.start)))
    found = takewhile(lambda item: item[0] in epochs, ((integer_of(key), entry) for key, entry in changes))
    return [(epoch, unseal(entry)) for epoch, entry in islice(found, limit)]
