"""Every decision, every label and every change of the switch is in the lake once, whatever happens to the shipper."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy.exc import OperationalError

from antifraud.clock import DAY_SECONDS, date_of
from antifraud.errors import CatalogError
from antifraud.killswitch.eras import FIRST
from antifraud.killswitch.machine import Mode, Order
from antifraud.lake.appending import Appender
from antifraud.lake.catalog import open_catalog, rows_by_day
from antifraud.lake.errors import LakeBehind, Overtaken, StoreBehind
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS, SWITCH_HISTORY
from antifraud.settings.core import JobSettings
from serving.shipper.__main__ import main
from serving.shipper.shipping import ship
from serving.store.records import Place
from serving.store.store import open_store
from serving.store.tallies import put_eras
from tests.lake_tables import append, make_tables, rows_of
from tests.serving.kill_shipper import STEPS
from tests.serving.outcome_scene import pay, tell
from tests.serving.port_scene import GONE, commit, put_label, remove_all, settings_of
from tests.serving.processes import ROOT
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL, init_store
from tests.serving.test_store_contract import close_today

TODAY, YESTERDAY = date_of(DAY), date_of(DAY - 1)


@pytest.fixture
def home(tmp_path):
    """A home with an initialised store, and a lake that has the tables."""
    (tmp_path / "releases").mkdir()
    init_store(tmp_path)
    forget_begin(tmp_path)
    make_tables(JobSettings(home=tmp_path))
    return tmp_path


@pytest.fixture
def store(home):
    """The opened store."""
    opened = open_store(settings_of(home))
    yield opened
    opened.close()


@pytest.fixture
def lake(home):
    """Settings of the lake."""
    return JobSettings(home=home)


def forget_begin(home):
    """Take the first resume out of the history, as in a store of an earlier version, which began by itself."""
    store = open_store(settings_of(home))
    store._environment.write(lambda view: view.clear("switch"))
    store.close()


def ship_all(store, lake, rows=1_000):
    """Ship everything in a round of its own, as a shipper that has just started."""
    return ship(store, Appender(lake, store.identity), rows, should_stop=lambda: False)


def arrivals_of(lake):
    return [row["arrival"] for row in rows_of(lake, DECISIONS)]


def suspend(store):
    switch = store.switch()
    mode = Mode.SUSPENDED if switch.mode is not Mode.SUSPENDED else Mode.SERVING
    return store.change_switch(Order(mode=mode, expected_epoch=switch.epoch, reason="a drill", by="boss", at=NOON))


def test_a_shipped_decision_says_all_that_was_decided(store, lake):
    """The row has token, vector, score, release and flags; the store has let go of the vector."""
    commit(store, 17, flagged=True, namespace="shop")

    assert ship_all(store, lake) == {"switch_history": 0, "client_labels": 0, "outcomes": 0, "decisions": 1}

    (row,) = rows_of(lake, DECISIONS)
    vector = row.pop("vector")
    assert row == {
        "day": TODAY,
        "store": store.identity,
        "arrival": 1,
        "decision_id": store.decision_id(Place("shop", "17"), 1),
        "namespace": "shop",
        "transaction_id": "17",
        "event_time": NOON,
        "decided_at": NOON + 1,
        "customer": CUSTOMER,
        "terminal": TERMINAL,
        "amount": 7_091,
        "release": "first",
        "score": 600_000,
        "threshold": 500_000,
        "mode": "SERVING",
        "epoch": 0,
        "cutoff": YESTERDAY,
        "would_flag": True,
        "flagged": True,
        "effect": "flag",
        "policy": 0,
        "hits": "",
        "propensity": 0.0,
        "counted": True,
        "history_complete": True,
        "era": 0,
    }
    assert len(vector) == 25
    assert (store.entries(1, 9, 9), store.shipped().arrival) == ([], 1)


def test_a_shipped_decision_tells_its_era(store, lake):
    """A decision that was made after a trip belongs to the era that began with the trip's epoch."""
    commit(store, 1)
    suspend(store)
    store._environment.write(lambda view: put_eras(view, FIRST.begin(store.switch().epoch)))
    commit(store, 2)

    ship_all(store, lake)

    assert [(row["epoch"], row["era"]) for row in rows_of(lake, DECISIONS)] == [(0, 0), (1, 1)]


