"""Compare Spark's features of a day with the reference's, event after event in order, bit by bit."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import History, bucket_of
from antifraud.features.reference import feature_vector
from antifraud.features.registry import FEATURE_NAMES
from bench.lake.gathered import BATCH_ROWS, ComparedDay, Histories, histories_of, label_histories

NAN_BITS: Final = np.float64("nan").view(np.int64)


def compare(compared: ComparedDay) -> tuple[int, int]:
    """Count the rows of a day, and its feature values that differ."""
    with duckdb.connect() as database:
        database.execute("SET threads = 1; SET memory_limit = '7GB'; SET enable_progress_bar = false")
        customers = histories_of(database, compared, "customer", {})
        terminals = histories_of(database, compared, "terminal", label_histories(database, compared))
        rows, different = 0, 0
        for batch in _events(database, compared):
            expected = _vectors(batch, customers, terminals)
            rows += batch.num_rows
            different += int(np.count_nonzero(_bits(_found(batch)) != _bits(expected)))
    return rows, different


def _events(database: duckdb.DuckDBPyConnection, compared: ComparedDay) -> Iterator[pa.RecordBatch]:
    names = ", ".join(("event_time", "amount_minor", "customer", "terminal", *FEATURE_NAMES))
    ordered = f"SELECT {names} FROM {compared.features} ORDER BY event_time, transaction_id"
    yield from database.execute(ordered).to_arrow_reader(BATCH_ROWS)


def _vectors(batch: pa.RecordBatch, customers: Histories, terminals: Histories) -> npt.NDArray[np.float64]:
    """Return the reference's vectors of events in order; afterwards each event is part of both histories."""
    found = []
    for time, amount, customer, terminal in zip(*(batch.column(n).to_pylist() for n in range(4)), strict=True):
        pair = [_history(customers, customer, time), _history(terminals, terminal, time)]
        found.append(feature_vector(time, amount, *pair))
        hour, event = time // HOUR_SECONDS, bucket_of(time, amount)
        for known, entity, history in zip((customers, terminals), (customer, terminal), pair, strict=True):
            known[entity] = replace(history, hours=history.hours.adding(hour, event))
    return np.array(found, np.float64)


def _history(known: Histories, entity: str, time: int) -> History:
    return known.get(entity) or History(time // DAY_SECONDS - 1)


def _found(batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
    """Return Spark's vectors; null is NaN."""
    columns = (batch.column(name).to_numpy(zero_copy_only=False) for name in FEATURE_NAMES)
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _bits(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.where(np.isnan(vectors), NAN_BITS, vectors.view(np.int64))
