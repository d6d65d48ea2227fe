"""A decision store that an earlier version has filled becomes one of this version, and only live state is lost."""

import struct

import lmdb
import msgspec
import pytest

from antifraud.artifacts.state_export import FORMAT
from antifraud.errors import StoreForeign
from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.machine import Mode
from antifraud.settings.serving import StoreSettings
from serving.store.databases import DATABASES
from serving.store.earlier import EARLIER_DATABASES, EVIDENCE_FORMAT, LIVE_FORMAT, empty_other_live_format
from serving.store.keys import integer_of, key_of
from serving.store.records import Place
from serving.store.store import open_store
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL, init_store, require_consistent, stored, view_of


def reopen(scorer):
    scorer.close()
    scorer.services.opened_store = None
    scorer.poller.poll()


def counts(scorer):
    with view_of(scorer.store) as view:
        return view.count("live"), view.count("stubs")


def write(store, work):
    return store._environment.write(work)


def test_live_state_of_another_format_is_emptied(scorer):
    """Its records cannot be read; decisions, and live state of today's format, stay."""
    first = scorer.decide()
    reopen(scorer)
    assert counts(scorer) == (2, 1)

    write(scorer.store, lambda view: view.set_number(LIVE_FORMAT, 2))
    reopen(scorer)

    assert counts(scorer) == (0, 1)
    assert scorer.decide().data == first.data
    assert scorer.decide(transaction_id=2).json["counted"]


def test_only_the_first_of_two_workers_empties_the_live_state(scorer):
    """While a worker waits to empty it, another one has emptied it and counted an event, which stays."""

    def count_and_empty(view):
        view.set_number(LIVE_FORMAT, FORMAT)
        view.put("live", b"k1.a", b"counted")
        empty_other_live_format(view)

    write(scorer.store, count_and_empty)

    with view_of(scorer.store) as view:
        assert view.get("live", b"k1.a") == b"counted"


COLLIDING = int.from_bytes(b"\x07" + b"1234567", "big")
"""An integer id with the key that the text "1234567" had in an unreleased version."""
ANSWER = (
    b'{"transaction_id":%d,"decision":"approve","score":7,"threshold":9,"release":"first","mode":"SERVING",'
    b'"state_cutoff":"2024-10-03","counted":true,"reasons":[]}'
)


def earlier_store(home, ids, *, judged=True):
    """Write what version 0.1.0 has written about decided, labelled transactions: keys and values hold integers."""
    pack, key = msgspec.msgpack.encode, struct.Struct(">Q").pack
    folder = home / "store"
    folder.mkdir()
    with lmdb.open(str(folder), max_dbs=64) as environment, environment.begin(write=True) as transaction:
        names = (*DATABASES, *EARLIER_DATABASES)
        databases = {name: environment.open_db(name.encode(), transaction) for name in names}

        def put(name, at, value):
            transaction.put(at, value, db=databases[name])

        put("meta", b"label_sequence", key(len(ids)))
        for place, number in enumerate(ids):
            decision = [b"p%015d" % place, ANSWER % number, "first", 0, False, NOON, CUSTOMER, TERMINAL, 5, b"v"]
            put("decisions", key(number), pack(decision))
            put("labels", key(place + 1), pack([number, "legitimate", NOON, "till"]))
            waiting = [number, "legitimate", NOON, "first", 0, False, DAY, TERMINAL]
            put("pending", key(DAY) + TERMINAL.encode() + key(number), pack(waiting))
            if judged:
                put("judged", key(number), b"")
        put("dead", b"switch-00000001-60", b'{"mode":"SUSPENDED"}')


def convert(home):
    init_store(home)
    return open_store(StoreSettings(home=home))


