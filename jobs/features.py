"""Make the feature vectors of a range of days, from the state of the day before and earlier events of the day.

    spark-submit jobs/features.py --from 2026-01-01 --to 2026-03-31

The formulas are in `antifraud/features/registry.py`; this job supplies the exact integers that they start from.
"""

import argparse

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.lake.features import features
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, days_of, range_parser, run_job, span


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Publish the features of the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark, settings)
    rows = features(spark, settings, days)
    print(f"features {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("features", main, range_parser(__doc__))
