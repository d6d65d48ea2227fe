"""Maintain the Iceberg tables: remove old states, compact files, expire snapshots, remove orphans, rewrite manifests.

    spark-submit jobs/maintenance.py                 # shows what it would do
    spark-submit jobs/maintenance.py --mode apply

| what | is removed | counted by |
| --- | --- | --- |
| snapshots | ``--keep-days`` after they were superseded, unless a live release names them | wall clock |
| staged snapshots, orphaned files | after ``--grace-hours`` | wall clock |
| states | ``ANTIFRAUD_STATE_KEEP_DAYS`` after their day (`jobs/upkeep/expiry.py`) | newest day of the lake |

Iceberg stamps snapshots by the wall clock, so these ages are counted with it even while business time is replayed. The
files of a removed state go with the last snapshot that shows them.
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
"""Iceberg refuses to treat files of the last 24 hours as orphans."""


def main(spark: SparkSession, settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Plan the maintenance, and carry it out unless dry."""
    create_tables(spark, settings)
    rules = Rules(BusinessClock().now(), arguments.keep_days, arguments.grace_hours)
    maintain(spark, settings, rules, apply=arguments.mode == "apply")


def parser() -> argparse.ArgumentParser:
    """Return a parser of mode and ages."""
    arguments = base_parser(__doc__)
    arguments.add_argument("--mode", choices=["dry-run", "apply"], default="dry-run")
    arguments.add_argument("--keep-days", type=_at_least(1), default=KEEP_DAYS)
    arguments.add_argument("--grace-hours", type=_at_least(LEAST_GRACE_HOURS), default=GRACE_HOURS)
    return arguments


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}, the smallest value")
        return int(text)

    return number


if __name__ == "__main__":
    run_job("maintenance", main, parser())
