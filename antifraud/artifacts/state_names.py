"""The names of an entity in an export of the state: its tokens under all keys in use, while keys rotate.

An export has one record an entity, under one of its tokens. From each token, a *link* leads to its tokens under other
keys, so both the history before a rotation and the history after it are found by either. No key is needed for that.
"""

from collections.abc import Iterable
from typing import Any, Final

from antifraud.artifacts.state_export import Entity, decode_entity
from antifraud.features.buckets import Buckets
from antifraud.features.labels import LabelHistory

LINK: Final = b"="
"""Begins the key of a link; no token begins with it."""


def put_links(transaction: Any, pairs: Iterable[tuple[str, str]]) -> int:
    """Write the links between the tokens of each pair, and return the number of pairs."""
    count = 0
    for pair in pairs:
        for token, other in (pair, pair[::-1]):
            key = LINK + token.encode()
            known = (transaction.get(key) or b"").split()
            transaction.put(key, b" ".join(sorted({*known, other.encode()})))
        count += 1
    return count


def names_of(transaction: Any, token: str) -> tuple[str, ...]:
    """Return the tokens of an entity under all keys in use; `token` itself comes first."""
    names = [token]
    # The list grows while it is read: a ring with three keys has links in a chain.
    for name in names:
        others = (transaction.get(LINK + name.encode()) or b"").decode().split()
        names += [other for other in others if other not in names]
    return tuple(names)


def read_entity(transaction: Any, token: str, cutoff: int) -> Entity:
    """Return an entity by any of its names; one that the export does not know has no history.

    Raises:
        DataError: The record is of another format or damaged.
    """
    record = transaction.get(token.encode())
    for name in names_of(transaction, token)[1:] if record is None else ():
        record = record or transaction.get(name.encode())
    return decode_entity(record, cutoff) if record else Entity(Buckets(), Buckets(), LabelHistory(cutoff))
