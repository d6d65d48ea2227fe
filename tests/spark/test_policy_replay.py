"""A policy's replay on the lake: sums of hours and days as the scorer has them, and figures that add up by hand."""

import argparse
import datetime as dt
import hashlib
import random

import numpy as np
import pytest

from antifraud.artifacts.policies import Change, read_draft, report_path
from antifraud.artifacts.policies import activate as activate_policy
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of, day_number
from antifraud.lake.catalog import open_catalog, read_days
from antifraud.lake.schemas import FEATURES, LABELS
from antifraud.model.evaluator import read_evaluator
from antifraud.policy.replayed import decode_report
from antifraud.settings.core import JobSettings
from jobs.judging.policy_rows import ENTITIES, _sums_of_days
from jobs.policy_replay import main, parser
from jobs.rows.hour_sums import hour_sums
from jobs.rows.vectors import vectors_of
from tests.release_keys import SIGNING, put_keys
from tests.serving.scene import make_model, make_release, promote
from tests.spark.model_lake import DELAY, fill, shape

FIRST, LAST = dt.date(2026, 2, 10), dt.date(2026, 2, 12)
THRESHOLD = 500_000
POLICY = """
version = {}
about = "a test"

[[amount]]
id = "cap"
above = 150_000
effect = "review"

[[velocity]]
id = "pace"
entity = "customer"
measure = "count"
window = "1h"
above = {}
effect = "flag"
"""


def test_hours_are_added_up_as_the_scorer_does(spark):
    """Earlier payments of the event's own hour and all of the hour before, also across midnight."""
    chance = random.Random(3)  # noqa: S311 a reproducible world
    midnight = 20_500 * DAY_SECONDS
    events = sorted(
        (midnight + chance.randrange(-3 * HOUR_SECONDS, 3 * HOUR_SECONDS), number, chance.choice("ab"), number + 1)
        for number in range(120)
    )
    rows = [(date_of(time // DAY_SECONDS), number, time, who, amount) for time, number, who, amount in events]
    clean = spark.createDataFrame(rows, "day date, transaction_id long, event_time long, customer string, amount long")

    found = {row["transaction_id"]: tuple(row)[2:] for row in hour_sums(clean, "customer").collect()}

    for place, (time, number, who, _) in enumerate(events):
        first = time // HOUR_SECONDS - 1
        counted = [amount for at, _, other, amount in events[:place] if other == who and at // HOUR_SECONDS >= first]
        assert found[number] == (len(counted), sum(counted))


def test_sums_of_days_come_back_from_means(spark):
    """A mean in roubles is a rounded double, and still its sum is found to the kopeck."""
    chance = random.Random(4)  # noqa: S311 a reproducible world
    pairs = [(chance.randint(1, 10**5), chance.randint(1, 10**12)) for _ in range(300)]
    cells = [[float(count), total / (count * 100)] * 4 for count, total in pairs] + [[0.0, None] * 4]
    names = [f"{entity}_{days}d_{name}" for entity in ENTITIES for days in (1, 7) for name in ("count", "mean")]
    rows = spark.createDataFrame(cells, ", ".join(f"{name} double" for name in names))
    columns = _sums_of_days()

    found = rows.select(*(column.alias(name) for name, column in columns.items())).collect()

    assert [tuple(row) for row in found] == [(count, total) * 4 for count, total in [*pairs, (0, 0)]]


@pytest.fixture(scope="module")
def lake(open_lake, tmp_path_factory):
    """Session and settings of the small lake, and a tiny release that serves."""
    settings = shape(JobSettings(home=tmp_path_factory.mktemp("policy")))
    session = open_lake(settings)
    fill(session)
    home = settings.home
    put_keys(home)
    golden = make_model(home / "candidates" / "r1", seed=0)
    make_release(home / "releases", home / "candidates" / "r1", golden, "r1", threshold=THRESHOLD)
    promote(home, "r1")
    return session, settings


def expected_figures(settings, pace):
    """The rows of the days as (score, amount, hits of cap and pace, status), by NumPy and plain Python."""
    catalog = open_catalog(settings)
    order = [("day", "ascending"), ("event_time", "ascending"), ("transaction_id", "ascending")]
    rows = read_days(catalog, FEATURES, FIRST, LAST).sort_by(order)
    said = read_days(catalog, LABELS, FIRST, LAST).to_pylist()
    status = {(row["day"], row["transaction_id"]): row["status"] for row in said}
    scores = read_evaluator(settings.home / "candidates" / "r1").score(vectors_of(rows).astype(np.float64))
    seen = {}
    for row, score in zip(
        rows.select(["day", "transaction_id", "customer", "amount_minor"]).to_pylist(), scores, strict=True
    ):
        # All payments of a day lie in its first hour.
        count = seen[row["day"], row["customer"]] = seen.get((row["day"], row["customer"]), 0) + 1
        known = status.get((row["day"], row["transaction_id"]), "unknown")
        yield int(score), row["amount_minor"], row["amount_minor"] > 150_000, count > pace, known


def replay(lake, path):
    session, settings = lake
    main(session, settings, parser().parse_args([str(path), "--from", str(FIRST), "--to", str(LAST)]))
    return decode_report(report_path(settings, hashlib.sha256(path.read_bytes()).hexdigest()).read_bytes())


def test_a_replay_counts_what_policies_would_have_done(lake, tmp_path, capsys):
    """Model alone, active policy and the new one, each as rows that were counted one by one; the report is printed."""
    _, settings = lake
    for version, pace in ((1, 8), (2, 5)):
        (tmp_path / f"{version}.toml").write_text(POLICY.format(version, pace))
    activate_policy(settings.policies_dir, read_draft(tmp_path / "1.toml"), SIGNING, Change("a test of it", "test", 0))

    report = replay(lake, tmp_path / "2.toml")

    rows = list(expected_figures(settings, 5))
    assert (report.release, report.as_of, report.policy.payments) == ("r1", LAST + dt.timedelta(days=DELAY), 1_200)
    flagged = [score > THRESHOLD or pace for score, _, _, pace, _ in rows]
    assert report.model.flags == sum(score > THRESHOLD for score, *_ in rows)
    assert report.policy.flags == sum(flagged)
    assert report.active.flags == sum(
        score > THRESHOLD or pace for score, _, _, pace, _ in expected_figures(settings, 8)
    )
    assert report.policy.reviews == sum(row[2] and not flag for row, flag in zip(rows, flagged, strict=True))
    assert report.policy.legitimate_flags == sum(
        flag and row[4] == "legitimate" for row, flag in zip(rows, flagged, strict=True)
    )
    assert report.policy.missed == sum(
        row[1] for row, flag in zip(rows, flagged, strict=True) if row[4] == "fraud" and not flag and not row[2]
    )
    cap, pace = report.rules
    assert (cap.hits, pace.hits) == (sum(row[2] for row in rows), sum(row[3] for row in rows))
    assert pace.fraud == sum(row[3] and row[4] == "fraud" for row in rows)
    said = capsys.readouterr().out
    assert "active policy:" in said
    assert "speaks against it: it flags" in said


def test_days_without_labels_are_refused(lake, tmp_path):
    """The labels of the newest days have not come yet."""
    from antifraud.errors import MissingDay

    (tmp_path / "1.toml").write_text(POLICY.format(1, 8))
    session, settings = lake
    last = date_of(day_number(dt.date(2026, 3, 8)))
    options = argparse.Namespace(policy=tmp_path / "1.toml", release=None, first=FIRST, last=last, as_of=None)

    with pytest.raises(MissingDay, match="lacks what is known"):
        main(session, settings, options)
