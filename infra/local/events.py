"""Read the switch's events that the receiver has kept; it keeps only webhooks whose signature the SDK has verified."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra.local.waiting import wait_for

PREFIX: Final = "antifraud.switch."


class Event(NamedTuple):
    """News about the switch; `epoch` is that of the switch after the change."""

    kind: str
    epoch: int
    id: str
    data: Mapping[str, Any]


def read_events(folder: Path) -> list[Event]:
    """Return the kept events in the order of the switch's changes; none if no webhook has come yet."""
    kept = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    events = [
        Event(each["type"].removeprefix(PREFIX), each["data"]["epoch"], each["id"], each["data"])
        for each in kept
        if each["type"].startswith(PREFIX)
    ]
    return sorted(events, key=lambda event: (event.epoch, event.kind, event.id))


def wait_for_event(folder: Path, kind: str, began: int) -> Event:
    """Return the event that told of a mode; `began` is the epoch in which that mode began.

    Raises:
        PublishError: None arrives.
    """

    def find() -> Event | None:
        return next((event for event in read_events(folder) if (event.kind, event.epoch) == (kind, began)), None)

    return wait_for(find, f"no webhook {PREFIX}{kind} of epoch {began} arrived")
