"""A decision store that an earlier version has filled can be used: only its live state is lost."""

import msgspec

from antifraud.artifacts.state_export import FORMAT
from serving.store.lmdb import LIVE_FORMAT, Store, key_of
from serving.store.records import unpack_decision


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
        stored = msgspec.msgpack.decode(view.get("decisions", key_of(1)))
        view.put("decisions", key_of(1), msgspec.msgpack.encode(stored[:-1]))
        assert unpack_decision(view.get("decisions", key_of(1))).history_complete

    assert scorer.decide().data == first.data
