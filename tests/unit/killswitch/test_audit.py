"""The audit trail shows every entry that somebody has changed, removed or put in."""

import hashlib
import json

import pytest

from antifraud.errors import StoreDamaged, StoreError
from antifraud.killswitch.audit import GENESIS, Trail, head_of, seal, verify_trail

OLD = [(1, b'{"mode": "SUSPENDED", "epoch": 1}'), (2, b'{"mode": "SERVING", "epoch": 2}')]


def switch(epoch, mode="SERVING"):
    return {"mode": mode, "epoch": epoch}


def chain(first, last, before=()):
    """Entries of the epochs `first` to `last`, after entries of an earlier version."""
    entries = list(before)
    for epoch in range(first, last + 1):
        entries.append((epoch, seal(switch(epoch), head_of(entry for _, entry in entries))))
    return entries


def test_an_entry_holds_the_hash_of_itself_and_of_the_entry_before():
    """The hash is SHA-256 of the earlier hash and of the switch with sorted names and no blanks."""
    first, second = (json.loads(entry) for _, entry in chain(0, 1))

    text = "0" * 64 + '{"epoch":0,"mode":"SERVING"}'
    assert first == {"switch": switch(0), "previous": "0" * 64, "hash": hashlib.sha256(text.encode()).hexdigest()}
    assert second["previous"] == first["hash"]


def test_a_sound_trail_is_counted():
    """Its head is the hash of the newest entry; a store that was never changed has an empty trail."""
    entries = chain(0, 4)

    assert verify_trail(entries, switch(4)) == Trail(5, json.loads(entries[-1][1])["hash"])
    assert verify_trail([], None) == Trail(0, GENESIS)


def test_entries_of_an_earlier_version_are_covered():
    """They have no hash; the first entry with one covers all of them."""
    entries = chain(3, 4, OLD)

    assert verify_trail(OLD, json.loads(OLD[-1][1])).entries == 2
    assert verify_trail(entries, switch(4)).entries == 4
    changed = [(1, OLD[0][1].replace(b"SUSPENDED", b"OBSERVE")), *entries[1:]]
    with pytest.raises(StoreDamaged, match=r"broken at epoch 3 .it does not follow the entry before"):
        verify_trail(changed, switch(4))
    with pytest.raises(StoreDamaged, match=r"broken at epoch 3 .it does not follow the entry before"):
        verify_trail(entries[1:], switch(4))


def edit(entries, place, **changes):
    epoch, text = entries[place]
    entries[place] = epoch, json.dumps({**json.loads(text), **changes}).encode()
    return entries


DAMAGES = {
    "changed": (lambda e: edit(e, 2, switch=switch(2, "OBSERVE")), "epoch 2 .it was changed"),
    "a new hash": (lambda e: edit(e, 2, hash="f" * 64), "epoch 2 .it was changed"),
    "removed": (lambda e: e[:2] + e[3:], "epoch 3 .it follows epoch 1"),
    "renumbered": (lambda e: [*e[:2], *((n - 1, t) for n, t in e[3:])], "epoch 2 .it does not follow"),
    "put in": (lambda e: [*e, (5, seal(switch(5), GENESIS))], "epoch 5 .it does not follow"),
    "without a hash": (lambda e: [*e, (5, b'{"mode": "SERVING", "epoch": 5}')], "epoch 5 .it has no hash"),
    "about another epoch": (lambda e: [*e, (5, seal(switch(9), head_of([e[-1][1]])))], "epoch 5 .it is about epoch 9"),
    "no JSON": (lambda e: [*e[:4], (4, b"x")], "epoch 4 .it cannot be read"),
    "a list": (lambda e: [*e[:4], (4, b"[]")], "epoch 4 .it cannot be read"),
    "further fields": (lambda e: edit(e, 4, why="x"), "epoch 4 .it has other fields"),
    "cut off": (lambda e: e[:4], "does not end with the present switch"),
    "all gone": (lambda _: [], "does not end with the present switch"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_found(name):
    """The message names the first epoch that is wrong, and the failure is one of the store."""
    damage, expected = DAMAGES[name]

    with pytest.raises(StoreDamaged, match=expected) as found:
        verify_trail(damage(chain(0, 4)), switch(4))
    assert isinstance(found.value, StoreError)


def test_another_present_switch_is_found():
    """The switch that is in force has to be that of the newest entry."""
    with pytest.raises(StoreDamaged, match="does not end with the present switch"):
        verify_trail(chain(0, 4), switch(4, "OBSERVE"))
