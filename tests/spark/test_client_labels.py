"""Labels that clients have sent stand beside the feed's: what is known of a transaction is what was learnt last."""

import datetime as dt

import pytest

from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.lake.appending import Appender, Progress
from antifraud.lake.catalog import full_name, open_catalog, rows_by_day
from antifraud.lake.schemas import FEATURES, LABELS, RUNS
from antifraud.lake.shipped_tables import CLIENT_LABELS
from antifraud.settings.core import JobSettings
from antifraud.transaction_id import number_of
from jobs.rows.inputs import Inputs
from jobs.rows.labels import as_lake_labels, labels_as_of
from jobs.upkeep.maintenance import maintain
from jobs.upkeep.retention import Rules
from tests.spark.model_lake import counts_of

DAY = dt.date(2026, 1, 2)
TIME = day_number(DAY) * DAY_SECONDS
AS_OF = dt.date(2026, 1, 12)
SCHEMA = ", ".join(f"{column.name} {column.type}" for column in CLIENT_LABELS.columns)
IDS = ["5", "0", "05", "-5", "5.0", "2026-01-02:5", "2026-01-02:05", "2026-01-03:5", "2026-01-02:", "", "x5",
       "999999999999999999", "1999999999999999999", "2026-01-02:999999999999999999"]  # fmt: skip


def row(sequence, number, status, days, *, source="till", namespace="", store="s"):
    """A row of `client_labels`; the label was learnt so many days after the event."""
    learned = TIME + days * DAY_SECONDS
    return (DAY, store, sequence, namespace, str(number), TIME, "k1.t", sequence, 0, status, learned, source, 1.0, 0)


@pytest.mark.parametrize("scope", ["global", "day"])
def test_ids_are_read_as_they_are_written(spark, scope):
    """Spark finds the numbers that `number_of` finds, and leaves out every other text and namespace."""
    rows = [row(place, text, "fraud", 1) for place, text in enumerate(IDS)]
    rows.append(row(99, "7", "fraud", 1, namespace="shop"))
    found = as_lake_labels(spark.createDataFrame(rows, SCHEMA), scope).collect()

    expected = [number for text in IDS if (number := number_of(text, TIME, scope)) is not None]
    assert sorted(each["transaction_id"] for each in found) == sorted(expected)
    assert len(expected) == {"global": 3, "day": 2}[scope]
    assert {each["scenario"] for each in found} == {None}


@pytest.fixture(scope="module")
def lake(tmp_path_factory, open_lake):
    """Return session and settings of a lake with a day of features and of the feed's labels."""
    settings = JobSettings(home=tmp_path_factory.mktemp("clients"))
    session = open_lake(settings)
    types = ", ".join(f"{column.name} {column.type}" for column in LABELS.columns)
    said = [(DAY, number, status, TIME + 7 * DAY_SECONDS, "feed", 0, 0) for number, status in
            ((1, "legitimate"), (2, "legitimate"), (3, "fraud"))]  # fmt: skip
    session.createDataFrame(said, types).writeTo(full_name(LABELS)).append()
    schema = ", ".join(f"`{column.name}` {column.type}" for column in RUNS.columns)
    runs = [(table.name, DAY, "made", 0, 0, counts_of(table), 1) for table in (FEATURES, LABELS)]
    session.createDataFrame(runs, schema).writeTo(full_name(RUNS)).append()
    return session, settings


def inputs_of(settings, as_of=AS_OF):
    return Inputs.of(settings, {"train": Span(DAY, DAY)}, as_of)


def known(session, inputs):
    return {each["transaction_id"]: each["status"] for each in labels_as_of(session, inputs).collect()}


def ship(settings, before, *rows):
    """Append labels as the shipper does; return the progress."""
    after = Progress((before.number if before else 0) + len(rows), "")
    Appender(settings, "s").append(CLIENT_LABELS, rows, before, after)
    return after


def test_labels_of_clients_are_known_from_when_they_were_learnt(lake):
    """A label learnt before the feed's is replaced by it, one learnt later holds; a run sees its own snapshot."""
    session, settings = lake
    before = inputs_of(settings)
    assert (before.client_labels_snapshot, known(session, before)) == (
        0,
        {1: "legitimate", 2: "legitimate", 3: "fraud"},
    )

    progress = ship(settings, None, row(1, 1, "fraud", 2), row(2, 2, "fraud", 9), row(3, 4, "fraud", 1),
                    row(4, 3, "unknown", 9), row(5, 4, "legitimate", 20))  # fmt: skip
    after = inputs_of(settings)
    ship(settings, progress, row(6, 3, "legitimate", 10, source="desk"))
    latest = inputs_of(settings)

    assert known(session, after) == {1: "legitimate", 2: "fraud", 3: "unknown", 4: "fraud"}
    assert known(session, latest) == {1: "legitimate", 2: "fraud", 3: "legitimate", 4: "fraud"}
    assert known(session, inputs_of(settings, DAY + dt.timedelta(days=3))) == {1: "fraud", 4: "fraud"}
    assert known(session, before) == {1: "legitimate", 2: "legitimate", 3: "fraud"}
    assert len({before.days, after.days, latest.days}) == 3


def test_the_hash_ignores_labels_of_other_days_and_of_later(lake):
    """A candidate stays up to date while labels about other days, or learnt after its day, arrive."""
    _, settings = lake
    before, present = inputs_of(settings), Appender(settings, "s").progress(CLIENT_LABELS)
    other_day = (DAY + dt.timedelta(days=1), *row(7, 1, "fraud", 1)[1:])
    ship(settings, present, other_day, row(8, 1, "fraud", 11))

    after = inputs_of(settings)

    assert after.client_labels_snapshot != before.client_labels_snapshot
    assert after.days == before.days


def test_maintenance_compacts_small_appends_and_keeps_how_far_they_came(lake):
    """Many appends of one day become one file; rows and progress stay, and the next append goes on."""
    session, settings = lake
    appender, source = Appender(settings, "other"), "other"
    progress = None
    for number in range(1, 8):
        after = Progress(number, f"mark {number}")
        appender.append(CLIENT_LABELS, [row(number, 1_000 + number, "fraud", 1, store=source)], progress, after)
        progress = after
    before = rows_by_day(open_catalog(settings), CLIENT_LABELS, DAY, DAY)[DAY]

    maintain(session, settings, Rules(TIME), apply=True)

    table = open_catalog(settings).load_table(("antifraud", "client_labels"))
    assert len(list(table.scan(row_filter=f"day = '{DAY}'").plan_files())) == 1
    assert rows_by_day(open_catalog(settings), CLIENT_LABELS, DAY, DAY)[DAY] == before
    assert Appender(settings, source).progress(CLIENT_LABELS) == Progress(7, "mark 7")
    appender.append(CLIENT_LABELS, [row(8, 1_008, "fraud", 1, store=source)], progress, Progress(8, ""))
    assert rows_by_day(open_catalog(settings), CLIENT_LABELS, DAY, DAY)[DAY] == before + 1
