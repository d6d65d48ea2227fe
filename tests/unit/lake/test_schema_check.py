"""A table with other columns than the contract's is refused before a row is read; nothing here needs Spark."""

import datetime as dt

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import DateType, LongType, NestedField, StringType

from antifraud.errors import LeakError, SchemaError
from antifraud.lake.catalog import (
    NAMESPACE,
    newest_runs,
    open_catalog,
    open_table,
    read_batches,
    read_days,
    read_release,
    rows_by_day,
)
from antifraud.lake.key_use import key_ids
from antifraud.lake.ownership import claim_lake
from antifraud.lake.schema_check import PresentColumn, require_schema
from antifraud.lake.schemas import CLEAN, QUARANTINE, RUNS, SCORES, STATE
from antifraud.settings.core import JobSettings

DAY = dt.date(2026, 1, 1)
TYPES = {"string": pa.string(), "date": pa.date32(), "bigint": pa.int64(), "int": pa.int32(),
         "decimal(38,0)": pa.decimal128(38, 0)}  # fmt: skip
ROW = {"day": DAY, "transaction_id": 1, "event_time": 2, "customer": "k1.c", "terminal": "k1.t", "amount": 100,
       "terminal_group": None}  # fmt: skip


@pytest.fixture
def catalog(tmp_path):
    """Return the catalog of an empty lake."""
    settings = JobSettings(home=tmp_path)
    settings.under_home("lake").mkdir()
    opened = open_catalog(settings)
    claim_lake(settings, opened)
    return opened


def as_arrow(row):
    """Return a row as a table; a null has the type of its column."""
    known = {column.name: TYPES[column.type] for column in CLEAN.columns}
    return pa.table({name: pa.array([value], known.get(name)) for name, value in row.items()})


def made(catalog, table, **others):
    """Create a table as the contract says, except the Arrow types of `others`; columns with None are left out."""
    types = {column.name: TYPES[column.type] for column in table.columns} | others
    schema = pa.schema([(name, kind) for name, kind in types.items() if kind is not None])
    return catalog.create_table((NAMESPACE, table.name), schema=schema)


READERS = {
    "read_days": lambda catalog: read_days(catalog, CLEAN, DAY, DAY),
    "read_batches": lambda catalog: list(read_batches(catalog, CLEAN, DAY, DAY)),
    "rows_by_day": lambda catalog: rows_by_day(catalog, CLEAN, DAY, DAY),
    "key_ids": lambda catalog: key_ids(catalog, CLEAN, DAY, DAY),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_of_a_day_refuses_another_type(catalog, read):
    """The message says what was found, what was expected, and what to do."""
    made(catalog, CLEAN, amount=pa.float64())

    with pytest.raises(
        SchemaError, match="clean in the lake is not as in its schema: amount is double, bigint was exp"
    ) as caught:
        read(catalog)

    assert "migrate the table" in str(caught.value)


def test_readers_of_releases_and_runs_refuse_another_type(catalog):
    """Readers of releases and runs have their own ways into the lake."""
    made(catalog, SCORES, score=pa.int64())
    made(catalog, RUNS, day=pa.string())

    with pytest.raises(
        SchemaError, match="scores in the lake is not as in its schema: score is bigint, int was expected"
    ):
        read_release(catalog, SCORES, "r1")
    with pytest.raises(SchemaError, match="runs in the lake is not as in its schema: day is string, date was expected"):
        newest_runs(catalog, CLEAN, DAY, DAY)


def test_a_column_that_is_missing(catalog):
    """The error says how to get a missing column; a reader that does not need the column is not disturbed."""
    made(catalog, CLEAN, amount=None).append(as_arrow({k: v for k, v in ROW.items() if k != "amount"}))

    with pytest.raises(SchemaError, match="clean in the lake lacks amount: run the lake DAG for a day, which adds"):
        read_days(catalog, CLEAN, DAY, DAY)
    assert read_days(catalog, CLEAN, DAY, DAY, ["customer"]).to_pylist() == [{"customer": "k1.c"}]


def test_a_column_that_was_added_since(catalog):
    """Earlier days have nulls in an added column, and an earlier snapshot has its own columns."""
    source = made(catalog, CLEAN, amount=None)
    source.append(as_arrow({k: v for k, v in ROW.items() if k != "amount"}))
    before = source.current_snapshot().snapshot_id
    with source.update_schema() as update:
        update.add_column("amount", LongType())

    assert read_days(catalog, CLEAN, DAY, DAY).to_pylist() == [ROW | {"amount": None}]
    with pytest.raises(SchemaError, match="lacks amount"):
        read_days(catalog, CLEAN, DAY, DAY, snapshot_id=before)
    assert read_days(catalog, CLEAN, DAY, DAY, ["customer"], before).num_rows == 1


def test_a_column_of_a_later_version(catalog):
    """The column is ignored, and not read."""
    made(catalog, CLEAN, currency=pa.string()).append(as_arrow(ROW | {"currency": "RUB"}))

    assert read_days(catalog, CLEAN, DAY, DAY).to_pylist() == [ROW]


@pytest.mark.parametrize("name", ["customer_id", "Terminal_Id"])
def test_a_column_of_identifiers(catalog, name):
    """A table with a column of identifiers is not read, whichever columns are asked for."""
    made(catalog, CLEAN, **{name: pa.int64()})

    with pytest.raises(LeakError, match=rf"clean has columns of identifiers \({name}\), which may be in the raw zone"):
        read_days(catalog, CLEAN, DAY, DAY, ["amount"])


def test_a_column_that_cannot_hold_the_null_that_means_something(catalog):
    """`column` is null where the row as a whole is at fault; a required column could not say so."""
    kinds = {"date": DateType(), "string": StringType(), "bigint": LongType()}
    fields = [
        NestedField(place, column.name, kinds[column.type], required=True)
        for place, column in enumerate(QUARANTINE.columns, start=1)
    ]
    catalog.create_table((NAMESPACE, QUARANTINE.name), schema=Schema(*fields))

    with pytest.raises(SchemaError, match="quarantine in the lake is not as in its schema: column is never null, but"):
        open_table(catalog, QUARANTINE)


def test_a_field_deep_inside():
    """A bucket with a sum of another type is found, whatever the spaces and colons of the type's text."""
    found = {column.name: PresentColumn(column.type.replace(" ", ":"), required=False) for column in STATE.columns}
    require_schema(STATE, found, STATE.column_names)
    odd = found | {
        "days": PresentColumn(found["days"].type.replace("amount_sum:bigint", "amount_sum:double"), required=False)
    }

    with pytest.raises(SchemaError, match="days is array<struct<day_number:int,:tx_count:bigint,:amount_sum:double"):
        require_schema(STATE, odd, STATE.column_names)
