"""Replay what the scorer has decided on a day, and measure the distance to the lake's features.

    python -m jobs.parity_report --day 2026-04-10

The job reads the decisions and labels that the shipper has brought to the lake, and the exported states. It writes
``<home>/reports/<day>/parity.json``. If a vector is not that of a replay of the arrival order, it ends with the code of
a `ReplayMismatch`. The distance to the lake is only reported: events arrive late, and together.
"""

import json
from argparse import Namespace

from antifraud.files import replace_file
from antifraud.settings.core import JobSettings
from jobs.parity.report import parity_of
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: Namespace) -> None:
    """Write the report of a day."""
    report = parity_of(settings, arguments.day)
    folder = settings.under_home("reports", str(arguments.day))
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "parity.json", json.dumps(report.to_dict(), indent=2, sort_keys=True) + "\n")
    print(*report.lines(), sep="\n")
    report.require_same()


if __name__ == "__main__":
    run_plain_job(main, day_parser(__doc__))