def test_integer_ids_become_text(tmp_path):
    """Decisions and labels are found under the decimal text, in the order of the ids; the guard counts them anew."""
    ids = [0, 17, 1_234_567, 41, COLLIDING, (1 << 63) - 1]
    earlier_store(tmp_path, ids)
    store = convert(tmp_path)
    for place, number in enumerate(ids):
        decision, entry = stored(store, number)
        assert decision.payload == b"p%015d" % place
        assert (decision.score, decision.context.threshold, decision.context.mode) == (7, 9, "SERVING")
        assert (entry.vector, entry.customer, decision.history_complete) == (b"v", CUSTOMER, True)
    assert [entry.transaction_id for entry, _ in store.entries(1, 10, 10)] == [str(number) for number in sorted(ids)]
    assert (store.sizes()["judged"], store.sizes()["pending"], store.newest_arrival()) == (0, 6, 6)
    labels = store.read_labels(1, 10)
    assert [(number, label.transaction_id) for number, label in labels] == [
        (place, str(number)) for place, number in enumerate(ids, 1)
    ]
    with view_of(store) as view:
        assert list(view.items("pending")) == []
        assert [integer_of(key) for key, _ in view.items("stubs")] == list(range(1, 7))
    require_consistent(store)
    store.close()


def test_waiting_labels_of_an_earlier_store_still_count(tmp_path):
    """The day has both decisions, with their legitimate labels."""
    earlier_store(tmp_path, [1, 2], judged=False)
    store = convert(tmp_path)

    assert (store.count_arrivals(7, 100), store.take_in_labels(7, 100)) == (2, 2)

    (cohort,) = store.cohorts()
    assert cohort.timely == CohortCounts(DAY, "first", decided=2, flagged=0, legit_passed=2.0)
    store.close()


def blocks_of_terminals(view):
    """Write evidence as the version before wrote it, by epoch and terminal, and no format."""
    view.put("pending", key_of(DAY) + TERMINAL.encode() + key_of(1), msgspec.msgpack.encode(["fraud", NOON]))
    view.put("blocks", key_of(DAY) + key_of(0) + f"first/{TERMINAL}".encode(), b"[1, 0]")
    view.put("evidence", key_of(0) + b"first", b'{"release": "first", "epoch": 0}')
    view.set_number("judged", 1)
    view.set_number("guard_label_cursor", 1)
    view.set_number(EVIDENCE_FORMAT, 0)


def test_evidence_by_blocks_of_terminals_is_counted_anew(scorer):
    """The guard counts the decisions and labels that are there from the first on; none of them can trip."""
    scorer.decide()
    label = {"transaction_id": 1, "status": "legitimate", "learned_at": NOON}
    assert scorer.post("/v1/labels", {"labels": [label]}).status_code == 200
    begun = scorer.store.switch().epoch
    scorer.switch("suspend", begun)
    write(scorer.store, blocks_of_terminals)
    reopen(scorer)

    store = scorer.store
    assert (store.evidence(), store.cohorts(), store.sizes()["pending"]) == ({}, [], 1)
    assert (store.count_arrivals(7, 9), store.take_in_labels(7, 9), store.sizes()["judged"]) == (1, 1, 1)
    assert [(cohort.era, cohort.latest.legit_passed) for cohort in store.cohorts()] == [(0, 1.0)]
    assert (store.eras().starts, store.switch().mode) == ((0, begun + 1), Mode.SUSPENDED)


def test_dead_letters_of_an_earlier_store_wait_for_the_subscribers(tmp_path):
    """Nobody has got them, and they name no subscriber, so they are news for all."""
    earlier_store(tmp_path, [1])
    store = convert(tmp_path)

    assert (store.outbox.notifications(), store.outbox.dead_letters()) == (["switch-00000001-60"], [])
    store.close()


def test_a_decision_without_the_mark_counts_as_complete(tmp_path):
    """The record of the oldest version ends with the vector, and its repeat gets all that the first answer said."""
    earlier_store(tmp_path, [3])
    store = convert(tmp_path)

    decision = store.decision_of(Place("", "3"))

    assert (decision.history_complete, decision.counted, decision.arrival) == (True, True, 1)
    store.close()


def test_an_earlier_store_is_not_used_before_it_is_converted(tmp_path):
    """Without an identity it is refused, and nothing of it changes."""
    earlier_store(tmp_path, [1])
    before = (tmp_path / "store" / "data.mdb").read_bytes()

    with pytest.raises(StoreForeign, match=r"python -m serving\.store init"):
        open_store(StoreSettings(home=tmp_path))

    assert (tmp_path / "store" / "data.mdb").stat().st_size == len(before)
