"""The champion: the release that serves unless the switch names another one.

Pointer and switch lie in different places, so no transaction covers both. A promotion reads the switch, and the service
may be suspended before the promotion moves the pointer. Therefore the pointer says at which epoch the promotion had
read the switch, and the switch says which release the pointer named when its mode began. A promotion that has not seen
the present mode does not count. Each of them is written in one step, so a crash leaves nothing to repair.
"""

from typing import Protocol


class Begun(Protocol):
    """The part of a switch that tells about the begin of its mode."""

    @property
    def began(self) -> int:
        """Epoch in which the mode began."""

    @property
    def champion(self) -> str | None:
        """The release that the pointer named then; None if nobody could read it."""


def choose_champion(switch: Begun, named: str | None, seen_epoch: int | None) -> str | None:
    """Return the champion. The pointer names `named`, and its author had read the switch at `seen_epoch`.

    The epoch is None if a person has moved the pointer, who needs no permission of the switch.

    >>> from antifraud.killswitch.machine import INITIAL
    >>> from dataclasses import replace
    >>> suspended = replace(INITIAL, began=8, champion="a")
    >>> [choose_champion(suspended, "b", epoch) for epoch in (7, 8, None)]
    ['a', 'b', 'b']
    """
    is_late = seen_epoch is not None and seen_epoch < switch.began
    return switch.champion if is_late and switch.champion is not None else named
