"""Keep the Iceberg tables healthy: remove old states, compact, expire snapshots, remove orphans, tidy the metadata.

    spark-submit jobs/maintenance.py                 # says what it would do
    spark-submit jobs/maintenance.py --mode apply

A snapshot that a live release names, or that was the table's state within the last ``--keep-days``, stays. Snapshots
that were staged and never published, and files that nothing refers to, go after ``--grace-hours``. These ages are
counted on the wall clock, as Iceberg's own time stamps are, also while business time is replayed. States older than
``ANTIFRAUD_STATE_KEEP_DAYS``, counted from the newest day of the lake, are deleted (`jobs/upkeep/expiry.py`); their
files go with the last snapshot that shows them.
"""

import argparse
from collections.abc import Callable
from typing import Final

from pyspark.sql import SparkSession

from antifraud.clock import BusinessClock
from antifraud.settings.core import JobSettings
from jobs.publishing.tables import create_tables
from jobs.spark.runtime import base_parser, run_job
from jobs.upkeep.maintenance import maintain
from jobs.upkeep.retention import (
    GRACE_HOURS,
    KEEP_DAYS,
    Rules,
)

LEAST_GRACE_HOURS: Final = 25
"""Iceberg refuses to call a file of the last 24 hours an orphan."""


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Plan, and carry out unless dry."""
    create_tables(spark, settings)
    rules = Rules(BusinessClock().now(), arguments.keep_days, arguments.grace_hours)
    maintain(spark, settings, rules, apply=arguments.mode == "apply")


def parser() -> argparse.ArgumentParser:
    """Mode and retention."""
    arguments = base_parser(__doc__)
    arguments.add_argument("--mode", choices=["dry-run", "apply"], default="dry-run")
    arguments.add_argument("--keep-days", type=_at_least(1), default=KEEP_DAYS)
    arguments.add_argument("--grace-hours", type=_at_least(LEAST_GRACE_HOURS), default=GRACE_HOURS)
    return arguments


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return number


if __name__ == "__main__":
    run_job("maintenance", main, parser())
