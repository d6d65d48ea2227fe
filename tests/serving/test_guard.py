"""The guard counts matured labels once, trips on a broken limit and on nothing else, and survives being killed."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from antifraud.api.labels import LabelIn
from antifraud.client import verify_webhook
from antifraud.clock import DAY_SECONDS
from antifraud.errors import StaleEpoch
from antifraud.keys.subscribers import add_subscriber
from antifraud.killswitch.machine import Level, Mode, Order
from antifraud.settings.serving import GuardSettings
from serving.guard.known import CLOSING_SECONDS
from serving.guard.watch import inspect_evidence
from serving.store.port import Wanted
from serving.store.records import Context, Decision, Entry, NewDecision, Place
from serving.store.store import open_store
from serving.store.switchboard import set_switch
from tests.serving.processes import guard_process, wait_for
from tests.serving.scene import DAY, NOON, init_store, require_consistent

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
FIRST_DAY = DAY - 60
LATER = (DAY + 60) * DAY_SECONDS
"""A time when every cohort of the tests has matured."""


def new_store(home):
    """A store that is initialised as the service's own."""
    init_store(home)
    # A busy machine must not make a change come too late.
    return open_store(GuardSettings(home=home, store_map_bytes=1 << 28, store_wait_seconds=30.0))


@pytest.fixture
def store(tmp_path):
    opened = new_store(tmp_path)
    yield opened
    require_consistent(opened)
    opened.close()


@pytest.fixture
def settings(tmp_path):
    return GuardSettings(home=tmp_path, store_map_bytes=1 << 28)


def put(store, rows, *, status="legitimate", learned_day=None, first_id=None, epoch=None, complete=True):
    """Store decisions, unless the ids are known, and a label for each; `rows` are ``(day, terminal, flagged)``."""
    start = store.sizes()["decisions"] if first_id is None else first_id
    epoch = store.switch().epoch if epoch is None else epoch
    labels = []
    for number, (day, terminal, flagged) in enumerate(rows, start):
        time = day * DAY_SECONDS
        wanted = Wanted(Place("", str(number)), "k1.c", terminal, range(0))
        seen = store.look_up(wanted)
        if seen.earlier is None:
            context = Context("first", 500_000, "SERVING", epoch, day - 1)
            score = 600_000 if flagged else 400_000
            decision = Decision(
                context, score, time, time, terminal, 100, bytes(16), counted=True, history_complete=complete
            )
            entry = Entry(*wanted.place, "k1.c", b"")
            assert store.commit_decision(wanted, seen, NewDecision(decision, entry, None, None))
        learned = time if learned_day is None else learned_day * DAY_SECONDS
        labels.append(LabelIn(str(number), status, learned))
    now = max(label.learned_at for label in labels)
    assert store.add_labels("", labels, source="till", now=now, live_hour=0).unknown == []


def inspect_all(store, settings, now=LATER):
    """Inspect until nothing is waiting; return the reason if the service was suspended."""
    while True:
        inspection = inspect_evidence(store, settings, now)
        if inspection.suspended_because or not inspection.more:
            return inspection.suspended_because


def evidence(store, era=0, release="first"):
    return store.evidence().get((era, release))


def clustered_days(rng, days, rate, *, a_day=2_000, terminals=150):
    """Honest traffic whose terminals differ in how often they are flagged; the rate holds on average."""
    for day in days:
        share = rng.beta(rate * 8, (1 - rate) * 8, size=terminals)
        of = rng.integers(0, terminals, size=a_day)
        yield [(day, f"k1.t{t}", bool(flag)) for t, flag in zip(of, rng.random(a_day) < share[of], strict=True)]


def test_a_normal_month_does_not_trip_and_a_change_does(store, settings):
    """60,000 labels at 4.5 % do not suspend the service; at 20 % it is suspended within 1,500 labels."""
    rng = np.random.default_rng(7)
    for rows in clustered_days(rng, range(FIRST_DAY, FIRST_DAY + 30), rate=0.045):
        put(store, rows)
        assert inspect_all(store, settings) is None
    assert evidence(store)["legit"] == 60_000

    labels, reason = 0, None
    for rows in clustered_days(rng, range(FIRST_DAY + 30, FIRST_DAY + 40), rate=0.20, a_day=100):
        put(store, rows)
        labels += len(rows)
        if reason := inspect_all(store, settings):
            break

    sys.stdout.write(f"tripped {labels} labels after the change: {reason}\n")
    assert 0 < labels <= 1_000
    assert reason.startswith("false-positive rate of release first is above 5.0%: ")
    assert store.switch().mode is Mode.SUSPENDED
    # The bets of the terminals have warned when the first day above the limit closed.
    assert dict(store.switch().warnings) == {"terminal_bets": Level.WARN}
    assert len(store.outbox.notifications()) == 2


