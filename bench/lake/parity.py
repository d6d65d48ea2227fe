"""Compare both implementations on a week of a million customers: ``python -m bench.lake.parity --home <folder>``.

The lake is the one that `bench.lake.ingest` made in this folder. Spark's features of the last seven days are compared
with `antifraud.features.reference`, event after event in order, bit by bit. DuckDB gathers the reference's histories
from `clean` and `labels`, so the reference shares neither code nor tables with totals and state. Two days are held in
memory at a time, some 20 GB.
"""

import gc
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of, day_number
from antifraud.features.buckets import EMPTY, LONGEST_WINDOW_DAYS, Bucket, History, Risk, bucket_of
from antifraud.features.reference import feature_vector
from antifraud.features.registry import FEATURE_NAMES
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS
from bench.lake.world import Bench, bench_of, files_of
from jobs.lake.features import features
from jobs.lake.state import state
from jobs.lake.totals import totals
from jobs.spark.session import start_session

COMMAND: Final = "python -m bench.lake.parity"
WEEK: Final = 7
PROCESSES: Final = 2
BATCH_ROWS: Final = 100_000
NAN_BITS: Final = np.float64("nan").view(np.int64)
BUCKET: Final = (
    "count(*), sum(amount)::BIGINT, sum(amount::HUGEINT * amount)::BIGINT, max(amount), max(event_time)"  # as `Bucket`
)
Histories = dict[str, History]


@dataclass(frozen=True, slots=True)
class Files:
    """Relations to select from: the days before by their numbers, and the features of the day to compare."""

    clean: Mapping[int, str]
    labels: Mapping[int, str]
    features: str
    day: int
    label_delay_days: int


def publish_week(bench: Bench) -> None:
    """Publish the features of the last week that are missing."""
    spark = start_session("bench", bench.settings)
    totals(spark, bench.settings, bench.days[:-1])
    for day, before in list(zip(bench.days[1:], bench.days, strict=False))[-WEEK:]:
        state(spark, bench.settings, [before])
        features(spark, bench.settings, [day])
    spark.stop()


def compare(files: Files) -> tuple[int, int]:
    """Count the rows of a day, and its feature values that differ."""
    # Millions of tuples and no cycles: collecting them takes longer than everything else.
    gc.disable()
    with duckdb.connect() as database:
        database.execute("SET threads = 1; SET memory_limit = '3GB'; SET enable_progress_bar = false")
        customers = _histories(database, files, "customer")
        terminals = _histories(database, files, "terminal", _risks(database, files))
        rows, different = 0, 0
        for batch in _events(database, files):
            expected = _vectors(batch, customers, terminals)
            rows += batch.num_rows
            different += int(np.count_nonzero(_bits(_found(batch)) != _bits(expected)))
    return rows, different


