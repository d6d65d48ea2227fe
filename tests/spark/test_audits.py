"""Staged rows are audited before they are published: identifiers, nulls, wrong types and lost rows are refused."""

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
    """Return rows of `clean`, one for each day, customer and terminal that is given."""
    return session.createDataFrame(
        [(day, number, TIME, customer, terminal, 100, None) for number, (day, customer, terminal) in enumerate(rows)],
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
    """One row without a proper token stops its whole batch, and the error does not repeat the identifier."""
    session = open_lake(settings)

    with pytest.raises(LeakError, match="1 rows of clean hold something that is not a token") as caught:
        publish(session, settings, Batch(CLEAN, made(session, GOOD, planted, GOOD), {DAY: "i"}))

    assert "483920175566" not in str(caught.value)
    assert read_days(open_catalog(settings), CLEAN, DAY, DAY).num_rows == 0
    assert published(open_catalog(settings), CLEAN, DAY, DAY) == {}


def test_good_rows_are_counted_by_day(settings, open_lake):
    """Good rows pass the audit, which counts them by day, and they are published with these counts."""
    session = open_lake(settings)
    rows = made(session, GOOD, GOOD, (NEXT, CUSTOMER, TERMINAL))

    assert audit(CLEAN, rows) == {(DAY,): 2, (NEXT,): 1}
    runs = publish(session, settings, Batch(CLEAN, rows, {DAY: "i", NEXT: "i"}))
    assert {run.day: run.rows for run in runs} == {DAY: 2, NEXT: 1}


@pytest.mark.parametrize("column", ["transaction_id", "event_time", "amount"])
def test_a_null_where_the_contract_has_none(spark, column):
    """The audit refuses a null in a column that the contract calls never null."""
    rows = made(spark, GOOD, GOOD)
    lacking = rows.withColumn(column, F.when(F.col("transaction_id") > 0, F.col(column)))

    with pytest.raises(SchemaError, match="1 rows of clean lack a value that is never null"):
        audit(CLEAN, lacking)


def test_other_columns_than_the_contract_s(spark):
    """The error names a column of another type, a column too many and a column too few."""
    rows = made(spark, GOOD).withColumn("amount", F.col("amount").cast("double")).withColumn("extra", F.lit(1))

    with pytest.raises(SchemaError, match="not as in its schema: amount, event_time, extra"):
        audit(CLEAN, rows.drop("event_time"))


def test_a_table_with_a_column_of_identifiers(spark):
    """A table with a column of identifiers in its schema is refused, whatever its rows hold."""
    customer = dataclasses.replace(CLEAN.columns[3], sensitivity="identifier")
    leaky = dataclasses.replace(CLEAN, columns=(*CLEAN.columns[:3], customer, *CLEAN.columns[4:]))

    with pytest.raises(LeakError, match=r"clean has columns of identifiers \(customer\)"):
        audit(leaky, made(spark, GOOD))


@pytest.mark.parametrize("name", ["customer_id", "Terminal_ID"])
def test_a_column_that_is_called_like_an_identifier(spark, name):
    """A staged column with the name of a raw identifier is refused as a leak, not only as a wrong schema."""
    with pytest.raises(LeakError, match=rf"clean has columns of identifiers \({name}\)"):
        audit(CLEAN, made(spark, GOOD).withColumn(name, F.lit(711)))


@pytest.mark.parametrize("counted", [{DAY: 3}, {DAY: 1}, {DAY: 2, NEXT: 1}], ids=["lost", "doubled", "a day lost"])
def test_other_rows_than_were_counted(settings, open_lake, counted):
    """Nothing is published if the number of staged rows differs from the number counted before."""
    session = open_lake(settings)
    batch = Batch(CLEAN, made(session, GOOD, GOOD), dict.fromkeys(counted, "i"), expected=counted)

    with pytest.raises(PublishError, match=r"clean has \d staged rows on .* were counted: nothing was published"):
        publish(session, settings, batch)

    assert read_days(open_catalog(settings), CLEAN, DAY, NEXT).num_rows == 0