def test_immature_labels_wait(store, settings):
    """A cohort counts when the delay of its last second is over, however early its labels have come."""
    put(store, [(FIRST_DAY, "k1.a", False)] * 3)
    due = (FIRST_DAY + 8) * DAY_SECONDS + CLOSING_SECONDS

    inspect_all(store, settings, now=due - 1)
    assert evidence(store) is None

    inspect_all(store, settings, now=due)
    assert (evidence(store)["days"], evidence(store)["legit"]) == (1, 3)


def counted(store):
    return evidence(store)["legit"], evidence(store)["flagged"]


def test_the_latest_label_counts_and_only_once(store, settings):
    """Fraud that turns out legitimate counts as legitimate; the same label again changes nothing."""
    put(store, [(FIRST_DAY, "k1.a", True)], status="fraud", learned_day=FIRST_DAY + 1)
    put(store, [(FIRST_DAY, "k1.a", True)], status="legitimate", learned_day=FIRST_DAY + 2, first_id=0)
    put(store, [(FIRST_DAY, "k1.a", True)], status="fraud", learned_day=FIRST_DAY + 1, first_id=0)
    inspect_all(store, settings)
    assert counted(store) == (1, 1)

    put(store, [(FIRST_DAY, "k1.a", True)], learned_day=FIRST_DAY + 9, first_id=0)
    inspect_all(store, settings)
    assert counted(store) == (1, 1)


def test_decisions_with_an_incomplete_history_are_no_evidence(store, settings):
    """The flagged row with a complete history counts; the other one is dropped, not kept waiting."""
    for complete in (True, False):
        put(store, [(FIRST_DAY, "k1.a", True)], complete=complete)
    inspect_all(store, settings)

    assert counted(store) == (1, 1)
    assert store.sizes()["pending"] == 0


def test_late_labels_continue_their_block(tmp_path):
    """The evidence of a day does not depend on how its decisions and labels were spread over inspections."""
    split, whole = (new_store(tmp_path / name) for name in ("split", "whole"))
    for store in (split, whole):
        for _ in range(2):
            put(store, [(FIRST_DAY, "k1.a", number % 2 == 0) for number in range(10)])
            if store is split:
                inspect_all(store, GuardSettings(home=tmp_path / "split"), now=(FIRST_DAY + 1) * DAY_SECONDS)
        inspect_all(store, GuardSettings(home=tmp_path / "any"))

    assert (evidence(split)["days"], *counted(split)) == (1, 20, 10)
    assert evidence(split) == evidence(whole)
    for store in (split, whole):
        require_consistent(store)
        store.close()


def test_frauds_and_unknowns_are_no_evidence(store, settings):
    """The false-positive rate counts legitimate rows only; an unknown label may become known until the day closes."""
    put(store, [(FIRST_DAY, "k1.a", True)] * 5, status="fraud")
    put(store, [(FIRST_DAY, "k1.b", True)], status="unknown", first_id=99)
    put(store, [(FIRST_DAY, "k1.b", True)], status="unknown", first_id=100)
    inspect_all(store, settings, now=(FIRST_DAY + 1) * DAY_SECONDS)
    assert evidence(store) is None

    put(store, [(FIRST_DAY, "k1.b", True)], status="legitimate", first_id=99)
    inspect_all(store, settings)
    assert counted(store) == (1, 1)


def test_evidence_restarts_after_a_trip(store, settings):
    """Labels of decisions from before the suspension do not suspend the service again."""
    begun = store.switch().epoch
    bad_days = [(FIRST_DAY, f"k1.t{n % 200}", n % 3 == 0) for n in range(2_000)]
    put(store, bad_days)
    assert inspect_all(store, settings)
    put_before_resume = [(FIRST_DAY + 1, f"k1.t{n % 200}", n % 3 == 0) for n in range(2_000)]
    store.change_switch(Order(mode=Mode.SERVING, expected_epoch=begun + 1, reason="mended", by="boss", at=NOON))
    put(store, put_before_resume, first_id=10_000, epoch=begun)

    assert inspect_all(store, settings) is None
    put(store, [(FIRST_DAY + 2, "k1.a", False)], first_id=20_000)
    inspect_all(store, settings)
    assert (evidence(store, era=begun + 1)["legit"], evidence(store, era=begun + 1)["tripped"]) == (1, False)


