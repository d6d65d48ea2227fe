"""The switch: the one state machine that says whether the scorer may answer.

It is a pure value here; `serving/store/switchboard.py` keeps it in the decision store. Every change names the epoch
that was read, so of two operators (or an operator and the guard) who act on the same view only the first one wins.

    OBSERVE ──> SERVING <──> ROLLED_BACK
       │           │ ▲            │ ▲
       └───────────┴─┼────────────┘ │
                   ▼ │              │
                 SUSPENDED ─────────┘
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from antifraud.errors import StaleEpoch, TransitionRefused


class Mode(StrEnum):
    """What the scorer does: scores without flagging, serves, serves an earlier release, or refuses."""

    OBSERVE = "OBSERVE"
    SERVING = "SERVING"
    ROLLED_BACK = "ROLLED_BACK"
    SUSPENDED = "SUSPENDED"


ALLOWED: Final[dict[Mode, frozenset[Mode]]] = {
    Mode.OBSERVE: frozenset({Mode.SERVING, Mode.SUSPENDED}),
    Mode.SERVING: frozenset({Mode.ROLLED_BACK, Mode.SUSPENDED}),
    Mode.ROLLED_BACK: frozenset({Mode.SERVING, Mode.SUSPENDED}),
    Mode.SUSPENDED: frozenset({Mode.SERVING, Mode.ROLLED_BACK}),
}


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch at one moment. `epoch` grows by one with every change; `at` is business time in UTC seconds."""

    mode: Mode
    epoch: int
    reason: str
    by: str
    at: int


INITIAL: Final = Switch(Mode.SERVING, epoch=0, reason="a new store", by="store", at=0)


def change(switch: Switch, mode: Mode, *, expected_epoch: int, reason: str, by: str, at: int) -> Switch:
    """The switch after a change to `mode` by somebody who had read `expected_epoch`.

    >>> change(INITIAL, Mode.SUSPENDED, expected_epoch=0, reason="drill", by="guard", at=60)
    Switch(mode=<Mode.SUSPENDED: 'SUSPENDED'>, epoch=1, reason='drill', by='guard', at=60)

    Raises:
        StaleEpoch: The switch has another epoch than the one that was read.
        TransitionRefused: `mode` cannot follow the present mode.
    """
    if switch.epoch != expected_epoch:
        raise StaleEpoch(
            f"the switch is at epoch {switch.epoch}, the change was decided at {expected_epoch}: read it, decide anew"
        )
    if mode not in ALLOWED[switch.mode]:
        possible = ", ".join(sorted(ALLOWED[switch.mode]))
        raise TransitionRefused(f"{switch.mode} cannot become {mode}: from here the switch goes to {possible}")
    return dataclasses.replace(switch, mode=mode, epoch=switch.epoch + 1, reason=reason, by=by, at=at)
