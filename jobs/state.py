"""Make the states of a range of days: what is known of every customer and terminal at the end of a day.

    spark-submit jobs/state.py --from 2026-01-01 --to 2026-03-31

A single day is rolled from the state of the day before and its own totals. If that state is stale, or for several days
at once, states are rebuilt from 30 days of totals, for terminals plus the label delay. Both ways give the same rows, in
any order of days.
"""

import argparse

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.lake.state import state
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, days_of, range_parser, run_job, span


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Publish the states of the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark, settings)
    rows = state(spark, settings, days)
    print(f"state {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("state", main, range_parser(__doc__))
