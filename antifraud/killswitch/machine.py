"""The switch: the state machine that says whether the scorer may answer.

This module has the pure rules; `serving/store/switchboard.py` keeps the switch in the decision store. Every change
names the epoch that its author had read. If two operators, or an operator and the guard, act on the same reading, only
the first change is accepted.

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
    """The scorer observes (scores without flagging), serves, serves an earlier release, or refuses to decide."""

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
    """The switch at one moment.

    Attributes:
        mode: Whether and with what the scorer decides.
        epoch: Number of changes so far.
        reason: Why the last change was made, in a sentence.
        by: Who made it: a client's name, ``guard``, or ``store`` for a new store.
        at: Business time of the change, UTC seconds.
    """

    mode: Mode
    epoch: int
    reason: str
    by: str
    at: int


INITIAL: Final = Switch(Mode.SERVING, epoch=0, reason="a new store", by="store", at=0)


def change(switch: Switch, mode: Mode, *, expected_epoch: int, reason: str, by: str, at: int) -> Switch:
    """Return the switch after a change to `mode`, requested by somebody who had read `expected_epoch`.

    >>> change(INITIAL, Mode.SUSPENDED, expected_epoch=0, reason="drill", by="guard", at=60)
    Switch(mode=<Mode.SUSPENDED: 'SUSPENDED'>, epoch=1, reason='drill', by='guard', at=60)

    Raises:
        StaleEpoch: The switch has changed since then.
        TransitionRefused: `mode` cannot follow the present mode.
    """
    # Compare and set: a decision that was based on an outdated reading must not overwrite a newer one.
    if switch.epoch != expected_epoch:
        raise StaleEpoch(
            f"the switch is at epoch {switch.epoch}, the change was decided at {expected_epoch}: "
            "read it again and decide anew"
        )
    if mode not in ALLOWED[switch.mode]:
        possible = ", ".join(sorted(ALLOWED[switch.mode]))
        raise TransitionRefused(f"{switch.mode} cannot become {mode}: from here the switch goes to {possible}")
    return dataclasses.replace(switch, mode=mode, epoch=switch.epoch + 1, reason=reason, by=by, at=at)
