"""Compare a night of ours with rolling windows in pandas, as tutorials make features.

    python -m bench.lake.against_pandas --home <folder>

The lake is the one that `bench.lake.ingest` made in this folder. pandas gets all rows of some customers, and of some
terminals, because all of them do not fit. On one core it makes the fifteen features of Le Borgne et al. (2022), ch.
3.3, as they do. Ours is a night on both cores: totals, state and features of a whole day.

Rows a second count the rows of the slice for pandas, and the rows of the day for us. In pandas the features of all days
are made at once, and a night of theirs would begin with all days again.
"""

import datetime as dt
import statistics
import time
from typing import Final

import duckdb
import pandas as pd
from pyspark.sql import SparkSession

from antifraud.clock import HOUR_SECONDS, ONE_DAY
from antifraud.features.registry import WINDOWS
from antifraud.lake.catalog import full_name
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, RUNS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from bench.lake.world import Bench, bench_of, files_of
from jobs.lake.features import features
from jobs.lake.state import state
from jobs.lake.totals import totals
from jobs.spark.session import start_session

COMMAND: Final = "python -m bench.lake.against_pandas"
SLICE_ROWS: Final = 100_000
NIGHT_ENDS: Final = 6
SATURDAY: Final = 5


def slice_of(bench: Bench, entity: str) -> pd.DataFrame:
    """Return all rows of some customers, or terminals, with their labels, in order: about `SLICE_ROWS`."""
    clean, labels = (files_of(bench.settings, table, bench.days) for table in (CLEAN, LABELS))
    rows = duckdb.sql(f"SELECT count(*) FROM {clean}").fetchall()[0][0]
    return duckdb.sql(
        f"SELECT event_time, {entity}, amount, status = 'fraud' AS fraud FROM {clean} AS events "
        f"JOIN {labels} AS said USING (day, transaction_id) WHERE hash({entity}) % {max(1, rows // SLICE_ROWS)} = 0 "
        "ORDER BY event_time, transaction_id"
    ).df()


def with_pandas(customers: pd.DataFrame, terminals: pd.DataFrame, delay_days: int) -> float:
    """Return rows a second of the fifteen features, made a customer and a terminal at a time."""
    began = time.monotonic()
    rows = _timed(customers)
    rows["night"] = rows.event_time // HOUR_SECONDS % 24 < NIGHT_ENDS
    rows["weekend"] = rows.time.dt.weekday >= SATURDAY
    rows.groupby("customer", group_keys=False)[["time", "amount"]].apply(spending)
    a_customer_row = (time.monotonic() - began) / len(rows)
    began = time.monotonic()
    rows = _timed(terminals)
    rows.groupby("terminal", group_keys=False)[["time", "fraud"]].apply(lambda group: risk(group, delay_days))
    return 1 / (a_customer_row + (time.monotonic() - began) / len(rows))


def _timed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(time=pd.to_datetime(rows.event_time, unit="s"), fraud=rows.fraud.astype(float))


def spending(group: pd.DataFrame) -> pd.DataFrame:
    """Add a customer's transactions and their mean over the windows."""
    amounts = group.set_index("time").amount
    for days in WINDOWS:
        rolled = amounts.rolling(f"{days}D")
        count = rolled.count()
        group[f"{days}d_count"], group[f"{days}d_mean"] = count.to_numpy(), (rolled.sum() / count).to_numpy()
    return group


def risk(group: pd.DataFrame, delay_days: int) -> pd.DataFrame:
    """Add a terminal's transactions and their fraud share over windows that end `delay_days` before each."""
    frauds = group.set_index("time").fraud
    late = frauds.rolling(f"{delay_days}D")
    for days in WINDOWS:
        rolled = frauds.rolling(f"{days + delay_days}D")
        count = rolled.count() - late.count()
        share = (rolled.sum() - late.sum()) / count
        group[f"{days}d_count"], group[f"{days}d_share"] = count.to_numpy(), share.fillna(0.0).to_numpy()
    return group


def ours(spark: SparkSession, settings: JobSettings, day: dt.date) -> float:
    """Return the seconds of a night's jobs, as if they had never run: totals, state rolled on, features."""
    before = day - ONE_DAY
    for of, tables in ((day, (TOTALS_CUSTOMER, TOTALS_TERMINAL, FEATURES)), (before, (STATE,))):
        names = ", ".join(f"'{table.name}'" for table in tables)
        spark.sql(f"DELETE FROM {full_name(RUNS)} WHERE day = DATE '{of}' AND table IN ({names})")
    began = time.monotonic()
    totals(spark, settings, [day])
    state(spark, settings, [before])
    features(spark, settings, [day])
    return time.monotonic() - began


def measure(bench: Bench) -> None:
    """Let both sides take turns, and record rows a second."""
    settings, day = bench.settings, bench.days[-1]
    spark = start_session("bench", settings)
    totals(spark, settings, bench.days[:-1])
    state(spark, settings, [day - 2 * ONE_DAY])
    slices = [slice_of(bench, entity) for entity in ("customer", "terminal")]
    day_rows = duckdb.sql(f"SELECT count(*) FROM {files_of(settings, CLEAN, [day])}").fetchall()[0][0]
    ours(spark, settings, day)  # not counted: the JVM compiles on its first turn
    rates: list[tuple[float, float]] = []
    for _ in range(bench.repetitions):
        seconds = ours(spark, settings, day)
        rates.append((day_rows / seconds, with_pandas(slices[0], slices[1], settings.label_delay_days)))
        print(f"ours {rates[-1][0]:,.0f}, pandas {rates[-1][1]:,.0f} rows a second", flush=True)
    spark.stop()
    gains = [mine / theirs for mine, theirs in rates]
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    about = f"ours {mine:,.0f} rows a second of {day_rows:,}, pandas {theirs:,.0f} of {len(slices[0]):,}"
    bench.keep("lake.pandas_gain", statistics.median(gains), "1", COMMAND, about, gains)


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=3))
