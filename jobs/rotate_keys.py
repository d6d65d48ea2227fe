"""Bring the lake under the active key: days that later days and corrections look back on get new tokens.

    python -m antifraud keys rotate
    spark-submit jobs/rotate_keys.py --day 2026-03-31     # the newest day of the lake
    python -m jobs.export_state --day 2026-03-31          # the scorer's state under the new key
    python -m antifraud keys retire k1                    # see the runbook

The job re-keys the last 31 states. In totals, clean and features it re-keys the 67 days that the last 30 days look back
on. The gate's certify window reaches back further by default, and then its days are re-keyed, too, because the gate
would take a customer under two keys for two customers.

The bridge of old and new tokens is made from the raw files and lies in the raw zone. While both keys are in the ring,
exports of the state have its pairs, so that the scorer finds one history by either token. Run both jobs again after
each night until the old key is retired: the bridge then has the new customers of that night.

Before anything is published, the features of 30 days are computed again from the re-keyed rows and must equal the
lake's. Days keep their inputs, so nothing becomes stale because of the new key. Older days stay under the old key.

After a kill, run the job again: days that are under the new key already are skipped.
"""

import argparse

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.lake.rotation import rotate
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import Stopwatch, day_parser, run_job


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Rotate up to the day of the arguments."""
    watch = Stopwatch()
    create_tables(spark, settings)
    rows = rotate(spark, settings, arguments.day)
    print(f"rotate_keys {arguments.day}: {rows:,} rows under the active key in {watch.seconds:.1f} s")


if __name__ == "__main__":
    run_job("rotate_keys", main, day_parser(__doc__), reads_raw=True)
