"""Read live transactions, as a client of the scorer has them, from raw files that no job reads."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from antifraud.errors import MissingDay
from infra.local.raw_folder import file_of, usable_rows


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A transaction and its label. Its ids are raw, so it never leaves this process."""

    transaction_id: int
    event_time: int
    customer: int
    terminal: int
    amount: int
    """Minor units."""
    is_fraud: bool


def live_rows(folder: Path, day: dt.date) -> list[LiveRow]:
    """Return the usable rows of a day in the order of (time, id), without repeated ids.

    Raises:
        MissingDay: No raw file covers the day, or its file ends before it.
        RawFileError: The file cannot be read as transactions.
    """
    rows = [
        LiveRow(r.transaction_id, r.event_time, r.customer_id, r.terminal_id, r.amount, is_fraud=r.is_fraud)
        for r in usable_rows(file_of(folder, day), day, day)
    ]
    if not rows:
        raise MissingDay(f"{folder} has no row of {day}: add its raw file, or give fewer --days")
    # Sorting keeps the order of lines, so of equal ids the first by (time, line) stays, as in the lake.
    first: dict[int, LiveRow] = {}
    for row in sorted(rows, key=lambda row: row.event_time):
        first.setdefault(row.transaction_id, row)
    return sorted(first.values(), key=lambda row: (row.event_time, row.transaction_id))


def changed(rows: list[LiveRow], factor: int) -> Iterator[LiveRow]:
    """Yield the rows with the amounts of legitimate ones multiplied by `factor`."""
    return (row if row.is_fraud else replace(row, amount=row.amount * factor) for row in rows)
