"""Measurements of the guard, and the changes of the switch that follow from them, in one transaction."""

from collections.abc import Sequence
from typing import Final

from antifraud.killswitch.machine import Switch
from serving.store.switchboard import put_switch, read_switch
from serving.store.view import View

SIGNALS: Final = "signals"
"""The name of the measurements among the reports of processes."""
ALARMS: Final = "alarms"
"""The name of the alarms of the evidence there."""


def commit_signals(view: View, measured: bytes, changes: Sequence[Switch]) -> bool:
    """Keep measurements and changes; return False, and change nothing, if the switch is not the one that was read."""
    if changes and read_switch(view).epoch + 1 != changes[0].epoch:
        return False
    for switch in changes:
        put_switch(view, switch)
    view.put("workers", SIGNALS.encode(), measured)
    return True
