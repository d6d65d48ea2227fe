"""A store that an earlier version has filled: its live state is emptied, and its integer ids become text.

Both happen in one write transaction, so a killed process leaves the store as it was.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from antifraud.artifacts.state_export import FORMAT
from serving.store.keys import NUMBER_BYTES, integer_of, key_of_id
from serving.store.records import pack

if TYPE_CHECKING:
    from serving.store.lmdb import View

LIVE_FORMAT: Final = "live_format"
"""Counter with the format of the records of the database ``live``."""
ID_FORMAT: Final = "id_format"
"""Counter with the format of transaction ids; 0 means integers."""
TEXT_IDS: Final = 1
_unpack = msgspec.msgpack.Decoder().decode


def is_of_this_version(view: "View") -> bool:
    """Return whether all records of a store have the formats of this version."""
    return (view.number(LIVE_FORMAT), view.number(ID_FORMAT)) == (FORMAT, TEXT_IDS)


def bring_up_to_date(view: "View") -> None:
    """Empty live state of another format, since the state then has all that is counted, and turn ids into text."""
    # Asked again under the lock: another worker may have converted the store, and counted events since.
    if view.number(LIVE_FORMAT) != FORMAT:
        view.clear("live")
        view.set_number(LIVE_FORMAT, FORMAT)
    if view.number(ID_FORMAT) != TEXT_IDS:
        for database, rewrite in _REWRITTEN.items():
            _rewrite_ids(view, database, rewrite)
        for key in _keys(view, "labels"):
            view.put("labels", key, _rewrite_record(view.get("labels", key) or b""))
        view.set_number(ID_FORMAT, TEXT_IDS)


def _rewrite_ids(view: "View", database: str, rewrite: Callable[[bytes], bytes]) -> None:
    """Rewrite all keys of a database, which end with the id, and the ids in its values."""
    # Downwards, because a new key can equal only the old key of a larger id, which is then gone.
    for key in reversed(_keys(view, database)):
        value = view.get(database, key) or b""
        view.delete(database, key)
        number = integer_of(key[-NUMBER_BYTES:])
        view.put(database, key[:-NUMBER_BYTES] + key_of_id(str(number)), rewrite(value))


def _keys(view: "View", database: str) -> list[bytes]:
    # Without the values, which can be larger than the memory.
    return [key for key, _ in view.items(database)]


def _rewrite_decision(value: bytes) -> bytes:
    payload, body, *rest = _unpack(value)
    answer = msgspec.json.decode(body)
    answer["transaction_id"] = str(answer["transaction_id"])
    return pack([payload, msgspec.json.encode(answer), *rest])


def _rewrite_record(value: bytes) -> bytes:
    number, *rest = _unpack(value)
    return pack([str(number), *rest])


_REWRITTEN: Final[dict[str, Callable[[bytes], bytes]]] = {
    "decisions": _rewrite_decision,
    "judged": bytes,
    "pending": _rewrite_record,
}
