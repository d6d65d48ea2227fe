"""A replay of the shipped log by arrival gives every logged vector, and that of a changed log does not."""

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from antifraud.clock import HOUR_SECONDS, date_of, day_of
from antifraud.features.registry import FEATURE_NAMES
from antifraud.keys.pseudonym import tokenise
from antifraud.lake.appending import Appender
from antifraud.lake.catalog import open_catalog
from antifraud.lake.errors import ReplayMismatch
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.schemas import FEATURES, RUNS
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS, SHIPPED_TABLES
from antifraud.settings.core import JobSettings
from jobs.parity.log import read_log
from jobs.parity.replay import replay
from jobs.parity.report import parity_of
from jobs.parity.states import States
from jobs.parity_report import main as report_job
from jobs.spark.runtime import day_parser
from serving.shipper.shipping import ship
from serving.store.store import open_store
from tests.lake_tables import append, make_tables, rows_of
from tests.serving.port_scene import settings_of
from tests.serving.scene import DAY, KEY, NOON, export_state
from tests.serving.test_time_rules import Run
from tests.serving.worlds import DELAY_DAYS

THREADS = 8


@pytest.fixture
def lake(home, monkeypatch):
    """Settings of a lake with all tables that the report reads; it reads copies of the states.

    A process opens an LMDB environment only once, and the scorer of this process has them open.
    """

    def copied(settings):
        shutil.copytree(settings.home / "state", settings.home / "copies", dirs_exist_ok=True)
        return settings.home / "copies"

    monkeypatch.setattr(JobSettings, "state_dir", property(copied))
    settings = JobSettings(home=home, label_delay_days=DELAY_DAYS)
    make_tables(settings, (*SHIPPED_TABLES, OUTCOMES, FEATURES, RUNS))
    return settings


def ship_all(store, lake):
    return ship(store, Appender(lake, store.identity), 1_000, should_stop=lambda: False)


def checked(lake, days):
    """Return how many decisions of the days were replayed alike, and the arrival numbers of the others."""
    same, mismatches = 0, []
    for day in days:
        for log in read_log(open_catalog(lake), date_of(day), lake.label_delay_days).values():
            with States(lake.state_dir) as states:
                found = replay(log, states)
            same += found.same
            mismatches += found.mismatches
            assert (found.without_state, found.other_features) == (0, 0)
    return same, mismatches


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(1, 9))])
def test_late_events_labels_and_nights_are_replayed_bit_by_bit(home, lake, seed):
    """Events late by up to five days, labels in any order, changes of the cut-off: each day's log gives its vectors."""
    run = Run(home, seed)
    assert run.live_through() == []
    store = open_store(settings_of(home))
    try:
        made = store.newest_arrival()
        assert ship_all(store, lake)["decisions"] == made
        assert store.newest_label() > 20
    finally:
        store.close()

    days = {day_of(row["decided_at"]) for row in rows_of(lake, DECISIONS)}
    assert checked(lake, sorted(days)) == (made, [])


def test_concurrent_decisions_and_labels_are_replayed_bit_by_bit(scorer, home, lake):
    """Eight clients at one terminal, with labels, declines and a change of the cut-off between: no vector differs."""
    scorer.clock.time = NOON + 3 * HOUR_SECONDS
    terminal = tokenise(KEY, "terminal", 7)
    numbers = itertools.count(1)

    def decide(_):
        number = next(numbers)
        time = NOON + number * 61 % (3 * HOUR_SECONDS)
        customer = tokenise(KEY, "customer", number % 5)
        answer = scorer.decide(
            transaction_id=number, event_time=time, customer=customer, terminal=terminal, amount=number
        )
        assert answer.status_code == 200
        if number % 9 == 0:
            body = {"transaction_id": number, "status": "fraud", "learned_at": time}
            assert scorer.post("/v1/labels", {"labels": [body]}).status_code == 200
        for outcome, at in (("declined", time + 1), ("authorised", time + 2))[: number % 7 == 0 and 1 + number % 2]:
            body = {"transaction_id": number, "outcome": outcome, "happened_at": at}
            assert scorer.post("/v1/outcomes", {"outcomes": [body]}).status_code == 200

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(decide, range(150)))
        export_state(home / "state", DAY, {}, sequence=2)
        scorer.poller.poll()
        list(pool.map(decide, range(20)))
    ship_all(scorer.store, lake)

    assert checked(lake, [DAY]) == (170, [])
    assert len(rows_of(lake, CLIENT_LABELS)) == 18
    effects = [row["effect"] for row in rows_of(lake, OUTCOMES)]
    assert effects.count("removed") > 10
    assert effects.count("restored") > 5


