"""Rows of a day as the raw format's text."""

import io
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.lake.schemas import RAW
from jobs.simulator.config import WorldConfig
from jobs.simulator.defects import AMOUNT, BROKEN_AMOUNT, BROKEN_ROW, CUSTOMER, DUPLICATE, MIDNIGHT, NONE, TERMINAL
from jobs.simulator.rows import Day

PLAIN: Final = csv.WriteOptions(include_header=False, quoting_style="none")
BAD_TERMINALS: Final = ("Err", "None", "")
BAD_CUSTOMER: Final = "-999999"
CUT_AT: Final = 9
"""Characters of its date after which a broken row ends."""

ID_FIELD, TIME_FIELD, CUSTOMER_FIELD, TERMINAL_FIELD, AMOUNT_FIELD, DAY_FIELD = map(
    RAW.place, ("tranaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount", "tx_time_days")
)


def header_of(config: WorldConfig) -> bytes:
    """Return the first line of every file of a world."""
    return f"{RAW.header_of(len(RAW.all_columns)) if config.chains else RAW.header}\n".encode()


def day_text(config: WorldConfig, day: Day) -> bytes:
    """Return all lines of `day`, without the header."""
    table = _table(config, day)
    text, written = io.BytesIO(), 0
    # Arrow writes the runs of sound rows; only defective rows are lines in Python, which would be slow for all rows.
    for position in np.flatnonzero((day.defect != NONE) & (day.defect != DUPLICATE)).tolist():
        csv.write_csv(table.slice(written, position - written), text, PLAIN)
        text.write(_defective(_line(table, position), day, position, config) + b"\n")
        written = position + 1
    csv.write_csv(table.slice(written), text, PLAIN)
    return text.getvalue()


def _table(config: WorldConfig, day: Day) -> pa.Table:
    since_start = day.index * DAY_SECONDS + day.second
    moment = day_number(config.start) * DAY_SECONDS + since_start
    columns = [
        pa.array(day.transaction),
        pa.array(moment).cast(pa.timestamp("s")),
        pa.array(day.customer),
        pa.array(day.terminal),
        _decimal(day.amount),
        pa.array(since_start),
        pa.array(np.full(len(day), day.index)),
        pa.array((day.scenario > 0).astype(np.int8)),
        pa.array(day.scenario),
        *([pa.array(day.chain)] if config.chains else []),
    ]
    return pa.table(columns, names=RAW.column_names[: len(columns)])


def _decimal(kopecks: NDArray[np.int64]) -> pa.Array:
    """Return kopecks as exact decimals with two places: Arrow's are 128-bit integers, and their high half is 0 here."""
    halves = np.zeros((len(kopecks), 2), dtype=np.int64)
    halves[:, 0] = kopecks
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(kopecks), [None, pa.py_buffer(halves)])


def _line(table: pa.Table, position: int) -> str:
    line = io.BytesIO()
    csv.write_csv(table.slice(position, 1), line, PLAIN)
    return line.getvalue().decode().rstrip("\n")


def _defective(line: str, day: Day, position: int, config: WorldConfig) -> bytes:
    """Return the line with the row's defect in it."""
    fields, defect, number = line.split(","), day.defect[position], int(day.transaction[position])
    if defect == TERMINAL:
        fields[TERMINAL_FIELD] = BAD_TERMINALS[number % len(BAD_TERMINALS)]
    elif defect == CUSTOMER:
        fields[CUSTOMER_FIELD] = BAD_CUSTOMER
    elif defect == AMOUNT:
        fields[AMOUNT_FIELD] = "0.00"
    elif defect == BROKEN_AMOUNT:
        fields[AMOUNT_FIELD] += "#"
    elif defect == MIDNIGHT:
        fields[TIME_FIELD] = f"{config.date(day.index - 1)} 24:00:00"
        fields[DAY_FIELD] = str(day.index - 1)
    elif defect == BROKEN_ROW:
        fields = [fields[ID_FIELD], fields[TIME_FIELD][:CUT_AT]]
    return ",".join(fields).encode()
