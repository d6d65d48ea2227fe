"""Print checksums of the lake: one for the rows of each table's day, in whatever order and files they are.

    python -m jobs.checksums --from 2026-01-01 --to 2026-01-31

Two lakes with the same checksums hold the same rows. The job needs no Spark.
"""

import argparse

from antifraud.settings.core import JobSettings
from jobs.lake.checksums import checksums
from jobs.spark.runtime import range_parser, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Print the checksums of the days of the arguments."""
    for (name, day), value in sorted(checksums(settings, arguments.first, arguments.last).items()):
        print(f"{name:16} {day} {value}")


if __name__ == "__main__":
    run_plain_job(main, range_parser(__doc__))
