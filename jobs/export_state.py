"""The state of a day as the scorer reads it: an LMDB file, its manifest, then the pointer.

    python -m jobs.export_state --day 2026-03-31

Needs no Spark. The pointer never goes back to an older day by itself; ``--allow-older`` says it may.
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
