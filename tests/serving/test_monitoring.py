"""Metrics tell what an operator has to know, and every alert rests on metrics that a real scorer has."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from antifraud.killswitch.machine import Mode, Order
from antifraud.settings.serving import ScorerSettings
from infra.monitoring.promtool import find_promtool
from serving.store.store import open_store
from tests.serving.policy_scene import activate_text, cap
from tests.serving.processes import GunicornScorer
from tests.serving.scene import DAY, NOON, Scorer, init_store, transaction

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "infra" / "monitoring"
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
NAME = re.compile(r"antifraud_[a-z_]+")
SUFFIXES = ("_bucket", "_count", "_sum")


@pytest.mark.parametrize(("action", "file"), [("check", "alerts.yml"), ("test", "alerts_test.yml")])
def test_the_alert_rules_pass_promtool(action, file):
    """The rules are well-formed, and fire for the series of their tests when they should, and only then."""
    command = [str(find_promtool()), action, "rules", file]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_with_series_that_raise_it_and_with_others():
    """No rule is without both, and each has a part of the page."""
    cases = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    tried = {(check["alertname"], bool(check["exp_alerts"])) for case in cases for check in case["alert_rule_test"]}

    names = [rule["alert"] for rule in RULES]
    assert tried == {(name, raised) for name in names for raised in (True, False)}
    assert [rule["annotations"]["runbook"] for rule in RULES] == [
        f"docs/monitoring.md#{name.lower()}" for name in names
    ]
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == names


def names_in(text):
    """Names of metrics in a text, as Prometheus stores their series."""
    return {re.sub(rf"({'|'.join(SUFFIXES)})$", "", name) for name in NAME.findall(text)}


def fill_outbox(home):
    """Leave a delivery that waits, a dead letter and a notification, as a guard may have done."""
    store = open_store(ScorerSettings(home=home, store_map_bytes=1 << 28))
    for epoch, mode in enumerate((Mode.SUSPENDED, Mode.SERVING), 1):
        store.change_switch(Order(mode=mode, expected_epoch=epoch, reason="a drill", by="boss", at=NOON))
    lease = store.outbox.take_lease("guard", 100.0, 10.0)
    store.outbox.queue_notifications(lease, ["ops"], 100.0)
    store.outbox.settle(lease, store.outbox.deliveries()[0], given_up_because="nobody there")
    store.report("guard", json.dumps({"role": "guard", "at": int(time.time())}).encode())
    store.close()


@pytest.fixture(scope="module")
def exposed(shared_home):
    """The answer to a request for metrics, of a scorer with two workers after some traffic."""
    fill_outbox(shared_home)
    activate_text(shared_home, cap(5_000))
    running = GunicornScorer(shared_home).start()
    try:
        assert running.post("/v1/decisions", transaction()).status_code == 200
        assert running.post("/v1/decisions", {}).status_code == 422
        label = {"transaction_id": 1, "status": "fraud", "learned_at": NOON}
        assert running.post("/v1/labels", {"labels": [label]}).status_code == 200
        outcome = {"transaction_id": 1, "outcome": "declined", "happened_at": NOON}
        assert running.post("/v1/outcomes", {"outcomes": [outcome]}).status_code == 200
        assert running.post("/v1/decisions/batch", {"decisions": [transaction()]}).status_code == 200
        yield running.get("/metrics").text
    finally:
        running.stop()


def test_every_metric_of_a_rule_is_exposed(exposed):
    """A rule about a metric with another name would never fire."""
    found = {line.split()[2] for line in exposed.splitlines() if line.startswith("# TYPE ")}

    assert {name for rule in RULES for name in names_in(rule["expr"])} <= found


def test_the_page_names_exactly_the_metrics_that_are_exposed(exposed):
    """A metric that nobody explains helps nobody."""
    found = {line.split()[2] for line in exposed.splitlines() if line.startswith("# TYPE ")}

    assert names_in(PAGE.partition("## Alerts")[0]) == found


def series(scorer):
    """All series of an app in this process, as text by name and labels."""
    lines = scorer.client.get("/metrics", headers={"Authorization": "Bearer watcher"}).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def counted(scorer):
    """Requests for decisions by outcome, without those of none."""
    found = re.compile(r'antifraud_decision_seconds_count\{outcome="([^"]+)"\}')
    return {match[1]: value for name, value in series(scorer).items() if (match := found.fullmatch(name)) and value}


def test_requests_for_decisions_count_by_outcome(scorer):
    """A decision, its repeat, a refusal by field or id, and a suspension; a request without a token is none of them."""
    scorer.decide()
    scorer.decide()
    scorer.decide(amount=7)
    scorer.post("/v1/decisions", b"{")
    scorer.decide(transaction_id="s3cret id")
    scorer.post("/v1/decisions", {}, caller="nobody")
    assert counted(scorer) == {"approve": 1, "replay": 1, "refused": 3}

    scorer.switch("suspend", 1)
    scorer.decide(transaction_id=2)
    assert counted(scorer)["suspended"] == 1
    found = series(scorer)
    assert found['antifraud_requests_total{client="till",status="200"}'] == 2
    assert found['antifraud_requests_total{client="",status="401"}'] == 1
    assert found['antifraud_requests_total{client="boss",status="200"}'] == 1


def test_a_service_without_release_or_store_counts_what_it_cannot_do(tmp_path):
    """Without a release it is not ready; without its store it is suspended, and the mode says so."""
    init_store(tmp_path)
    scorer = Scorer(tmp_path)
    scorer.poller.poll()
    scorer.decide()
    scorer.close()
    (tmp_path / "store").rename(tmp_path / "away")
    scorer.poller.poll()
    scorer.decide()

    assert counted(scorer) == {"not-ready": 1, "suspended": 1}
    assert series(scorer)['antifraud_switch_mode{mode="SUSPENDED"}'] == 1


def test_gauges_tell_about_switch_store_and_state(scorer):
    """They are those of the last poll; the age of the state is that in business time."""
    scorer.decide()
    scorer.switch("suspend", 1)
    scorer.poller.poll()

    found = series(scorer)
    modes = {mode: found[f'antifraud_switch_mode{{mode="{mode}"}}'] for mode in ("SERVING", "SUSPENDED")}
    assert (modes, found["antifraud_switch_epoch"]) == ({"SERVING": 0, "SUSPENDED": 1}, 2)
    assert found["antifraud_store_limit_bytes"] == 1 << 26
    assert found["antifraud_store_fill_ratio"] == found["antifraud_store_used_bytes"] / (1 << 26) > 0
    assert found["antifraud_store_accepts_decisions"] == 1
    assert found['antifraud_store_records{kind="decisions"}'] == 1
    assert found["antifraud_state_cutoff_day"] == DAY - 1
    age = time.time() - found["antifraud_state_cutoff_timestamp_seconds"]
    assert age == pytest.approx(NOON - DAY * 86_400, abs=60)
    assert (found['antifraud_workers{release="first"}'], found["antifraud_workers_converged"]) == (1, 1)
    assert time.time() - found["antifraud_worker_report_timestamp_seconds"] < 60


def test_gauges_tell_about_webhooks_and_the_guard(scorer):
    """Deliveries by subscriber with the time of the oldest, dead letters, and the last sign of life."""
    outbox = scorer.store.outbox
    scorer.switch("suspend", 1)
    epoch = outbox.take_lease("guard", 100.0, 10.0)
    outbox.queue_notifications(epoch, ["ops", "audit"], 100.0)
    outbox.settle(epoch, outbox.deliveries()[0], given_up_because="nobody there")
    scorer.store.change_switch(Order(mode=Mode.SERVING, expected_epoch=2, reason="over", by="boss", at=NOON))
    beat = int(time.time()) - 7
    scorer.store.report("guard", json.dumps({"role": "guard", "at": beat}).encode())
    scorer.poller.poll()

    found = series(scorer)
    assert found['antifraud_outbox_deliveries{subscriber="ops"}'] == 1
    assert found['antifraud_outbox_oldest_timestamp_seconds{subscriber="ops"}'] == 100
    assert found['antifraud_dead_letters{subscriber="audit"}'] == 1
    assert found["antifraud_outbox_unqueued_notifications"] == 1
    assert found["antifraud_guard_heartbeat_timestamp_seconds"] == beat

    outbox.settle(epoch, outbox.deliveries()[0], given_up_because=None)
    scorer.poller.poll()
    assert series(scorer)['antifraud_outbox_deliveries{subscriber="ops"}'] == 0
    assert series(scorer)['antifraud_outbox_oldest_timestamp_seconds{subscriber="ops"}'] == 0
