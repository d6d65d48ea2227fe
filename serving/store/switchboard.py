"""The switch in the decision store: read it, change it if nobody else has, and queue the notification."""

import dataclasses
import json
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final

from antifraud.killswitch.machine import INITIAL, Mode, Switch, change
from serving.store.keys import integer_of, key_of
from serving.store.view import View

NOW: Final = b"now"


def read_switch(view: View) -> Switch:
    """Return the present switch; that of a new store serves."""
    return switch_of(view.get("switch", NOW))


@lru_cache(8)
def switch_of(text: bytes | None) -> Switch:
    """Return a stored switch; None stands for that of a new store."""
    if text is None:
        return INITIAL
    values = json.loads(text)
    return Switch(**{**values, "mode": Mode(values["mode"])})


def set_switch(view: View, mode: Mode, *, expected_epoch: int, reason: str, by: str, at: int) -> Switch:
    """Change the switch and queue the notification, both in the caller's transaction.

    Raises:
        StaleEpoch: The switch has changed since `expected_epoch`.
        TransitionRefused: `mode` cannot follow the present mode.
    """
    after = change(read_switch(view), mode, expected_epoch=expected_epoch, reason=reason, by=by, at=at)
    put_switch(view, after)
    return after


def put_switch(view: View, switch: Switch) -> None:
    """Store a changed switch and queue the notification."""
    text = json.dumps(dataclasses.asdict(switch)).encode()
    view.put("switch", NOW, text)
    view.put("switch", key_of(switch.epoch), text)
    # The id holds the time, because a new store begins at epoch 1 again and subscribers drop known ids.
    view.put("outbox", f"switch-{switch.epoch:08}-{switch.at}".encode(), text)


def read_history(view: View, epochs: range, limit: int) -> list[tuple[int, bytes]]:
    """Return up to `limit` changes with these epochs: the epoch, and the switch after the change as JSON."""
    # `NOW` sorts after every epoch.
    changes = takewhile(lambda item: item[0] != NOW, view.items("switch", key_of(epochs.start)))
    found = takewhile(lambda item: item[0] in epochs, ((integer_of(key), text) for key, text in changes))
    return list(islice(found, limit))
