"""A kind of fraud that is blocked has no labels of its own: retraining forgets it, unless a control share keeps it."""

import numpy as np
import pytest

from antifraud.artifacts.bundle import Bundle
from antifraud.clock import ONE_DAY, Span
from antifraud.errors import NotIdentified
from antifraud.gate.limits import Limits
from antifraud.settings.core import JobSettings
from bench.model.served_retraining import flagged_share
from bench.model.served_world import AS_OF, FIRST, days_of, draw_payments, fill, shape, ship
from jobs.judging.certify_rows import certify_release
from jobs.judging.validate import validate
from jobs.rows.history import HistoryDays, history_rows
from jobs.rows.inputs import Inputs
from jobs.rows.windows import windows_of
from jobs.training.train import train

ROWS = 600
SEED = 3


def lake_of(open_lake, home, control_share):
    settings = shape(JobSettings(home=home))
    session = open_lake(settings)
    fill(session, ROWS, control_share, SEED)
    return session, settings


def caught(candidate, threshold, kind):
    """Return the share of a kind of payments, among new ones, that the candidate flags."""
    return flagged_share(candidate, draw_payments(20_000, 0.0, np.random.default_rng(SEED + 1)), threshold, kind)


def judge(session, settings, candidate):
    return validate(session, settings, candidate, Inputs.of(settings, windows_of(settings, AS_OF).spans, AS_OF))


def test_blocked_fraud_is_forgotten_and_the_gate_refuses_to_judge(open_lake, tmp_path):
    """Without shipped decisions the feed's word is taken for a label: the retrained model passes the blocked kind.

    The gate takes it for a good model. With the decisions it refuses, because nothing tells of the flagged payments.
    """
    session, settings = lake_of(open_lake, tmp_path, control_share=0.0)
    candidate = train(session, settings, AS_OF)
    report = judge(session, settings, candidate)
    assert report.verdict == "PASS"
    assert caught(candidate, report.threshold, kind=1) > 0.9
    assert caught(candidate, report.threshold, kind=2) < 0.3

    ship(session, ROWS, 0.0, SEED)
    with pytest.raises(NotIdentified, match="not identified: on served days of the select window"):
        judge(session, settings, train(session, settings, AS_OF))
    certify = Inputs.of(settings, {"certify": windows_of(settings, AS_OF).certify}, AS_OF)
    with pytest.raises(NotIdentified, match="not identified: on served days of the certify window"):
        certify_release(session, certify, Bundle("served", tmp_path, {}, {}), Limits())


def test_a_control_share_keeps_the_kind_of_fraud(open_lake, tmp_path):
    """A quarter of the flags was let through: the retrained model still catches the kind that the others hide.

    The report says how many payments stand for others, and its rate holds for new payments.
    """
    session, settings = lake_of(open_lake, tmp_path, control_share=0.25)
    ship(session, ROWS, 0.25, SEED)
    candidate = train(session, settings, AS_OF)
    report = judge(session, settings, candidate)

    assert caught(candidate, report.threshold, kind=1) > 0.9
    assert caught(candidate, report.threshold, kind=2) > 0.9
    assert caught(candidate, report.threshold, kind=0) < report.fpr_bound <= 0.05
    assert any("whose label came by chance stand for" in reason for reason in report.reasons)
    counted = report.counts["certify"]
    assert sum(counted.values()) == pytest.approx(14 * ROWS, rel=0.03)
    assert counted["fraud"] == pytest.approx(14 * ROWS * 0.05, rel=0.25)
    assert counted["unknown"] == 0
    assert candidate.info["counts"]["train"]["unknown"] > 0


def test_served_days_before_training_count_by_their_control_share(open_lake, tmp_path):
    """Blocked payments of the history are left out, and passed ones stand for them."""
    session, settings = lake_of(open_lake, tmp_path, control_share=0.25)
    ship(session, ROWS, 0.25, SEED)
    span = Span(FIRST, FIRST + ONE_DAY)
    history = HistoryDays(Inputs.of(settings, {"history": span}, AS_OF), (ROWS, ROWS), 1.0)

    rows = history_rows(session, history).collect()

    days = [payments for day, payments in days_of(ROWS, 0.25, SEED) if day <= span.last]
    passed = sum(int(payments.let_through.sum()) for payments in days)
    assert len(rows) == 2 * ROWS - sum(int(payments.blocked.sum()) for payments in days)
    assert sorted({row["propensity"] for row in rows}) == [0.25, 1.0]
    assert sum(row["propensity"] == 0.25 for row in rows) == passed
