"""Make the totals of a range of days: each customer's and terminal's transactions by hour, and when labels were learnt.

spark-submit jobs/totals.py --from 2026-01-01 --to 2026-03-31
"""

import argparse

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.lake.totals import totals
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, days_of, range_parser, run_job, span


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Publish the totals of the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark, settings)
    rows = totals(spark, settings, days)
    print(f"totals {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("totals", main, range_parser(__doc__))
