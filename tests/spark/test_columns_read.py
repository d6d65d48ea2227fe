"""Tables that Spark created match the contract for readers inside and outside Spark; other tables are refused."""

import pytest

from antifraud.errors import LeakError, SchemaError
from antifraud.lake.catalog import full_name, open_catalog, open_table
from antifraud.lake.schemas import LABELS, SCORES, TABLES
from jobs.publishing.tables import create_tables, read_table
from tests.spark.state_lake import fill


@pytest.fixture
def lake(settings, open_lake):
    """Return session and settings of an empty lake."""
    return open_lake(settings), settings


def test_what_was_created_is_accepted(lake):
    """Readers inside and outside Spark accept every table that was created, nested types included."""
    session, settings = lake

    for table in TABLES:
        assert read_table(session, table).columns == list(table.column_names)
        open_table(open_catalog(settings), table)


def test_another_type_is_refused(lake):
    """Both readers refuse a column of another type, and say which type was found and which was expected."""
    session, settings = lake
    session.sql(f"ALTER TABLE {full_name(SCORES)} ALTER COLUMN score TYPE bigint")
    message = "scores in the lake is not as in its schema: score is bigint, int was expected"

    with pytest.raises(SchemaError, match=message):
        read_table(session, SCORES)
    with pytest.raises(SchemaError, match=message):
        open_table(open_catalog(settings), SCORES)


def test_a_table_of_an_earlier_version(lake):
    """A table without a new column is refused until the column is added.

    A named snapshot is read with the columns it had.
    """
    session, settings = lake
    session.sql(f"ALTER TABLE {full_name(LABELS)} DROP COLUMN scenario")
    with pytest.raises(SchemaError, match="labels in the lake lacks scenario"):
        read_table(session, LABELS)
    create_tables(session, settings)
    assert read_table(session, LABELS).columns == list(LABELS.column_names)

    fill(session, settings, range(1))
    before = open_table(open_catalog(settings), LABELS).current_snapshot().snapshot_id
    session.sql(f"ALTER TABLE {full_name(LABELS)} ADD COLUMN later string")
    assert read_table(session, LABELS).columns == [*LABELS.column_names, "later"]
    assert read_table(session, LABELS, snapshot_id=before).columns == list(LABELS.column_names)


def test_a_column_of_identifiers_is_refused(lake):
    """A column of identifiers that was added to a table of the lake stops its readers before they read a row."""
    session, _ = lake
    session.sql(f"ALTER TABLE {full_name(LABELS)} ADD COLUMN customer_id bigint")

    with pytest.raises(LeakError, match=r"labels has columns of identifiers \(customer_id\)"):
        read_table(session, LABELS)
