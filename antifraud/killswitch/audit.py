"""The audit trail of the switch: one entry an epoch, each with a hash of itself and of everything before it.

An entry that was changed, removed or put in later breaks the chain. Somebody who rewrites the whole trail can make a
new chain, so the hash of the newest entry is also in the notification that subscribers get.

Entries of earlier versions have no hash. The first entry with one covers all of them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from antifraud.errors import StoreDamaged

GENESIS: Final = "0" * 64
"""Hash of the trail before its first entry."""
HELP: Final = "see docs/runbook.md, The audit trail is broken"


@dataclass(frozen=True, slots=True)
class Trail:
    """A sound audit trail: the number of its entries, and the hash of the newest one."""

    entries: int
    head: str


def seal(switch: Mapping[str, Any], previous: str) -> bytes:
    """Return the entry about a switch; `previous` is the hash of the entry before.

    >>> json.loads(seal({"epoch": 1}, GENESIS))["previous"] == GENESIS
    True
    """
    return json.dumps({"switch": switch, "previous": previous, "hash": _hash(previous, _text_of(switch))}).encode()


def head_of(entries: Iterable[bytes]) -> str:
    """Return the hash of the newest of all entries, oldest first.

    >>> head_of([]) == GENESIS
    True
    """
    head = GENESIS
    for entry in entries:
        values = json.loads(entry)
        head = str(values["hash"]) if "hash" in values else _hash(head, entry)
    return head


def verify_trail(entries: Iterable[tuple[int, bytes]], now: Mapping[str, Any] | None) -> Trail:
    """Check all entries, as (epoch, entry) in the order of epochs; `now` is the present switch, None if never changed.

    Raises:
        StoreDamaged: An entry was changed, is missing, or is not the one that was made.
    """
    head, count, last, sealed = GENESIS, 0, None, False
    for epoch, entry in entries:
        values = _read(epoch, entry)
        if last is not None and epoch != last["epoch"] + 1:
            raise _broken(epoch, f"it follows epoch {last['epoch']}")
        if "hash" not in values:
            if sealed:
                raise _broken(epoch, "it has no hash")
            head, last = _hash(head, entry), values
        else:
            _require_sealed(epoch, values, head)
            head, last, sealed = values["hash"], values["switch"], True
        if last.get("epoch") != epoch:
            raise _broken(epoch, f"it is about epoch {last.get('epoch')}")
        count += 1
    if last != now:
        raise StoreDamaged(f"the audit trail is broken (it does not end with the present switch): {HELP}")
    return Trail(count, head)


def _read(epoch: int, entry: bytes) -> dict[str, Any]:
    try:
        values = json.loads(entry)
    except ValueError:
        raise _broken(epoch, "it cannot be read") from None
    if not isinstance(values, dict):
        raise _broken(epoch, "it cannot be read")
    return values


def _require_sealed(epoch: int, values: Mapping[str, Any], head: str) -> None:
    if set(values) != {"switch", "previous", "hash"} or not isinstance(values["switch"], dict):
        raise _broken(epoch, "it has other fields")
    if values["previous"] != head:
        raise _broken(epoch, "it does not follow the entry before")
    if values["hash"] != _hash(head, _text_of(values["switch"])):
        raise _broken(epoch, "it was changed")


def _broken(epoch: int, why: str) -> StoreDamaged:
    return StoreDamaged(f"the audit trail is broken at epoch {epoch} ({why}): {HELP}")


def _hash(previous: str, text: bytes) -> str:
    return hashlib.sha256(previous.encode() + text).hexdigest()


def _text_of(switch: Mapping[str, Any]) -> bytes:
    """Return a switch as the text that is hashed: equal values have equal text."""
    return json.dumps(switch, sort_keys=True, separators=(",", ":")).encode()
