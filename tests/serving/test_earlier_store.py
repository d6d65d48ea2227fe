"""A decision store that an earlier version has filled can be used: only its live state is lost."""

import msgspec

from serving.store.lmdb import LIVE_FORMAT, key_of
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


def test_a_decision_without_the_mark_counts_as_complete(scorer):
    """The record of an earlier version ends with the vector."""
    first = scorer.decide()
    with scorer.store.write() as view:
        stored = msgspec.msgpack.decode(view.get("decisions", key_of(1)))
        view.put("decisions", key_of(1), msgspec.msgpack.encode(stored[:-1]))
        assert unpack_decision(view.get("decisions", key_of(1))).history_complete

    assert scorer.decide().data == first.data
