"""Staged rows are audited before anybody sees them: planted identifiers, nulls, types and lost rows stop them."""

import dataclasses
import datetime as dt

import pytest
from pyspark.sql import functions as F  # noqa: N812

from antifraud.errors import LeakError, PublishError, SchemaError
from antifraud.lake.catalog import open_catalog, published, read_days
from antifraud.lake.schemas import CLEAN
from jobs.publishing.audits import audit
from jobs.publishing.publish import Batch, publish
from tests.spark.state_lake import token

DAY, NEXT = dt.date(2026, 1, 1), dt.date(2026, 1, 2)
SCHEMA = ", ".join(f"{column.name} {column.type}" for column in CLEAN.columns)
TIME = 1_767_225_600
CUSTOMER, TERMINAL = token("c", 1), token("t", 1)


def made(session, *rows):
    """Rows of `clean`, one a transaction, from day, customer and terminal."""
    return session.createDataFrame(
        [(day, number, TIME, customer, terminal, 100) for number, (day, customer, terminal) in enumerate(rows)],
        SCHEMA,
    )


GOOD = (DAY, CUSTOMER, TERMINAL)
PLANTED = {
    "an id for a customer": (DAY, "483920175566", TERMINAL),
    "an id for a terminal": (DAY, CUSTOMER, "711"),
    "a token with an id behind it": (DAY, f"{CUSTOMER}483920175566", TERMINAL),
    "a token and a line feed": (DAY, f"{CUSTOMER}\n", TERMINAL),
    "a token in quotes": (DAY, f'"{CUSTOMER}"', TERMINAL),
    "nothing": (DAY, "", TERMINAL),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_what_is_no_token_is_never_published(settings, open_lake, planted):
    """One such row among good ones stops the whole batch, the message does not repeat it, the lake stays empty."""
    session = open_lake(settings)

    with pytest.raises(LeakError, match="1 rows of clean hold something that is not a token") as caught:
        publish(session, settings, Batch(CLEAN, made(session, GOOD, planted, GOOD), {DAY: "i"}))

    assert "483920175566" not in str(caught.value)
    assert read_days(open_catalog(settings), CLEAN, DAY, DAY).num_rows == 0
    assert published(open_catalog(settings), CLEAN, DAY, DAY) == {}


def test_good_rows_are_counted_by_day(settings, open_lake):
    """The same rows without a planted one pass, and the audit says how many there are."""
    session = open_lake(settings)
    rows = made(session, GOOD, GOOD, (NEXT, CUSTOMER, TERMINAL))

    assert audit(CLEAN, rows) == {(DAY,): 2, (NEXT,): 1}
    runs = publish(session, settings, Batch(CLEAN, rows, {DAY: "i", NEXT: "i"}))
    assert {run.day: run.rows for run in runs} == {DAY: 2, NEXT: 1}


@pytest.mark.parametrize("column", ["transaction_id", "event_time", "amount"])
def test_a_null_where_the_contract_has_none(spark, column):
    """Every column of `clean` has a value in every row."""
    rows = made(spark, GOOD, GOOD)
    lacking = rows.withColumn(column, F.when(F.col("transaction_id") > 0, F.col(column)))

    with pytest.raises(SchemaError, match="1 rows of clean lack a value that is never null"):
        audit(CLEAN, lacking)


def test_other_columns_than_the_contract_s(spark):
    """A column of another type, one too many and one too few are all named."""
    rows = made(spark, GOOD).withColumn("amount", F.col("amount").cast("double")).withColumn("extra", F.lit(1))

    with pytest.raises(SchemaError, match="not as in its schema: amount, event_time, extra"):
        audit(CLEAN, rows.drop("event_time"))


def test_a_table_with_a_column_of_identifiers(spark):
    """The lake has no such table; one that is added is refused whatever its rows."""
    customer = dataclasses.replace(CLEAN.columns[3], sensitivity="identifier")
    leaky = dataclasses.replace(CLEAN, columns=(*CLEAN.columns[:3], customer, *CLEAN.columns[4:]))

    with pytest.raises(LeakError, match=r"clean has columns of identifiers \(customer\)"):
        audit(leaky, made(spark, GOOD))


@pytest.mark.parametrize("name", ["customer_id", "Terminal_ID"])
def test_a_column_that_is_called_like_an_identifier(spark, name):
    """A staged column of the name that a raw file gives to an identifier is a leak, not only another schema."""
    with pytest.raises(LeakError, match=rf"clean has columns of identifiers \({name}\)"):
        audit(CLEAN, made(spark, GOOD).withColumn(name, F.lit(711)))


@pytest.mark.parametrize("counted", [{DAY: 3}, {DAY: 1}, {DAY: 2, NEXT: 1}], ids=["lost", "doubled", "a day lost"])
def test_other_rows_than_were_counted(settings, open_lake, counted):
    """Staged rows must be as many as were counted before; otherwise nothing is published."""
    session = open_lake(settings)
    batch = Batch(CLEAN, made(session, GOOD, GOOD), dict.fromkeys(counted, "i"), expected=counted)

    with pytest.raises(PublishError, match=r"clean has \d staged rows on .* were counted: nothing was published"):
        publish(session, settings, batch)

    assert read_days(open_catalog(settings), CLEAN, DAY, NEXT).num_rows == 0
