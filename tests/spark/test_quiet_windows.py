"""A model is trained, and judged by the gate, although nothing happened on a day of each window."""

import datetime as dt
import json

import pytest

from antifraud.settings.core import JobSettings
from jobs.judging.validate import validate
from jobs.rows.inputs import Inputs
from jobs.rows.windows import windows_of
from jobs.training.train import train
from tests.release_keys import put_keys
from tests.spark.model_lake import AS_OF, fill, name, shape

QUIET = [dt.date(2026, 2, 5), dt.date(2026, 2, 15), dt.date(2026, 3, 8)]
"""A day of train, the first day of select, and the last day of certify."""


@pytest.fixture
def quiet_lake(tmp_path, open_lake):
    """Return session and settings of a lake whose days `QUIET` were published with 0 rows."""
    settings = shape(JobSettings(home=tmp_path))
    put_keys(settings.home)
    session = open_lake(settings)
    fill(session)
    days = ", ".join(f"DATE '{day}'" for day in QUIET)
    for table in ("features", "clean", "labels", "runs"):
        session.sql(f"DELETE FROM {name(table)} WHERE day IN ({days})")  # noqa: S608 - names of our own
    runs = [(t, day, "quiet", 0, 0, json.dumps({})) for t in ("features", "labels", "clean") for day in QUIET]
    schema = "`table` string, day date, inputs string, snapshot_id bigint, rows bigint, counts string"
    session.createDataFrame(runs, schema).writeTo(name("runs")).append()
    return session, settings


def test_windows_with_quiet_days_are_judged(quiet_lake):
    """The gate judges 13 of 14 certify days and 7 of 8 select days, and a month's volume counts the quiet day."""
    session, settings = quiet_lake
    candidate = train(session, settings, AS_OF)
    inputs = Inputs.of(settings, windows_of(settings, AS_OF).spans, AS_OF)

    report = validate(session, settings, candidate, inputs)

    assert inputs.quiet == set(QUIET)
    counted = report.counts["certify"]
    assert sum(counted.values()) == 13 * 400
    assert report.observed_transactions_a_month == pytest.approx(13 * 400 * 30 / 14)
    assert report.verdict in {"PASS", "FAIL"}
