"""List which days of which tables are out of date, and why. The job changes nothing and needs no Spark.

    python -m jobs.stale --from 2026-01-01 --to 2026-03-31

Each line is a sequence of days of one table. A changed day makes days of later tables stale, too: up to 37 days of
states and features. They are listed if they lie in the range. `history` are days before the range that would be loaded
first.
Raw files with unknown checksums are read through once.
"""

import argparse

from antifraud.lake.lookback import missing_before
from antifraud.settings.core import JobSettings
from jobs.lake.staleness import NEVER, lines_of, stale
from jobs.spark.runtime import days_of, range_parser, run_plain_job, span


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """List what is out of date in the days of the arguments."""
    days = days_of(arguments)
    history = dict.fromkeys(missing_before(settings, min(days)), f"{NEVER}, and looked back on")
    lines = lines_of({"history": history} | stale(settings, days))
    print("\n".join(lines) if lines else f"{span(days)}: every table is up to date")


if __name__ == "__main__":
    run_plain_job(main, range_parser(__doc__), reads_raw=True)
