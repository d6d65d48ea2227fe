"""Rows of the table `outcomes` become absences of the lake's own payments."""

import datetime as dt

from antifraud.lake.outcomes import AbsentPayment, absent_payments, inputs_of_absent

DAY = dt.date(2026, 1, 2)
TIME = 1_767_312_000


def row(name, sequence, effect, received_at, store="s", arrival=1, namespace=""):
    """A row as the shipper writes it."""
    return {
        "day": DAY, "store": store, "sequence": sequence, "namespace": namespace, "transaction_id": name,
        "event_time": TIME, "arrival": arrival, "received_at": received_at, "effect": effect,
    }  # fmt: skip


def test_the_order_of_the_store_decides():
    """A payment was declined, authorised and declined again; rows may come in any order."""
    rows = [row("17", 3, "removed", TIME + 50), row("17", 1, "removed", TIME + 10), row("17", 2, "restored", TIME + 20)]

    assert absent_payments(rows, "global") == {
        DAY: [AbsentPayment(DAY, 17, TIME, TIME + 10, TIME + 20), AbsentPayment(DAY, 17, TIME, TIME + 50, None)]
    }


def test_ids_of_the_source_alone_are_taken():
    """A text that the source never writes is no payment of the lake, nor is an id of another day's scope."""
    rows = [row(name, 1, "removed", TIME) for name in ("till-3:1", "017", "2026-01-02:17", "2026-01-03:18")]

    assert absent_payments(rows, "global") == {}
    assert absent_payments(rows, "day") == {DAY: [AbsentPayment(DAY, 17, TIME, TIME, None)]}


def test_other_namespaces_are_not_the_lakes():
    """The id of a client with a namespace of its own names another payment."""
    rows = [row("17", 1, "removed", TIME, namespace="shop"), row("18", 2, "removed", TIME)]

    assert absent_payments(rows, "global") == {DAY: [AbsentPayment(DAY, 18, TIME, TIME, None)]}


def test_two_stores_are_kept_apart():
    """Each store numbers its own outcomes; one that declined a payment does not restore another's."""
    rows = [row("17", 1, "removed", TIME + 10), row("17", 1, "restored", TIME + 20, store="t", arrival=9)]

    assert absent_payments(rows, "global") == {DAY: [AbsentPayment(DAY, 17, TIME, TIME + 10, None)]}


def test_a_day_without_absences_keeps_its_inputs():
    """No day of a lake without outcomes becomes stale; a day with some is told apart from one with others."""
    assert inputs_of_absent([]) == []
    assert inputs_of_absent([AbsentPayment(DAY, 17, TIME, TIME + 10, None)]) == [[[17, TIME, TIME + 10, None]]]