def test_labels_and_changes_of_the_switch_are_shipped_with_their_order(store, lake):
    """A label tells how many decisions came before it; the record of a change is the switch as the store has it."""
    commit(store, 1)
    put_label(store, 1, status="fraud", learned_at=NOON + 60)
    commit(store, 2)
    put_label(store, 1, status="legitimate", learned_at=NOON + 90)
    suspend(store)

    assert ship_all(store, lake) == {"switch_history": 1, "client_labels": 2, "outcomes": 0, "decisions": 2}

    first, second = rows_of(lake, CLIENT_LABELS)
    assert first == {
        "day": TODAY,
        "store": store.identity,
        "sequence": 1,
        "namespace": "",
        "transaction_id": "1",
        "event_time": NOON,
        "terminal": TERMINAL,
        "arrival": 1,
        "after": 1,
        "status": "fraud",
        "learned_at": NOON + 60,
        "source": "till",
        "propensity": 1.0,
        "received_at": NOON + 30 * DAY_SECONDS,
    }
    assert (second["sequence"], second["after"], second["status"]) == (2, 2, "legitimate")
    (change,) = rows_of(lake, SWITCH_HISTORY)
    said = [change[name] for name in ("day", "epoch", "changed_at", "mode", "reason", "changed_by")]
    assert said == [TODAY, 1, NOON, "SUSPENDED", "a drill", "boss"]
    assert json.loads(change["record"])["epoch"] == 1


def test_outcomes_are_shipped_with_their_effect_and_stay_until_then(store, lake):
    """The row says what the outcome has done and when it came; the store removes none that is not in the lake."""
    pay(store, 1)
    close_today(store)
    tell(store, (1, "declined", NOON + 60))
    store.release(1, 1)
    remove_all(store, GONE)
    assert [number for number, _ in store.outcomes.read(1, 9)] == [1]

    assert ship_all(store, lake)["outcomes"] == 1

    (row,) = rows_of(lake, OUTCOMES)
    assert row == {
        "day": TODAY,
        "store": store.identity,
        "sequence": 1,
        "namespace": "",
        "transaction_id": "1",
        "event_time": NOON,
        "arrival": 1,
        "after": 1,
        "outcome": "declined",
        "happened_at": NOON + 60,
        "received_at": NOON + 600,
        "source": "till",
        "effect": "removed",
    }
    remove_all(store, GONE)
    assert (store.outcomes.read(1, 9), store.outcomes.shipped()) == ([], 1)


def test_days_are_those_of_the_events_also_of_one_that_is_shipped_late(store, lake):
    """A decision about the day before yesterday that comes today lies in its own day."""
    commit(store, 1)
    ship_all(store, lake)
    commit(store, 2, time=NOON - 2 * DAY_SECONDS)
    ship_all(store, lake)

    first = TODAY - dt.timedelta(days=2)
    assert rows_by_day(open_catalog(lake), DECISIONS, first, TODAY) == {first: 1, TODAY: 1}


def test_a_backlog_is_shipped_in_appends_of_a_bounded_size(store, lake):
    """Five decisions in appends of two make three snapshots, and no row twice."""
    for number in range(5):
        commit(store, number)

    assert ship_all(store, lake, rows=2)["decisions"] == 5

    assert arrivals_of(lake) == [1, 2, 3, 4, 5]
    assert len(open_catalog(lake).load_table(("antifraud", "decisions")).snapshots()) == 3


def test_a_round_that_is_stopped_ends_after_its_append(store, lake):
    """SIGTERM waits for one append at most; the next round ships the rest."""
    for number in range(4):
        commit(store, number)
    asked = iter([False, False, False, False, True])

    shipped = ship(store, Appender(lake, store.identity), 2, should_stop=lambda: next(asked))

    assert (shipped["decisions"], store.shipped().arrival) == (2, 2)
    assert ship_all(store, lake)["decisions"] == 2
    assert arrivals_of(lake) == [1, 2, 3, 4]


