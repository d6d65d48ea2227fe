"""A home whose token key rotates: tokens of one customer or terminal under both keys, and the links between them."""

from antifraud.features.registry import FEATURE_NAMES
from antifraud.keys.pseudonym import Key, tokenise
from tests.serving.scene import DAY, KEY, NO_LABELS, export_state, stored

NEW_KEY = Key("k2", bytes(31) + b"\x02")
KEYS = {"k1": KEY, "k2": NEW_KEY}
CUSTOMERS, TERMINALS = range(40), range(4)


def parties(key_id, customer=0, terminal=0):
    """The fields of a request about a customer and a terminal, under one of the keys."""
    key = KEYS[key_id]
    return {"customer": tokenise(key, "customer", customer), "terminal": tokenise(key, "terminal", terminal)}


def all_pairs():
    """The old and the new token of every customer and terminal, as a bridge has them."""
    kinds = (("customer", CUSTOMERS), ("terminal", TERMINALS))
    return [
        tuple(tokenise(key, kind, number) for key in (KEY, NEW_KEY)) for kind, numbers in kinds for number in numbers
    ]


def begin_overlap(home, *, sequence=2, cutoff=DAY - 1, entities=None):
    """Export the state under the new key, with links to the old tokens."""
    new = parties("k2")["customer"]
    known = entities or {new: ({}, {}, NO_LABELS)}
    export_state(
        home / "state", cutoff, known, sequence=sequence, key_ids=("k1", "k2"), pairs=all_pairs()
    )  # fmt: skip


def end_overlap(home, *, sequence=3, cutoff=DAY - 1):
    """Export the state after the old key was retired."""
    new = parties("k2")["customer"]
    export_state(home / "state", cutoff, {new: ({}, {}, NO_LABELS)}, sequence=sequence, key_ids=("k2",))


def feature_of(store, number, name):
    """A feature of the decision about a transaction."""
    place = FEATURE_NAMES.index(name)
    _, entry = stored(store, number)
    return memoryview(entry.vector).cast("d")[place]
