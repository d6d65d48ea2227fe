"""A decision store that an earlier version has filled can be used: ids become text, and only live state is lost."""

import struct

import lmdb
import msgspec

from antifraud.artifacts.state_export import FORMAT
from serving.guard.cohorts import close_blocks
from serving.store.earlier import LIVE_FORMAT
from serving.store.keys import id_of, key_of, key_of_id
from serving.store.lmdb import DATABASES, Store
from serving.store.records import unpack_decision, unpack_label
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL


def reopen(scorer):
    scorer.close()
    scorer.services.opened_store = None
    scorer.poller.poll()


def counts(scorer):
    with scorer.store.read() as view:
        return view.count("live"), view.count("decisions")


def test_live_state_of_another_format_is_emptied(scorer):
    """Its records cannot be read; decisions, and live state of today's format, stay."""
    first = scorer.decide()
    reopen(scorer)
    assert counts(scorer) == (2, 1)

    with scorer.store.write() as view:
        view.set_number(LIVE_FORMAT, 2)
    reopen(scorer)

    assert counts(scorer) == (0, 1)
    assert scorer.decide().data == first.data
    assert scorer.decide(transaction_id=2).json["counted"]


def test_only_the_first_of_two_workers_empties_the_live_state(tmp_path, monkeypatch):
    """While a worker waits to empty it, another one has emptied it and counted an event, which stays."""
    write = Store.write

    def write_after_another_worker(store):
        monkeypatch.setattr(Store, "write", write)
        with store.write() as view:
            view.set_number(LIVE_FORMAT, FORMAT)
            view.put("live", b"k1.a", b"counted")
        return write(store)

    monkeypatch.setattr(Store, "write", write_after_another_worker)
    store = Store(tmp_path / "store", 1 << 20)

    with store.read() as view:
        assert view.get("live", b"k1.a") == b"counted"
    store.close()


def test_a_decision_without_the_mark_counts_as_complete(scorer):
    """The record of an earlier version ends with the vector."""
    first = scorer.decide()
    with scorer.store.write() as view:
        stored = msgspec.msgpack.decode(view.get("decisions", key_of_id("1")))
        view.put("decisions", key_of_id("1"), msgspec.msgpack.encode(stored[:-1]))
        assert unpack_decision(view.get("decisions", key_of_id("1"))).history_complete

    assert scorer.decide().data == first.data


COLLIDING = int.from_bytes(b"\x07" + b"1234567", "big")
"""An integer id with the key that the text "1234567" has today."""
ANSWER = b'{"transaction_id":%d,"decision":"approve","score":7}'


def earlier_store(folder, ids):
    """Write what version 0.1.0 has written about decided, labelled transactions: keys and values hold integers."""
    pack, key = msgspec.msgpack.encode, struct.Struct(">Q").pack
    with lmdb.open(str(folder), max_dbs=20) as environment, environment.begin(write=True) as transaction:
        databases = {name: environment.open_db(name.encode(), transaction) for name in DATABASES}

        def put(name, at, value):
            transaction.put(at, value, db=databases[name])

        for place, number in enumerate(ids):
            decision = [b"p%d" % number, ANSWER % number, "first", 0, False, NOON, CUSTOMER, TERMINAL, 5, b"v"]
            put("decisions", key(number), pack(decision))
            put("labels", key(place), pack([number, "legitimate", NOON, "till"]))
            waiting = [number, "legitimate", NOON, "first", 0, False, DAY, TERMINAL]
            put("pending", key(DAY) + TERMINAL.encode() + key(number), pack(waiting))
            put("judged", key(number), b"")


def test_integer_ids_become_text(tmp_path):
    """Decisions, labels, waiting labels and counted ids are found under the decimal text, and lie in its order."""
    ids = [0, 17, 1_234_567, 41, COLLIDING, (1 << 63) - 1]
    earlier_store(tmp_path, ids)
    ordered = [str(number) for number in sorted(ids)]
    for _ in range(2):  # the second opening changes nothing
        store = Store(tmp_path, 1 << 24)
        with store.read() as view:
            decisions = {id_of(key): unpack_decision(text) for key, text in view.items("decisions")}
            assert list(decisions) == ordered
            for name, decision in decisions.items():
                assert decision.payload == f"p{name}".encode()
                assert decision.answer == b'{"transaction_id":"%s","decision":"approve","score":7}' % name.encode()
                assert (decision.vector, decision.history_complete) == (b"v", True)
            assert [id_of(key) for key, _ in view.items("judged")] == ordered
            assert [unpack_label(text).transaction_id for _, text in view.items("labels")] == [str(n) for n in ids]
            place = key_of(DAY) + TERMINAL.encode()
            assert [key for key, _ in view.items("pending")] == [place + key_of_id(name) for name in ordered]
        store.close()


def test_waiting_labels_of_an_earlier_store_still_count(tmp_path):
    """The block of the terminal's day has both legitimate rows."""
    earlier_store(tmp_path, [1, 2])
    store = Store(tmp_path, 1 << 24)
    with store.write() as view:
        for name in ("1", "2"):
            view.delete("judged", key_of_id(name))
        closed = close_blocks(view, DAY, 100)
        assert [(block.day, block.terminal, block.legit) for block in closed.blocks] == [(DAY, TERMINAL, 2)]
        assert [id_of(key) for key, _ in view.items("judged")] == ["1", "2"]
    store.close()
