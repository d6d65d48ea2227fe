"""Rolling windows in pandas, as tutorials make features, beside a night of ours.

    python -m bench.lake_pandas --home <folder>

Takes the lake that `bench.lake_ingest` made in this folder. pandas gets the rows of some customers, since all of them
do not fit, and makes the fifteen features of Le Borgne et al. (2022), ch. 3.3, on one core; ours are totals, state and
features of a whole day on both cores. Rows a second are those of the slice and those of the day.
"""

import datetime as dt
import statistics
import time
from typing import Final

import duckdb
import pandas as pd
from pyspark.sql import SparkSession

from antifraud.clock import HOUR_SECONDS
from antifraud.features import WINDOWS
from antifraud.lake import full_name
from antifraud.schemas import CLEAN, FEATURES, LABELS, RUNS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings import JobSettings
from bench.lake_world import Bench, bench_of, files_of
from jobs.features import features
from jobs.session import start_session
from jobs.state import state
from jobs.totals import totals

COMMAND: Final = "python -m bench.lake_pandas"
SLICE_ROWS: Final = 200_000
NIGHT_ENDS: Final = 6
SATURDAY: Final = 5


def slice_of(bench: Bench) -> pd.DataFrame:
    """All rows of so many customers that they are about `SLICE_ROWS`, with their labels, in order."""
    clean, labels = (files_of(bench.settings, table, bench.days) for table in (CLEAN, LABELS))
    rows = duckdb.sql(f"SELECT count(*) FROM {clean}").fetchall()[0][0]
    return duckdb.sql(
        f"SELECT event_time, customer, terminal, amount, status = 'fraud' AS fraud FROM {clean} AS events "
        f"JOIN {labels} AS said USING (day, transaction_id) WHERE hash(customer) % {max(1, rows // SLICE_ROWS)} = 0 "
        "ORDER BY event_time, transaction_id"
    ).df()


def with_pandas(rows: pd.DataFrame, delay_days: int) -> pd.DataFrame:
    """The fifteen features, a group at a time."""
    rows = rows.assign(time=pd.to_datetime(rows.event_time, unit="s"), fraud=rows.fraud.astype(float), one=1.0)
    hour = rows.event_time // HOUR_SECONDS % 24
    found = pd.DataFrame(
        {"amount": rows.amount / 100, "weekend": rows.time.dt.weekday >= SATURDAY, "night": hour < NIGHT_ENDS}
    )
    for days in WINDOWS:
        count = _rolling(rows, "customer", "one", days)
        found[f"customer_{days}d_count"] = count
        found[f"customer_{days}d_mean"] = _rolling(rows, "customer", "amount", days) / count / 100
        count, frauds = (
            _rolling(rows, "terminal", name, days + delay_days) - _rolling(rows, "terminal", name, delay_days)
            for name in ("one", "fraud")
        )
        found[f"terminal_{days}d_count"] = count
        found[f"terminal_{days}d_share"] = (frauds / count).fillna(0.0)
    return found


def _rolling(rows: pd.DataFrame, entity: str, column: str, days: int) -> pd.Series:
    summed = rows.groupby(entity, group_keys=False)[["time", column]].apply(
        lambda group: group.rolling(f"{days}D", on="time")[column].sum()
    )
    return summed.sort_index()


def ours(spark: SparkSession, settings: JobSettings, day: dt.date) -> float:
    """Seconds of the jobs that make a day's features, as if they had never run; the state is rebuilt, not rolled."""
    before = day - dt.timedelta(days=1)
    for of, tables in ((day, (TOTALS_CUSTOMER, TOTALS_TERMINAL, FEATURES)), (before, (STATE,))):
        names = ", ".join(f"'{table.name}'" for table in tables)
        spark.sql(f"DELETE FROM {full_name(RUNS)} WHERE day = DATE '{of}' AND table IN ({names})")
    began = time.monotonic()
    totals(spark, settings, [day])
    state(spark, settings, [before])
    features(spark, settings, [day])
    return time.monotonic() - began


def measure(bench: Bench) -> None:
    """Take turns, record rows a second."""
    settings, day = bench.settings, bench.days[-1]
    spark = start_session("bench", settings)
    totals(spark, settings, bench.days[:-1])
    rows = slice_of(bench)
    day_rows = duckdb.sql(f"SELECT count(*) FROM {files_of(settings, CLEAN, [day])}").fetchall()[0][0]
    ours(spark, settings, day)  # the JVM compiles on its first turn
    rates: list[tuple[float, float]] = []
    for _ in range(bench.repetitions):
        seconds = ours(spark, settings, day)
        began = time.monotonic()
        with_pandas(rows, settings.label_delay_days)
        rates.append((day_rows / seconds, len(rows) / (time.monotonic() - began)))
        print(f"ours {rates[-1][0]:,.0f}, pandas {rates[-1][1]:,.0f} rows a second", flush=True)
    spark.stop()
    gains = [mine / theirs for mine, theirs in rates]
    mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
    about = f"ours {mine:,.0f} rows a second of {day_rows:,}, pandas {theirs:,.0f} of {len(rows):,}"
    bench.keep("lake.pandas_gain", statistics.median(gains), "1", COMMAND, about, gains)


if __name__ == "__main__":
    measure(bench_of(__doc__, repetitions=3))