def decide_three(scorer):
    """Decide three events of one hour about the same parties."""
    scorer.clock.time = NOON + HOUR_SECONDS
    for number in (1, 2, 3):
        assert scorer.decide(transaction_id=number, event_time=NOON + number, amount=100 * number).status_code == 200


def test_a_log_without_an_event_that_was_counted_fails_the_report(scorer, lake, capsys):
    """The vectors of the later events cannot be computed from it; the report names their arrival numbers."""
    decide_three(scorer)
    ship_all(scorer.store, lake)
    rows = [tuple(row.values()) for row in rows_of(lake, DECISIONS)]
    table = open_catalog(lake).load_table(("antifraud", "decisions"))
    table.delete("arrival = 2")

    with pytest.raises(
        ReplayMismatch, match=r"1 of 2 decisions of 2024-10-04 \(arrival numbers 3\) have other vectors"
    ):
        report_job(lake, day_parser("").parse_args(["--day", "2024-10-04"]))
    assert "1 of 2 vectors are those of the arrival order, 1 are not" in capsys.readouterr().out
    append(lake, DECISIONS, rows[1:2])
    append(lake, DECISIONS, rows[1:2])
    with pytest.raises(ReplayMismatch, match=r"has 1 arrival numbers twice \(2\)"):
        parity_of(lake, date_of(DAY)).require_same()


def test_the_report_compares_with_the_lake_and_is_kept(scorer, home, lake):
    """Features of the lake that count other events give a distance, which fails nothing; the report is JSON."""
    decide_three(scorer)
    ship_all(scorer.store, lake)
    logged = {row["arrival"]: row["vector"] for row in rows_of(lake, DECISIONS)}
    other = [1.0, *logged[2][1:]]
    features = [
        (date_of(DAY), number, NOON + number, "k1.c", "k1.t", 100 * number, *nullable(vector), None)
        for number, vector in ((1, logged[1]), (2, other))
    ]
    append(lake, FEATURES, features)
    append(lake, RUNS, [("features", date_of(DAY), "", 0, 2, f'{{"version": {FEATURES.version}}}', 1)])

    report_job(lake, day_parser("").parse_args(["--day", "2024-10-04"]))

    report = parity_of(lake, date_of(DAY)).to_dict()
    assert report["replay"]["same"] == 3
    assert (report["lake"]["compared"], report["lake"]["same"], report["lake"]["causes"]["other"]) == (2, 1, 1)
    assert report["lake"]["features"] == {FEATURE_NAMES[0]: 1}
    assert (home / "reports" / "2024-10-04" / "parity.json").read_text().startswith("{\n")


def nullable(vector):
    return [None if np.isnan(value) else value for value in vector]


def test_without_a_log_or_its_state_the_report_says_so(scorer, lake, monkeypatch):
    """A day without decisions, and decisions whose state maintenance has removed, fail nothing."""
    assert parity_of(lake, date_of(DAY - 3)).to_dict()["decisions"] == 0
    decide_three(scorer)
    ship_all(scorer.store, lake)
    monkeypatch.setattr(JobSettings, "state_dir", property(lambda settings: settings.home / "removed"))

    report = parity_of(lake, date_of(DAY))

    assert (report.decisions, report.same, report.without_state, report.mismatches) == (3, 0, 3, [])
    assert "3 without state, 0 are not" in report.lines()[0]


def test_a_lake_of_an_earlier_version_has_no_log(tmp_path):
    """Before the tables are made, the report has nothing to compare."""
    settings = JobSettings(home=tmp_path)
    make_tables(settings, (RUNS,))

    assert parity_of(settings, date_of(DAY)).decisions == 0
