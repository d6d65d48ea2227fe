"""The state of the service as every answer tells it, in one header: a dictionary of RFC 9651 (structured fields).

    Antifraud-State: mode=SUSPENDED, epoch=7, since=1767225600, cause=false_positive_rate, warnings=(guard_silent)

It is no part of a body, because a repeated request gets the bytes of the first answer.
"""

import re
from typing import Final

from msgspec import Struct

HEADER: Final = "Antifraud-State"
GUARD_SILENT: Final = "guard_silent"
"""The warning that workers raise themselves: whoever is silent cannot say so."""
MOST_TEXT: Final = 1_000
_MEMBER: Final = re.compile(r" *([a-z]+)(?:=([A-Za-z0-9_]+|\([A-Za-z0-9_ ]*\)))? *(?:,|\Z)")


class ServiceState(Struct, frozen=True):
    """The state of the service when it gave an answer.

    `epoch` counts the changes of the switch; `since` is the time of the last one, in UTC seconds. Both are None while
    there is no store. `cause` is the class of the reason, `warnings` names what a person has to look at, and `drill`
    says that a drill is under way.
    """

    mode: str
    epoch: int | None = None
    since: int | None = None
    cause: str = ""
    warnings: tuple[str, ...] = ()
    drill: bool = False


def spell_state(state: ServiceState) -> str:
    """Return the value of the header.

    >>> spell_state(ServiceState("SERVING", 4, 1_767_225_600, "admin", ("p99", "store_fill"), drill=True))
    'mode=SERVING, epoch=4, since=1767225600, cause=admin, warnings=(p99 store_fill), drill'
    """
    members = {"mode": state.mode, "epoch": state.epoch, "since": state.since, "cause": state.cause}
    spelt = [f"{name}={value}" for name, value in members.items() if value not in {None, ""}]
    if state.warnings:
        spelt.append(f"warnings=({' '.join(state.warnings)})")
    return ", ".join([*spelt, "drill"] if state.drill else spelt)


def parse_state(text: str) -> ServiceState | None:
    """Return the state in a header; None if it is not one. Members that this version does not know are ignored.

    >>> parse_state("mode=SUSPENDED, epoch=7, colour=blue, warnings=()")
    ServiceState(mode='SUSPENDED', epoch=7, since=None, cause='', warnings=(), drill=False)
    """
    if len(text) > MOST_TEXT:
        return None
    members, end = {}, 0
    while end < len(text):
        if (member := _MEMBER.match(text, end)) is None:
            return None
        members[member[1]], end = member[2] or "", member.end()
    if not members.get("mode"):
        return None
    return ServiceState(
        mode=members["mode"],
        epoch=_number(members.get("epoch", "")),
        since=_number(members.get("since", "")),
        cause=members.get("cause", ""),
        warnings=tuple(members.get("warnings", "").strip("()").split()),
        drill="drill" in members,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
