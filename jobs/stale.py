"""Which days of which tables are out of date, and why. Changes nothing and needs no Spark.

    python -m jobs.stale --from 2026-01-01 --to 2026-03-31

Each line is a run of days of one table. A day is listed under the tables that follow from it, too, as far as they lie
in the range: a changed day reaches 37 days of states and features. `history` are days before the range that would be
loaded first. Raw files whose checksums are not known are read through once.
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
