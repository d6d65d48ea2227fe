"""The guide for integrators shows an event as the guard sends it."""

import dataclasses
import json
import re
from pathlib import Path

from antifraud.killswitch.audit import GENESIS
from antifraud.killswitch.machine import INITIAL, Mode, Order, change
from antifraud.killswitch.news import News
from serving.guard.events import event_of

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "integration.md"
SERVING = change(INITIAL, Order(mode=Mode.SERVING, expected_epoch=0, reason="we begin", by="admin", at=0, release="a"))


def test_the_event_in_the_guide_is_one_of_the_guard():
    """Its fields, their order and its data are those of a suspension by an admin."""
    shown = json.loads(re.search(r"```json\n(\{\"specversion.*?)```", GUIDE.read_text(), re.DOTALL)[1])
    order = Order(mode=Mode.SUSPENDED, expected_epoch=1, reason="ticket 4711", by="admin", at=1775210400)
    told = {**dataclasses.asdict(change(SERVING, order)), "audit": GENESIS, "news": News.SUSPENDED}

    event = json.loads(event_of("switch-00000002-1775210400", told))

    assert (shown, list(shown), list(shown["data"])) == (event, list(event), list(event["data"]))
