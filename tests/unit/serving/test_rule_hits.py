"""Hits of rules are gathered by decision, and counted by rule when the poller or a scrape asks for them."""

import pytest

from antifraud.api.decisions import Answer
from serving.worker.metrics import Metrics


def count(metrics, *reasons, policy=1):
    metrics.count_decision(
        Answer(
            "1", "review", "model", 1, 2, "first", policy, 1.0, "SERVING", "2024-10-03", counted=True, reasons=reasons,
            decision_id="0", arrival=1,
        )
    )  # fmt: skip


def hits_of(metrics):
    """The value of each rule's series."""
    series = [line.partition('{rule="')[2] for line in metrics.render().decode().splitlines() if "hits_total{" in line]
    return {line.partition('"')[0]: float(line.rpartition(" ")[2]) for line in series}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Metrics of this process alone."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def test_each_hit_counts_once():
    """Other reasons are no rules, and a scrape adds what came since the one before."""
    metrics = Metrics()
    count(metrics, "score_above_threshold", "rule:cap", "rule:pace")
    count(metrics, "rule:cap")
    count(metrics, "rule:cap")
    assert hits_of(metrics) == {"cap": 3.0, "pace": 1.0}

    count(metrics, "rule:pace")
    assert hits_of(metrics) == {"cap": 3.0, "pace": 2.0}
    assert hits_of(metrics) == {"cap": 3.0, "pace": 2.0}


def test_the_poller_counts_what_nobody_scrapes_here():
    """Another worker answers the scrape, so each worker counts its own hits with every poll."""
    metrics = Metrics()
    count(metrics, "rule:cap")
    metrics.count_hits()
    metrics.count_hits()

    assert hits_of(metrics) == {"cap": 1.0}


def test_decisions_without_a_policy_hit_nothing():
    """The reasons of the model alone make no series."""
    metrics = Metrics()
    count(metrics, "score_above_threshold", policy=None)

    assert hits_of(metrics) == {}
