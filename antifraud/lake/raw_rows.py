"""Rows of raw files in plain Python, with the judgement of ingest on each row taken alone.

Ingest itself parses with Spark (`jobs/raw/columns.py`), because it reads billions of rows. Every other reader of raw
files parses here. tests/parity/test_raw_judges.py feeds the same hostile lines to both.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Final, Self

from antifraud.clock import DAY_SECONDS, day_number, day_of
from antifraud.figures import MINOR_UNITS
from antifraud.lake.raw_defects import ROW_DEFECTS, RowDefect
from antifraud.lake.schemas import RAW

NAMES: Final = RAW.column_names
NOTHING: Final = dict.fromkeys(NAMES, b"")
"""The texts of a line with another number of columns."""
WIDTH: Final = len(RAW.columns)
"""Columns of a file without optional ones."""
SHAPES: Final = {column.name: re.compile(column.shape.encode()) for column in RAW.all_columns}
DATE_BYTES: Final = len("YYYY-MM-DD")
MIDNIGHT_AFTER: Final = b" 24:00:00"
MIDNIGHT: Final = b" 00:00:00"
LABELS: Final = {b"0": False, b"1": True}


@dataclass(frozen=True, slots=True)
class FileDays:
    """Base time and days of a raw file, by which its rows are judged.

    Attributes:
        base: UTC seconds at which `tx_time_seconds` is 0; None if no line tells.
        first: Number of the first day.
        last: Number of the last day that rows may be of.
        width: Number of columns that the header names.
    """

    base: int | None
    first: int
    last: int
    width: int = WIDTH

    @classmethod
    def of(cls, base: int | None, first: dt.date, last: dt.date, width: int = WIDTH) -> Self:
        """Return the same from calendar days."""
        return cls(base, day_number(first), day_number(last), width)


@dataclass(frozen=True, slots=True)
class UsableRow:
    """A row without a defect, so that every value is there."""

    transaction_id: int
    event_time: int
    """UTC seconds."""
    customer_id: int
    terminal_id: int
    amount: int
    """Minor units."""
    is_fraud: bool
    scenario: int
    group_id: int | None = None
    """None if the source names no group of the terminal."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A line of a raw file as typed values; a value is None if its text breaks the contract.

    The names are those of the columns in the SQL of `antifraud.lake.raw_defects`.

    Attributes:
        complete: Whether the line has the columns of the header.
        printed_time: Printed date and time in UTC seconds.
        event_time: The same, but None unless printed and counted time agree.
        event_day: Number of the day of `event_time`.
        first_day: Number of the first day of the file.
        last_day: Number of the last day that rows of the file may be of.
        amount: Minor units; may be zero or negative here.
        group_given: Whether the line names a group of the terminal, in whatever text.
    """

    complete: bool
    printed_time: int | None
    event_time: int | None
    event_day: int | None
    first_day: int
    last_day: int
    transaction_id: int | None
    customer_id: int | None
    terminal_id: int | None
    amount: int | None
    seconds: int | None
    days: int | None
    is_fraud: bool | None
    scenario: int | None
    group_id: int | None
    group_given: bool

    @property
    def defect(self) -> RowDefect | None:
        """The first defect of the row taken alone; None if the row is usable."""
        return next((defect for defect in ROW_DEFECTS if defect.holds(self)), None)

    @property
    def usable(self) -> UsableRow | None:
        """The row as a usable one; None if it has a defect."""
        if self.defect:
            return None
        whole: Any = self  # no value is None, or there would be a defect
        parties = whole.customer_id, whole.terminal_id
        of_label = whole.is_fraud, whole.scenario
        return UsableRow(whole.transaction_id, whole.event_time, *parties, whole.amount, *of_label, whole.group_id)


def fields_of(line: bytes, width: int = WIDTH) -> list[bytes]:
    """Return the texts between the commas of a line; a quote is a character like any other.

    If the line has more columns than `width`, the last text is the whole rest of the line: millions of texts would fill
    memory.
    """
    return line.split(b",", width)


def _texts(line: bytes, width: int) -> dict[str, bytes] | None:
    """Return the texts of a line by column; None if it has another number of columns."""
    fields = fields_of(line, width)
    return NOTHING | dict(zip(NAMES, fields, strict=False)) if len(fields) == width else None


def parse_row(line: bytes, file: FileDays) -> RawRow:
    """Return a line of a file as a row."""
    texts = _texts(line, file.width)
    text = texts or NOTHING
    seconds, printed = _number("tx_time_seconds", text), _printed_time(text)
    base = _base_by(printed, seconds)
    time = printed if base is not None and base == file.base else None
    return RawRow(
        complete=texts is not None,
        printed_time=printed,
        event_time=time,
        event_day=None if time is None else day_of(time),
        first_day=file.first,
        last_day=file.last,
        transaction_id=_number("tranaction_id", text),
        customer_id=_number("customer_id", text),
        terminal_id=_number("terminal_id", text),
        amount=_minor_units(text),
        seconds=seconds,
        days=_number("tx_time_days", text),
        is_fraud=LABELS.get(text["tx_fraud"]),
        scenario=_number("tx_fraud_scenario", text),
        group_id=_number("terminal_group_id", text) if text["terminal_group_id"] else None,
        group_given=bool(text["terminal_group_id"]),
    )


def base_by(line: bytes, width: int = WIDTH) -> int | None:
    """Return the base time that a line of a file with `width` columns speaks for; None if it tells none."""
    text = _texts(line, width)
    seconds = _number("tx_time_seconds", text) if text else None
    return _base_by(_printed_time(text), seconds) if text and seconds is not None else None


def _base_by(printed: int | None, seconds: int | None) -> int | None:
    return None if printed is None or seconds is None else printed - seconds


def _number(name: str, texts: dict[str, bytes]) -> int | None:
    return int(texts[name]) if SHAPES[name].fullmatch(texts[name]) else None


def _printed_time(texts: dict[str, bytes]) -> int | None:
    """Return UTC seconds; ``X 24:00:00`` is the midnight that ends day X."""
    text = texts["tx_datetime"]
    if not SHAPES["tx_datetime"].fullmatch(text):
        return None
    ends_day = text.endswith(MIDNIGHT_AFTER)
    try:
        moment = dt.datetime.fromisoformat((text[:DATE_BYTES] + MIDNIGHT if ends_day else text).decode())
    except ValueError:
        return None
    return int(moment.replace(tzinfo=dt.UTC).timestamp()) + (DAY_SECONDS if ends_day else 0)


def _minor_units(texts: dict[str, bytes]) -> int | None:
    """Return minor units, never through a float: ``70.91`` is 7091, ``70.9`` is 7090, ``70`` is 7000."""
    text = texts["tx_amount"]
    if not SHAPES["tx_amount"].fullmatch(text):
        return None
    units, _, decimals = text.partition(b".")
    return int(units + decimals.ljust(len(str(MINOR_UNITS)) - 1, b"0"))
