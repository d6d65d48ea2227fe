"""The environment of a run fits its calendar."""

import datetime as dt

from antifraud.clock import DAY_SECONDS
from infra.local.environment import environment
from infra.local.plan import make_plan


def test_the_scorer_accepts_the_first_live_row(tmp_path, monkeypatch):
    """Business time is 11.5 days ahead of the first live row, more than the scorer accepts by default."""
    monkeypatch.setenv("ANTIFRAUD_LATE_EVENT_DAYS", "1")
    plan = make_plan(dt.date(2026, 1, 1), 120)
    ports = dict.fromkeys(("mlflow", "scorer", "webhook", "airflow"), 1)

    days = int(environment(tmp_path, plan, ports)["ANTIFRAUD_LATE_EVENT_DAYS"])

    first = dt.datetime.combine(plan.live[0], dt.time(), tzinfo=dt.UTC)
    assert (plan.business_now - first).total_seconds() == 11.5 * DAY_SECONDS
    assert days == 12
