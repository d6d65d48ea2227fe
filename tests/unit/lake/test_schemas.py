"""The contract of the raw files rules the parser, the judge of rows and the leak scan."""

import re

import pytest

from antifraud.lake.raw_lines import HEADER
from antifraud.lake.schemas import RAW, TABLES, identifiers_among
from jobs.leak.identifiers import ID_COLUMNS
from jobs.raw.columns import NUMBERS, texts_of


def test_the_raw_files_have_nine_columns_in_the_feed_s_spelling():
    """The header that a file must have and the place of each column come from the contract."""
    names = (
        "tranaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount", "tx_time_seconds", "tx_time_days",
        "tx_fraud", "tx_fraud_scenario",
    )  # fmt: skip

    assert tuple(column.name for column in RAW.columns) == names
    assert f"# {' | '.join(names)}" == HEADER
    parts = {name: f"get(parts, {place})" for place, name in enumerate(names)}
    assert parts | {"tx_fraud_scenario": r"trim(TRAILING '\r' FROM get(parts, 8))"} == texts_of(9)


def test_a_tenth_column_names_the_terminal_s_group():
    """The column is optional, follows the others, and takes over the end of the line in files that have it."""
    assert [column.name for column in RAW.optional] == ["terminal_group_id"]
    assert f"{HEADER} | terminal_group_id" == RAW.header_of(10)
    assert list(RAW.widths) == [9, 10]
    texts = texts_of(10)
    assert texts["tx_fraud"] == "get(parts, 7)"
    assert texts["tx_fraud_scenario"] == (r"IF(size(parts) = 9, trim(TRAILING '\r' FROM get(parts, 8)), get(parts, 8))")
    assert texts["terminal_group_id"] == (
        r"IF(size(parts) = 10, trim(TRAILING '\r' FROM get(parts, 9)), get(parts, 9))"
    )


def test_the_ids_of_parties_are_identifiers_and_nothing_else_is():
    """The leak scan takes its identifiers from these columns; no table of the lake has one."""
    assert [column.name for column in RAW.identifiers] == ["customer_id", "terminal_id", "terminal_group_id"]
    assert ID_COLUMNS == (2, 3, 9)
    for table in TABLES:
        assert [column.name for column in table.columns if column.sensitivity == "identifier"] == [], table.name
        assert identifiers_among(table.column_names) == [], table.name


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "tx_time_days"])
def test_the_largest_number_is_the_largest_of_its_shape(name):
    """Numbers read by value and numbers read by their text are the same."""
    column = RAW.column(name)

    assert column.least == 0
    assert re.fullmatch(column.shape, str(column.largest))
    assert not re.fullmatch(column.shape, str(column.largest + 1))


def test_days_may_be_negative():
    """The column of days is checked and not used, so it may be negative."""
    column = RAW.column("tx_time_days")

    assert (column.least, column.largest) == (-999_999_999, 999_999_999)
    assert re.fullmatch(column.shape, str(column.least))
    assert not re.fullmatch(column.shape, str(column.least - 1))