@pytest.mark.parametrize("calls", [(3,), pytest.param((1, 2, 3), marks=pytest.mark.prove)], ids=["decisions", "all"])
def test_a_shipper_killed_at_every_step_ships_every_row_once(home, lake, calls):
    """After each kill a new shipper goes on: in the end lake and store have as many decisions, labels and changes."""
    numbers = iter(range(1_000))
    kills = [(step, call) for step in STEPS for call in ((1,) if "lets go" in step else calls)]
    for step, call in kills:
        store = open_store(settings_of(home))
        for number in (next(numbers), next(numbers)):
            commit(store, number)
            put_label(store, number)
        suspend(store)
        store.close()
        command = [sys.executable, "-m", "tests.serving.kill_shipper", str(home), step, str(call)]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9, step

    store = open_store(settings_of(home))
    try:
        ship_all(store, lake)
        assert arrivals_of(lake) == list(range(1, 2 * len(kills) + 1))
        assert [row["sequence"] for row in rows_of(lake, CLIENT_LABELS)] == list(range(1, 2 * len(kills) + 1))
        assert [row["epoch"] for row in rows_of(lake, SWITCH_HISTORY)] == list(range(1, len(kills) + 1))
        assert (store.shipped().arrival, store.entries(1, 999, 9)) == (2 * len(kills), [])
    finally:
        store.close()


def test_a_commit_whose_answer_is_lost_is_not_repeated(store, lake, monkeypatch):
    """The catalog commits, and its connection breaks before it says so: the next round finds the rows there."""
    commit(store, 1)
    commit_table = SqlCatalog.commit_table

    def lose_answer(*arguments):
        commit_table(*arguments)
        raise OperationalError("UPDATE", {}, Exception("connection lost"))

    with monkeypatch.context() as patched:
        patched.setattr(SqlCatalog, "commit_table", lose_answer)
        with pytest.raises(CatalogError, match="did not do what it was asked"):
            ship_all(store, lake)
    assert store.shipped().arrival == 0
    commit(store, 2)

    assert ship_all(store, lake)["decisions"] == 1
    assert (arrivals_of(lake), store.shipped().arrival) == ([1, 2], 2)


def interrupt_first_commit(monkeypatch, act):
    """Let somebody else act between the reading of a table and the commit to it."""
    commit_table, waiting = SqlCatalog.commit_table, [act]

    def after_others(*arguments):
        while waiting:
            waiting.pop()()
        return commit_table(*arguments)

    monkeypatch.setattr(SqlCatalog, "commit_table", after_others)


def test_of_two_shippers_one_appends(store, lake, monkeypatch):
    """The one that is overtaken between reading and commit appends nothing and says so."""
    commit(store, 1)
    interrupt_first_commit(monkeypatch, lambda: ship_all(store, lake))

    with pytest.raises(Overtaken, match="has rows up to 1 of this source, nothing was expected"):
        ship_all(store, lake)
    assert arrivals_of(lake) == [1]


def test_another_commit_to_the_table_does_not_hinder_an_append(store, lake, monkeypatch):
    """Rows of another store, or a compaction, come first; the append is repeated on top of them."""
    commit(store, 1)
    ship_all(store, lake)
    (row,) = rows_of(lake, DECISIONS)
    other = tuple({**row, "store": "another"}.values())
    commit(store, 2)
    interrupt_first_commit(monkeypatch, lambda: append(lake, DECISIONS, [other]))

    assert ship_all(store, lake)["decisions"] == 1
    assert sorted((each["store"] == store.identity, each["arrival"]) for each in rows_of(lake, DECISIONS)) == [
        (False, 1),
        (True, 1),
        (True, 2),
    ]


def test_while_the_catalog_is_away_nothing_is_lost(home, store, lake):
    """Rounds fail by name, the store keeps what it has, and the first round afterwards ships all of it."""
    commit(store, 1)
    catalog = lake.catalog_file
    catalog.rename(home / "away.db")
    catalog.mkdir()
    for number in (2, 3):
        with pytest.raises(CatalogError):
            ship_all(store, lake)
        commit(store, number)
    catalog.rmdir()
    (home / "away.db").rename(catalog)

    assert ship_all(store, lake)["decisions"] == 3
    assert arrivals_of(lake) == [1, 2, 3]


