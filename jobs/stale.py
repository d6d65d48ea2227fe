"""List which days of which tables are out of date, and why. The job changes nothing and needs no Spark.

    python -m jobs.stale --from 2026-01-01 --to 2026-03-31

Each line is a sequence of days of one table. A changed day makes days of later tables stale, too: up to 37 days of
states and features. They are listed if they lie in the range. `history` are days before the range that would be loaded
first.
Raw files with unknown checksums are read through once. `unreadable` are days of files that cannot be read; the job then
ends with the exit code of such a file, after it has listed the other days.
"""

import argparse

from antifraud.errors import RawFileError
from antifraud.lake.lookback import missing_before
from antifraud.settings.core import JobSettings
from jobs.lake.staleness import NEVER, UNREADABLE, lines_of, stale
from jobs.spark.runtime import days_of, range_parser, run_plain_job, span


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """List what is out of date in the days of the arguments.

    Raises:
        RawFileError: A raw file of these days cannot be read.
    """
    days = days_of(arguments)
    history = dict.fromkeys(missing_before(settings, min(days)), f"{NEVER}, and looked back on")
    found = stale(settings, days)
    lines = lines_of({"history": history} | found)
    print("\n".join(lines) if lines else f"{span(days)}: every table is up to date")
    if reasons := sorted(set(found.get(UNREADABLE, {}).values())):
        raise RawFileError("; ".join(reasons))


if __name__ == "__main__":
    run_plain_job(main, range_parser(__doc__), reads_raw=True)