def test_a_killed_guard_ends_with_the_same_evidence(tmp_path):
    """A guard that is killed again and again within 20,000 labels counts the same as an undisturbed one."""
    rng = np.random.default_rng(3)
    rows = [row for day in clustered_days(rng, range(FIRST_DAY, FIRST_DAY + 10), rate=0.03) for row in day]
    undisturbed, disturbed = new_store(tmp_path / "a"), new_store(tmp_path / "b")
    for store in (undisturbed, disturbed):
        put(store, rows)
    inspect_all(undisturbed, GuardSettings(home=tmp_path / "a"), now=NOON)

    judged = [0]
    while judged[-1] < len(rows):
        # A successor waits until the lease of a killed guard is over.
        with guard_process(tmp_path / "b", ANTIFRAUD_GUARD_LEASE_SECONDS="1") as process:
            wait_for(lambda: disturbed.sizes()["judged"] >= min(judged[-1] + 500, len(rows)), "the guard to count", 20)
            process.kill()
        judged.append(disturbed.sizes()["judged"])
    with guard_process(tmp_path / "b"):
        wait_for(lambda: disturbed.closed_day() == FIRST_DAY + 9, "the guard to close all days", 20)

    assert 0 < judged[1] < len(rows)
    assert evidence(disturbed) == evidence(undisturbed)
    disturbed.close()
    undisturbed.close()


@pytest.mark.parametrize("url", ["http://ops.example/hook", "https://10.0.0.1/", "https://", "ops", 7])
def test_subscribers_that_cannot_be_used_are_refused_at_the_start(tmp_path, url):
    """The guard ends in one line with the exit code of a settings error, instead of failing at the first trip."""
    (tmp_path / "secrets").mkdir()
    entry = {"name": "ops", "url": url, "secrets": [SECRET]}
    (tmp_path / "secrets" / "subscribers.json").write_text(json.dumps({"subscribers": [entry]}))
    with guard_process(tmp_path) as process:
        assert process.wait(timeout=20) == 10

    said = (tmp_path / "guard.log").read_text()
    assert (said.startswith("error: "), said.count("\n"), SECRET in said) == (True, 1, False)


def test_a_limit_that_cannot_be_watched_is_refused_at_the_start(tmp_path):
    """No rate lies far enough above such a limit; it is refused at the start, not when the first day closes."""
    with guard_process(tmp_path, ANTIFRAUD_FPR_LIMIT="0.6") as process:
        assert process.wait(timeout=20) == 10

    said = (tmp_path / "guard.log").read_text()
    assert said.startswith("error: the guard cannot watch ANTIFRAUD_FPR_LIMIT=0.6 (limit must lie in (0, 0.79)")


class Subscriber(BaseHTTPRequestHandler):
    """Refuses the first delivery and takes the others."""

    def do_POST(self):
        """Remember the delivery."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(503 if len(self.server.received) <= self.server.refusals else 204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def subscriber():
    server = HTTPServer(("127.0.0.1", 0), Subscriber)
    server.received, server.refusals = [], 1
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_trip_is_told_with_a_signature_the_sdk_verifies(tmp_path, subscriber):
    """The real guard suspends, is refused once, delivers again, and ends cleanly on SIGTERM."""
    store = new_store(tmp_path)
    path = GuardSettings(home=tmp_path).subscribers_path
    secret = add_subscriber(path, "ops", f"http://127.0.0.1:{subscriber.server_port}/hook", ()).read_text().strip()
    put(store, [(FIRST_DAY, f"k1.t{n % 200}", n % 3 == 0) for n in range(2_000)])

    with guard_process(tmp_path) as process:
        wait_for(lambda: len(subscriber.received) >= 2, "the webhook", 20)
        wait_for(lambda: store.sizes()["outbox"] == 0, "the outbox to be empty")
        process.terminate()
        assert process.wait(timeout=10) == 0

    (_, _), (headers, body) = subscriber.received
    event = verify_webhook(secret, headers, body)
    assert (event.type, event.switch["mode"]) == ("antifraud.switch.suspended", "SUSPENDED")
    assert subscriber.received[0][0]["webhook-id"] == headers["webhook-id"] == event.id
    assert (tmp_path / "guard.log").read_text().count('"event": "suspended"') == 1
    store.close()


def test_the_heartbeat_goes_on_while_the_guard_catches_up(store, settings):
    """An inspection that only takes in a full batch of labels writes it, too."""
    put(store, [(FIRST_DAY, "k1.a", False)] * 200)

    assert inspect_evidence(store, settings, LATER).more
    assert json.loads(store.reports()["guard"])["business_time"] == LATER


def suspend_twice(view):
    for _ in range(2):
        set_switch(view, Order(mode=Mode.SUSPENDED, expected_epoch=1, reason="a drill", by="boss", at=60))


def test_a_change_in_a_refused_transaction_is_not_told(store):
    """Notification and change are one transaction."""
    with pytest.raises(StaleEpoch):
        store._environment.write(suspend_twice)

    assert (store.outbox.notifications(), store.switch().mode) == ([], Mode.SERVING)
