"""Ingest raw files into `quarantine`, `labels` and, last, `clean`: rows judged one by one, tokens instead of ids.

    spark-submit jobs/ingest.py --from 2026-01-01 --to 2026-03-31

For every day, rows in = clean + quarantined. A file is read once, even if several runs ask for its days. In each table
only the days with changed rows are published.
"""

import argparse

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.lake.ingest import ingest
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, days_of, range_parser, run_job, span


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Ingest the days of the arguments."""
    watch, days = Stopwatch(), days_of(arguments)
    create_tables(spark, settings)
    rows = ingest(spark, settings, days, rekey=arguments.rekey)
    print(f"ingest {span(days)}: {rows:,} rows in {watch.seconds:.1f} s")


def parser() -> argparse.ArgumentParser:
    """Return a parser of a range of days, and of ``--rekey`` for days under a lost key."""
    arguments = range_parser(__doc__)
    arguments.add_argument("--rekey", action="store_true", help="bring the days under the active key")
    return arguments


if __name__ == "__main__":
    run_job("ingest", main, parser(), reads_raw=True)
