"""Compare a day's features with the days that the serving release was trained on.

    python -m jobs.drift_report --day 2026-04-10

Writes ``<home>/reports/<day>/drift.html`` and ``drift.json``; before the first release there is nothing to compare.
"""

import json
from argparse import Namespace
from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.bundle import open_release
from antifraud.artifacts.pointer import read_pointer
from antifraud.features.registry import FEATURE_NAMES
from antifraud.files import replace_file
from antifraud.lake.catalog import open_catalog, read_days, require_days
from antifraud.lake.schemas import FEATURES
from antifraud.settings.core import JobSettings
from jobs.adapters.evidently import compare
from jobs.rows.vectors import vectors_of
from jobs.rows.windows import Span, Windows
from jobs.spark.runtime import day_parser, run_plain_job

SAMPLE_ROWS: Final = 50_000
"""Rows of each side at most; Evidently works in memory."""


def sample_of(settings: JobSettings, span: Span) -> npt.NDArray[np.float64]:
    """Up to `SAMPLE_ROWS` feature vectors of some days, the same for the same seed.

    Raises:
        MissingDay: A day has no features.
    """
    catalog = open_catalog(settings)
    require_days(catalog, FEATURES, span.days)
    vectors = vectors_of(read_days(catalog, FEATURES, span.first, span.last, FEATURE_NAMES))
    chosen = np.random.default_rng(settings.seed).permutation(len(vectors))[:SAMPLE_ROWS]
    return vectors[np.sort(chosen)].astype(np.float64)


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
