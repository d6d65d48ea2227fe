"""Compare a day's features with the days that the serving release was trained on.

    python -m jobs.drift_report --day 2026-04-10

The job writes ``<home>/reports/<day>/drift.html`` and ``drift.json``. Before the first release there is nothing to
compare with.
"""

import json
from argparse import Namespace

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import Span
from antifraud.features.registry import FEATURE_NAMES
from antifraud.files import replace_file
from antifraud.settings.core import JobSettings
from jobs.adapters.evidently import compare
from jobs.reporting.drift import sample_of
from jobs.rows.windows import Windows
from jobs.spark.runtime import day_parser, run_plain_job


def main(settings: JobSettings, arguments: Namespace) -> None:
    """Write the report of a day."""
    day = arguments.day
    pointer = read_pointer(settings.releases_dir)
    if pointer is None:
        print(f"drift {day}: no release serves yet, nothing to compare with")
        return
    manifest = open_release(settings, pointer.release).manifest
    reference = Windows.from_dict(manifest["windows"]).train
    folder = settings.under_home("reports", str(day))
    folder.mkdir(parents=True, exist_ok=True)
    figures = compare(sample_of(settings, Span(day, day)), sample_of(settings, reference), folder / "drift.html")
    report = {"day": str(day), "release": pointer.release, "reference": str(reference), **figures}
    replace_file(folder / "drift.json", json.dumps(report, indent=2, sort_keys=True) + "\n")
    print(f"drift {day}: {figures['drifted_features']} of {len(FEATURE_NAMES)} features differ from {reference}")


if __name__ == "__main__":
    run_plain_job(main, day_parser(__doc__))
