"""Time the features of one day of a million customers: ``python -m bench.lake.features --home <folder>``.

The lake is the one that `bench.lake.ingest` made in this folder. Our job is compared with two others: DuckDB, with the
same definition on the same files, and Spark, recomputing the day from all events of the 30 days before instead of the
state. All take turns, starting a session is left out, and the rows must be equal.
"""

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.clock import ONE_DAY
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, RUNS, STATE
from antifraud.settings.core import JobSettings
from bench.lake.features_sql import features_query
from bench.lake.world import Bench, bench_of, files_of
from jobs.lake.feature_rows import feature_rows
from jobs.lake.features import features
from jobs.lake.state import state, state_of
from jobs.lake.totals import customer_totals, terminal_totals, totals
from jobs.publishing.tables import create_tables, read_table
from jobs.spark.session import start_session

COMMAND: Final = "python -m bench.lake.features"


def ours(spark: SparkSession, settings: JobSettings, day: dt.date) -> float:
    """Return the seconds of the job: compute, stage, audit, publish."""
    spark.sql(f"DROP TABLE IF EXISTS {full_name(FEATURES)} PURGE")
    spark.sql(f"DELETE FROM {full_name(RUNS)} WHERE table = '{FEATURES.name}'")
    create_tables(spark, settings)
    began = time.monotonic()
    features(spark, settings, [day])
    return time.monotonic() - began


def from_events(spark: SparkSession, settings: JobSettings, day: dt.date, target: Path) -> float:
    """Return the seconds of making the same rows from events and labels of the days before, as Parquet."""
    began = time.monotonic()
    before = day - ONE_DAY
    window = F.col("day").between(day - dt.timedelta(days=settings.label_delay_days + LONGEST_WINDOW_DAYS), before)
    clean, labels = (read_table(spark, table).where(window) for table in (CLEAN, LABELS))
    delay = settings.label_delay_days
    known = state_of(spark, customer_totals(clean), terminal_totals(clean, labels, delay), [before], delay)
    rows: DataFrame = feature_rows(read_table(spark, CLEAN).where(F.col("day") == day), known)
    rows.write.mode("overwrite").parquet(str(target))
    return time.monotonic() - began


def with_duckdb(settings: JobSettings, day: dt.date, target: Path) -> float:
    """Return the seconds that DuckDB needs for the same rows from the same files, as Parquet."""
    events, before = (files_of(settings, table, [at]) for table, at in ((CLEAN, day), (STATE, day - ONE_DAY)))
    target.unlink(missing_ok=True)
    began = time.monotonic()
    with duckdb.connect() as database:
        database.execute("SET threads = 2; SET memory_limit = '6GB'")
        query = features_query(events, before)
        database.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    return time.monotonic() - began


def different(one: str, other: str) -> int:
    """Count rows that are in one relation only."""
    names = ", ".join(FEATURES.column_names)
    query = f"SELECT count(*) FROM ((SELECT {names} FROM {{}}) EXCEPT ALL (SELECT {names} FROM {{}}))"
    return sum(duckdb.sql(query.format(*pair)).fetchall()[0][0] for pair in ((one, other), (other, one)))


def measure(bench: Bench) -> None:
    """Load the missing days; take turns with DuckDB, then with the events, which take longest."""
    settings, day = bench.settings, bench.days[-1]
    (settings.home / "features").mkdir(exist_ok=True)
    spark = start_session("bench", settings)
    create_tables(spark, settings)
    totals(spark, settings, bench.days[:-1])
    state(spark, settings, [day - ONE_DAY])
    # The JVM compiles on its first turn, which a nightly job pays once for all its stages.
    ours(spark, settings, day)
    beside_duckdb(spark, bench)
    beside_events(spark, bench)
    spark.stop()


def beside_duckdb(spark: SparkSession, bench: Bench) -> None:
    """Take turns with DuckDB and record."""
    settings, day, target = bench.settings, bench.days[-1], bench.settings.home / "features" / "duckdb.parquet"
    turns = [
        (ours(spark, settings, day), with_duckdb(settings, day, target)) for _ in _counted_aloud(bench.repetitions)
    ]
    about = _same_rows(files_of(settings, FEATURES, [day]), f"read_parquet('{target}')")
    _keep(bench, "lake.features_vs_duckdb", f"{about}, DuckDB", [mine / other for mine, other in turns], turns)


def beside_events(spark: SparkSession, bench: Bench) -> None:
    """Take turns with recomputing from events and record."""
    settings, day, target = bench.settings, bench.days[-1], bench.settings.home / "features" / "events"
    turns = [
        (ours(spark, settings, day), from_events(spark, settings, day, target))
        for _ in _counted_aloud(max(bench.repetitions // 5, 1))
    ]
    about = _same_rows(files_of(settings, FEATURES, [day]), f"read_parquet('{target}/*.parquet')")
    about = f"{about}, {len(bench.days)} days of events"
    _keep(bench, "lake.incremental_gain", about, [other / mine for mine, other in turns], turns)


def _counted_aloud(repetitions: int) -> Iterator[int]:
    """Count like `range`, with a line of progress before each turn."""
    for turn in range(repetitions):
        print(f"turn {turn + 1} of {repetitions}", flush=True)
        yield turn


def _same_rows(mine: str, other: str) -> str:
    if wrong := different(mine, other):
        raise SystemExit(f"{wrong} rows differ between ours and {other}")
    return f"{duckdb.sql(f'SELECT count(*) FROM {mine}').fetchall()[0][0]:,} equal rows"


def _keep(bench: Bench, name: str, about: str, ratios: list[float], turns: list[tuple[float, float]]) -> None:
    mine, other = (statistics.median(column) for column in zip(*turns, strict=True))
    bench.keep(name, statistics.median(ratios), "1", COMMAND, f"{about} {other:.1f} s, ours {mine:.1f} s", ratios)


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=5))
