"""Compare a day's features with the days that the serving release was trained on.

    python -m jobs.drift_report --day 2026-04-10

The job writes ``<home>/reports/<day>/drift.html`` and ``drift.json``. Before the first release there is nothing to
compare with. Drift of a feature with fewer than two values on a side, as on a day without rows, is "unknown".
"""

import json
from argparse import Namespace
from typing import Any, Final

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import read_pointer
from antifraud.clock import Span
from antifraud.files import replace_file
from antifraud.settings.core import JobSettings
from jobs.adapters.evidently import LEAST_VALUES, compare, unknown_of
from jobs.reporting.drift import sample_of
from jobs.rows.windows import Windows
from jobs.spark.runtime import day_parser, run_plain_job

SHOWN: Final = 5


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
    print(f"drift {day}: {summarize(figures, str(reference))}")


def summarize(figures: dict[str, Any], reference: str) -> str:
    """Return the figures in one line.

    >>> summarize({"drifted_features": 1, "drift": {"amount": 0.5, "hour": "unknown"}}, "2026-01")
    '1 of 1 features differ from 2026-01; unknown for 1 with fewer than 2 values: hour'
    """
    unknown = unknown_of(figures["drift"])
    line = f"{figures['drifted_features']} of {len(figures['drift']) - len(unknown)} features differ from {reference}"
    if not unknown:
        return line
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return (
        f"{line}; unknown for {len(unknown)} with fewer than {LEAST_VALUES} values: {', '.join(unknown[:SHOWN])}{more}"
    )


if __name__ == "__main__":
    run_plain_job(main, day_parser(__doc__))
