"""Keys of the decision store, as bytes that sort as numbers and ids do."""

import struct
from typing import Final

NUMBER_BYTES: Final = 8
_NUMBER: Final = struct.Struct(">Q")


def key_of(number: int) -> bytes:
    """Return a non-negative 64-bit integer as a key that sorts by value.

    >>> key_of(255) < key_of(256), integer_of(key_of(7))
    (True, 7)
    """
    return _NUMBER.pack(number)


def integer_of(key: bytes) -> int:
    """Return the integer of a key; the inverse of `key_of`."""
    return int(_NUMBER.unpack(key)[0])


def key_of_id(transaction_id: str) -> bytes:
    """Return the id of a transaction as a key that sorts by length, then by bytes; decimals therefore sort by value.

    >>> key_of_id("9") < key_of_id("10") < key_of_id("2026-01-02:9"), id_of(key_of_id("10"))
    (True, '10')
    """
    return bytes([len(transaction_id)]) + transaction_id.encode("ascii")


def id_of(key: bytes) -> str:
    """Return the id of a key; the inverse of `key_of_id`."""
    return key[1:].decode("ascii")