def _histories(
    database: duckdb.DuckDBPyConnection, files: Files, entity: str, risks: Callable[[str], Risk] = lambda _: Risk()
) -> Histories:
    """Return the histories of the day's entities before it begins; its own hours are added as its events pass."""
    before, found = files.day - 1, Histories()
    of_the_day = f"WHERE {entity} IN (SELECT {entity} FROM {files.features})"
    for number, events in files.clean.items():
        for whose, *bucket in _rows(database, f"SELECT {entity}, {BUCKET} FROM {events} {of_the_day} GROUP BY 1"):
            if whose not in found:
                found[whose] = History(before, {}, {}, risks(whose))
            found[whose].days[number] = Bucket(*bucket)  # type: ignore[index]
    hour = f"event_time // {HOUR_SECONDS}"
    by_hour = f"SELECT {entity}, {hour}, {BUCKET} FROM {files.clean[before]} {of_the_day} GROUP BY 1, 2"
    for whose, number, *bucket in _rows(database, by_hour):
        found[whose].hours[number] = Bucket(*bucket)  # type: ignore[index]
    return found


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    # Through Arrow, because DuckDB 1.5's `fetchmany` crashes on results of this size.
    for batch in database.execute(query).to_arrow_reader(BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _risks(database: duckdb.DuckDBPyConnection, files: Files) -> Callable[[str], Risk]:
    """Return a function from a terminal to its matured risk, by the labels that were known when the day began."""
    last = files.day - 1 - files.label_delay_days
    known: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number in (number for number in files.clean if last - LONGEST_WINDOW_DAYS < number <= last):
        query = (
            f"SELECT terminal, count(*), count(*) FILTER (said = 'fraud') FROM {files.clean[number]} JOIN "
            f"(SELECT transaction_id, arg_max(status, (learned_at, source, sequence)) AS said "
            f"FROM {files.labels[number]} WHERE learned_at < {files.day * DAY_SECONDS} GROUP BY 1) "
            "USING (transaction_id) WHERE said <> 'unknown' GROUP BY 1"
        )
        for terminal, *counts in _rows(database, query):
            known[terminal].append((number, *counts))
    return lambda terminal: _risk(known[terminal], files.day, last) if terminal in known else Risk()


def _risk(known: list[tuple[int, int, int]], day: int, last: int) -> Risk:
    """Return the risk from a terminal's days with known labels: day, labels known, frauds among them."""
    counts = []
    for window in (1, 7, LONGEST_WINDOW_DAYS):
        seen = [row for row in known if row[0] > last - window]
        counts += [sum(row[1] for row in seen), sum(row[2] for row in seen)]
    legit = max((number for number, all_known, frauds in known if all_known > frauds), default=0)
    streak = [(number, frauds) for number, _, frauds in known if number > legit and frauds]
    age = day - min(streak)[0] if streak else 0
    return Risk._make([*counts, sum(frauds for _, frauds in streak), age, day - legit if legit else 0])


def _events(database: duckdb.DuckDBPyConnection, files: Files) -> Iterator[pa.RecordBatch]:
    names = ", ".join(("event_time", "amount_minor", "customer", "terminal", *FEATURE_NAMES))
    ordered = f"SELECT {names} FROM {files.features} ORDER BY event_time, transaction_id"
    yield from database.execute(ordered).to_arrow_reader(BATCH_ROWS)


def _vectors(batch: pa.RecordBatch, customers: Histories, terminals: Histories) -> npt.NDArray[np.float64]:
    """Return the reference's vectors of events in order; afterwards each event is part of both histories."""
    found = []
    for time, amount, customer, terminal in zip(*(batch.column(n).to_pylist() for n in range(4)), strict=True):
        pair = [_history(customers, customer, time), _history(terminals, terminal, time)]
        found.append(feature_vector(time, amount, *pair))
        hour = time // HOUR_SECONDS
        for history in pair:
            history.hours[hour] = history.hours.get(hour, EMPTY).plus(bucket_of(time, amount))  # type: ignore[index]
    return np.array(found, np.float64)


def _history(known: Histories, entity: str, time: int) -> History:
    if entity not in known:
        known[entity] = History(time // DAY_SECONDS - 1, {}, {})
    return known[entity]


def _found(batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
    """Return Spark's vectors; null is NaN."""
    columns = (batch.column(name).to_numpy(zero_copy_only=False) for name in FEATURE_NAMES)
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _bits(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.where(np.isnan(vectors), NAN_BITS, vectors.view(np.int64))


def files_to_compare(bench: Bench) -> list[Files]:
    """Return one for each day of the week, days with little and with much history in turns.

    Two are held in memory at a time, and two long histories might not fit.
    """
    settings, delay = bench.settings, bench.settings.label_delay_days
    clean, labels = (
        {day_number(day): files_of(settings, table, [day]) for day in bench.days} for table in (CLEAN, LABELS)
    )
    found = []
    for day in map(day_number, bench.days[-WEEK:]):
        before = [number for number in clean if day - LONGEST_WINDOW_DAYS <= number < day]
        events, said = ({number: relations[number] for number in before} for relations in (clean, labels))
        found.append(Files(events, said, files_of(settings, FEATURES, [date_of(day)]), day, delay))
    return [each for pair in zip(found, reversed(found), strict=True) for each in pair][:WEEK]


def measure(bench: Bench) -> None:
    """Publish the missing days, compare, record."""
    publish_week(bench)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        counts = list(pool.map(compare, files_to_compare(bench)))
    rows, different = (sum(column) for column in zip(*counts, strict=True))
    about = f"the last {WEEK} days, {len(FEATURE_NAMES)} features, bit by bit"
    bench.keep("lake.parity_mismatches", different, "values", COMMAND, about)
    bench.keep("lake.parity_rows", rows, "rows", COMMAND, about)


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=1))
