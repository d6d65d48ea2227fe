"""The guide for integrators shows an event as the guard sends it."""

import dataclasses
import json
import re
from pathlib import Path

from antifraud.killswitch.machine import INITIAL, Mode, change
from serving.guard.events import CHANGED, build_event

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "integration.md"


def test_the_event_in_the_guide_is_one_of_the_guard():
    """Its fields, their order and its data are those of a suspension by an admin."""
    shown = json.loads(re.search(r"```json\n(\{\"specversion.*?)```", GUIDE.read_text(), re.DOTALL)[1])
    switch = change(INITIAL, Mode.SUSPENDED, expected_epoch=0, reason="a drill", by="admin", at=1775210400)

    event = json.loads(build_event("switch-00000001-1775210400", CHANGED, switch.at, dataclasses.asdict(switch)))

    assert (shown, list(shown), list(shown["data"])) == (event, list(event), list(event["data"]))