def test_before_the_lake_has_the_tables_the_shipper_waits(tmp_path):
    """Without a lake, and in a lake of an earlier version, the message says what makes the tables; nothing is made."""
    init_store(tmp_path)
    forget_begin(tmp_path)
    store, lake = open_store(settings_of(tmp_path)), JobSettings(home=tmp_path)
    try:
        commit(store, 1)
        with pytest.raises(CatalogError, match="there is no lake yet"):
            ship_all(store, lake)
        assert not lake.catalog_file.exists()
        make_tables(lake, [SWITCH_HISTORY, CLIENT_LABELS, OUTCOMES])
        with pytest.raises(CatalogError, match="lacks a table of this version: run the lake DAG"):
            ship_all(store, lake)
        assert store.shipped().arrival == 0
    finally:
        store.close()


def test_a_store_restored_from_an_older_copy_is_refused_by_name(home, lake):
    """The copy ends before what the lake has of it; also after it has gone on and has other decisions there."""
    store = open_store(settings_of(home))
    commit(store, 1)
    store.close()
    shutil.copytree(home / "store", home / "copy")
    store = open_store(settings_of(home))
    for number in (2, 3):
        commit(store, number)
    ship_all(store, lake)
    store.close()
    shutil.rmtree(home / "store")
    (home / "copy").rename(home / "store")

    store = open_store(settings_of(home))
    try:
        with pytest.raises(StoreBehind, match=r"decisions have numbers up to 3 of store .*, and the store ends with 1"):
            ship_all(store, lake)
        for number in (12, 13, 14):
            commit(store, number)
        with pytest.raises(StoreBehind, match="number 3 of the lake's decisions is another record in store"):
            ship_all(store, lake)
        assert (store.shipped().arrival, arrivals_of(lake)) == (0, [1, 2, 3])
    finally:
        store.close()


def test_a_table_without_rows_that_the_store_has_let_go_is_refused(store, lake):
    """The lake's own copy was restored: the missing rows are nowhere else, so nothing is appended after the gap."""
    for number in range(3):
        commit(store, number)
    ship_all(store, lake)
    table = open_catalog(lake).load_table(("antifraud", "decisions"))
    with table.transaction() as transaction:
        transaction.set_properties({f"shipped.{store.identity}": "2"})

    with pytest.raises(LakeBehind, match="has let go of decisions up to 3, and the lake has them up to 2"):
        ship_all(store, lake)


def test_decisions_that_were_released_by_hand_before_are_not_expected(store, lake):
    """If the first decisions of a store went elsewhere, it is shipped from the next one on."""
    for number in range(3):
        commit(store, number)
    store.release(1, 2)

    assert ship_all(store, lake)["decisions"] == 1
    assert arrivals_of(lake) == [3]


def test_the_command_ships_once_and_names_its_failures(home, lake, capfd):
    """`--once` ends with 0 after a log line, and with the failure's own code if the store is behind the lake."""
    environ = {"ANTIFRAUD_HOME": str(home), "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 26)}
    store = open_store(settings_of(home))
    commit(store, 1)
    store.close()

    assert main(["--once"], environ) == 0
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (line["event"], line["decisions"], line["client_labels"]) == ("shipped", 1, 0)
    table = open_catalog(lake).load_table(("antifraud", "decisions"))
    with table.transaction() as transaction:
        (name,) = [name for name in table.properties if name.startswith("shipped.")]
        transaction.set_properties({name: "9"})
    assert main(["--once"], environ) == 90
    assert "and the store ends with 1: an older copy of it was restored" in capfd.readouterr().err


def test_a_lake_of_other_settings_is_refused(store, lake, tmp_path):
    """Rows are appended only to the lake that belongs to the settings."""
    commit(store, 1)
    other = JobSettings(home=tmp_path / "other")
    make_tables(other)

    with pytest.raises(Exception, match="whose warehouse belongs to lake"):
        ship_all(store, replace(lake, warehouse=other.lake_warehouse))
    assert store.shipped().arrival == 0
