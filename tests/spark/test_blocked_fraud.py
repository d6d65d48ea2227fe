"""A kind of fraud that is blocked has no labels of its own: retraining forgets it, unless a control share keeps it."""

import numpy as np
import pytest

from antifraud.errors import NotIdentified
from antifraud.settings.core import JobSettings
from bench.model.served_retraining import flagged_share
from bench.model.served_world import AS_OF, draw_payments, fill, shape, ship
from jobs.judging.validate import validate
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
