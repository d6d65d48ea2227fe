"""The drift page reports only features that moved, and a day with hardly any rows is no reason to fail."""

import argparse
import datetime as dt
import json
from types import SimpleNamespace

import numpy as np
import pytest

from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.catalog import Run
from antifraud.lake.schemas import FEATURES
from jobs import drift_report
from jobs.adapters.evidently import compare
from jobs.publishing.publish import record
from jobs.rows.windows import windows_of
from tests.spark.model_lake import AS_OF, DAYS, FIRST, fill, name, shape


@pytest.mark.filterwarnings("ignore")
def test_finds_the_feature_that_moved(tmp_path):
    """Among features of one distribution, some with nulls, only the shifted feature is reported as drifted."""
    generator = np.random.default_rng(1)
    current, reference = (generator.normal(size=(2_000, len(FEATURE_NAMES))) for _ in range(2))
    reference[::7, 1] = current[::7, 1] = np.nan
    current[:, 0] += 2

    figures = compare(current, reference, tmp_path / "drift.html")

    assert figures["drifted_features"] == 1
    assert max(figures["drift"], key=figures["drift"].__getitem__) == FEATURE_NAMES[0]
    assert set(figures["drift"]) == set(FEATURE_NAMES)
    assert json.loads(json.dumps(figures)) == figures
    assert (tmp_path / "drift.html").stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows", [0, 1])
def test_a_published_day_of_no_or_one_row_gets_a_report(settings, open_lake, monkeypatch, capsys, rows):
    """The job ends well for a published day of no or one row, and calls the drift of every feature unknown."""
    settings, day = shape(settings), FIRST + dt.timedelta(days=DAYS)
    session = open_lake(settings)
    fill(session)
    row = session.table(name("features")).where(f"day = DATE '{FIRST}'").limit(rows)
    row.selectExpr(f"DATE '{day}' AS day", *[column for column in row.columns if column != "day"]).writeTo(
        name("features")
    ).append()
    record(session, [Run(FEATURES.name, day, "made up", 0, rows, "{}", 1)])
    release = SimpleNamespace(manifest={"windows": windows_of(settings, AS_OF).to_dict()})
    monkeypatch.setattr(drift_report, "read_pointer", lambda _: SimpleNamespace(release="r1"))
    monkeypatch.setattr(drift_report, "open_release", lambda *_: release)

    drift_report.main(settings, argparse.Namespace(day=day))

    report = json.loads(settings.under_home("reports", str(day), "drift.json").read_text())
    assert report["drift"] == dict.fromkeys(FEATURE_NAMES, "unknown")
    assert (report["drifted_features"], report["drifted_share"]) == (0, "unknown")
    assert f"drift {day}: 0 of 0 features differ from " in capsys.readouterr().out
    assert settings.under_home("reports", str(day), "drift.html").is_file()
