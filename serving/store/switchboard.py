"""The switch in the decision store: read, compare and set, history, and what has to be told about a change."""

import dataclasses
import json
from typing import Final

from antifraud.killswitch.machine import INITIAL, Mode, Switch, change
from serving.store.lmdb import View, key_of

NOW: Final = b"now"


def read_switch(view: View) -> Switch:
    """The switch as it stands; a new store serves."""
    text = view.get("switch", NOW)
    if text is None:
        return INITIAL
    values = json.loads(text)
    return Switch(**{**values, "mode": Mode(values["mode"])})


def set_switch(view: View, mode: Mode, *, expected_epoch: int, reason: str, by: str, at: int) -> Switch:
    """Change the switch and queue the notification, in the caller's transaction: both happen, or neither.

    Raises:
        StaleEpoch: Somebody else changed the switch since `expected_epoch`.
        TransitionRefused: `mode` cannot follow the present mode.
    """
    after = change(read_switch(view), mode, expected_epoch=expected_epoch, reason=reason, by=by, at=at)
    text = json.dumps(dataclasses.asdict(after)).encode()
    view.put("switch", NOW, text)
    view.put("switch", key_of(after.epoch), text)
    view.put("outbox", f"switch-{after.epoch:08}-{at}".encode(), text)
    return after
