"""State at the end of a day, the cut-off: what is known of every customer and terminal.

    spark-submit jobs/state.py --from 2026-01-01 --to 2026-03-31

Made from 30 days of totals, and of terminals the label delay more; in any order of days, with the same rows.
"""

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.buckets import LONGEST_WINDOW_DAYS
from antifraud.clock import day_number, days_between
from antifraud.errors import MissingDay
from antifraud.key_use import key_ids, require_one_key
from antifraud.lake import Run, open_catalog, published, require_days
from antifraud.schemas import DAY_BUCKETS, HOUR_BUCKETS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings import JobSettings
from jobs.buckets import FIELDS
from jobs.history import RISK_COLUMNS, history_of, risk_of, with_blocks
from jobs.publish import Batch, hash_of, publish, record, stale_days
from jobs.runtime import Stopwatch, days_of, range_parser, run_job, span
from jobs.tables import create_tables, read_table

Runs = Mapping[dt.date, Run]


def state_of(
    spark: SparkSession, customers: DataFrame, terminals: DataFrame, days: Sequence[dt.date], label_delay_days: int
) -> DataFrame:
    """Rows of `state` for the cut-offs `days`, from the two tables of totals."""
    numbers = [(day_number(day),) for day in days]
    cutoffs = with_blocks(spark.createDataFrame(numbers, "cutoff int"))
    by_customer = history_of(_entities(customers, "customer"), cutoffs)
    by_terminal = history_of(_entities(terminals, "terminal"), cutoffs)
    risk = risk_of(_entities(terminals, "terminal", "learned"), cutoffs, label_delay_days)
    known = by_terminal.join(risk, ["entity", "cutoff"], "full")
    kinds = [by_customer.withColumn("kind", F.lit("customer")), known.withColumn("kind", F.lit("terminal"))]
    return (
        kinds[0]
        .unionByName(kinds[1], allowMissingColumns=True)
        .select(
            F.date_from_unix_date("cutoff").alias("day"),
            "kind",
            "entity",
            F.coalesce("days", F.array().cast(DAY_BUCKETS)).alias("days"),
            F.coalesce("hours", F.array().cast(HOUR_BUCKETS)).alias("hours"),
            *(F.coalesce(name, F.lit(0).cast("bigint")).alias(name) for name in RISK_COLUMNS),
        )
    )


def _entities(totals: DataFrame, entity: str, *more: str) -> DataFrame:
    columns = more or (*FIELDS, "hours")
    return totals.select(F.col(entity).alias("entity"), F.unix_date("day").alias("number"), *columns)


def state(spark: SparkSession, settings: JobSettings, days: Sequence[dt.date]) -> int:
    """Publish the states of `days` where they are not up to date; returns the rows published.

    Raises:
        MissingDay: A day that a state looks back on is not in the totals, although earlier ones are.
    """
    catalog, first = open_catalog(settings), window_of(settings, min(days))[0]
    customers, terminals = (published(catalog, t, first, max(days)) for t in (TOTALS_CUSTOMER, TOTALS_TERMINAL))
    require_days(catalog, TOTALS_CUSTOMER, days)
    require_days(catalog, TOTALS_TERMINAL, days)
    inputs = {day: inputs_of(settings, customers, terminals, day) for day in days}
    stale = stale_days(settings, (STATE,), inputs)
    if not stale:
        return 0
    known = {t: key_ids(catalog, t, first, max(stale)) for t in (TOTALS_CUSTOMER, TOTALS_TERMINAL)}
    for day in stale:
        require_one_key((table, ids, window_of(settings, day)) for table, ids in known.items())
    window = F.col("day").between(F.lit(window_of(settings, min(stale))[0]), F.lit(max(stale)))
    by_customer, by_terminal = (read_table(spark, table).where(window) for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL))
    rows = state_of(spark, by_customer, by_terminal, stale, settings.label_delay_days)
    runs = publish(spark, settings, Batch(STATE, rows, {day: inputs[day] for day in stale}))
    record(spark, runs)
    return sum(run.rows for run in runs)


def window_of(settings: JobSettings, day: dt.date) -> list[dt.date]:
    """The days of totals that the state of `day` looks back on."""
    reach = settings.label_delay_days + LONGEST_WINDOW_DAYS
    return days_between(day - dt.timedelta(days=reach - 1), day)


def inputs_of(settings: JobSettings, customers: Runs, terminals: Runs, day: dt.date) -> str:
    """Hash of everything a day's state is made from.

    Raises:
        MissingDay: A day that the state looks back on is not in the totals, although earlier ones are.
    """
    window = window_of(settings, day)
    _require_no_hole(day, window, customers, terminals)
    made_of = [[str(d), runs[d].inputs] for runs in (customers, terminals) for d in window if d in runs]
    return hash_of(STATE.version, made_of, settings.label_delay_days)


def _require_no_hole(day: dt.date, window: Sequence[dt.date], *tables: Runs) -> None:
    """History may begin inside the window, but from then on every day is there."""
    begun = min(d for runs in tables for d in runs)
    if missing := [str(d) for d in window if d >= begun and any(d not in runs for runs in tables)]:
        raise MissingDay(
            f"the state of {day} looks back on {', '.join(missing[:5])}, which the totals lack: load these days first"
        )


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Publish the states of the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark)
    rows = state(spark, settings, days)
    print(f"state {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("state", main, range_parser(__doc__))
