"""Export the state of a day for the scorer: an LMDB file and its manifest, then the pointer to them.

    python -m jobs.export_state --day 2026-03-31

The job needs no Spark. The pointer goes back to an older day only with ``--allow-older``.
"""

import argparse

from antifraud.settings.core import JobSettings
from jobs.lake.export import export_state
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """Export the state of the day of the arguments."""
    rows = export_state(settings, arguments.day, allow_older=arguments.allow_older)
    print(f"export {arguments.day}: {rows:,} entities")


if __name__ == "__main__":
    parser = day_parser(__doc__)
    parser.add_argument("--allow-older", action="store_true", help="let the pointer go back to an older day")
    run_plain_job(main, parser)
