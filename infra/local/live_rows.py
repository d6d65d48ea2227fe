"""Read live transactions, as a client of the scorer has them, from raw files that no job reads."""

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import MissingDay
from infra.local.raw_folder import file_of, opened

MIDNIGHT_DEFECT: Final = "24:00:00"
COLUMNS: Final = 9


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
    """Return the usable rows of a day in the order of (time, id), without defects and repeated ids.

    Raises:
        MissingDay: No raw file covers the day, or its file ends before it.
    """
    start = day_number(day) * DAY_SECONDS
    found: dict[int, LiveRow] = {}
    with opened(file_of(folder, day)) as lines:
        for fields in csv.reader(lines):
            row = _row(fields)
            if row and start <= row.event_time < start + DAY_SECONDS:
                found.setdefault(row.transaction_id, row)
    if not found:
        raise MissingDay(f"{folder} has no row of {day}: add its raw file, or give fewer --days")
    return sorted(found.values(), key=lambda row: (row.event_time, row.transaction_id))


def changed(rows: list[LiveRow], factor: int) -> Iterator[LiveRow]:
    """Yield the rows with the amounts of legitimate ones multiplied by `factor`."""
    return (row if row.is_fraud else replace(row, amount=row.amount * factor) for row in rows)


def _row(fields: list[str]) -> LiveRow | None:
    if len(fields) != COLUMNS or fields[1].endswith(MIDNIGHT_DEFECT):
        return None
    transaction, moment, customer, terminal, amount, _, _, fraud, _ = fields
    try:
        row = LiveRow(
            transaction_id=int(transaction),
            event_time=int(dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC).timestamp()),
            customer=int(customer),
            terminal=int(terminal),
            amount=round(float(amount) * 100),
            is_fraud=fraud == "1",
        )
    except ValueError:
        return None  # a defect of the feed, which ingest would quarantine
    return row if row.customer >= 0 and row.amount > 0 else None
