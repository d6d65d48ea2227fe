"""Judge a candidate: score select and certify rows on the cluster, reduce them, let the gate decide, report."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from antifraud.artifacts.pointer import read_pointer
from antifraud.errors import ReleaseError
from antifraud.files import replace_file
from antifraud.settings.core import JobSettings
from jobs.judging.certify_rows import Evidence, scored_windows
from jobs.judging.champion import judge_rivals, scorable
from jobs.judging.limits import limits_of
from jobs.judging.looks import look, warning
from jobs.judging.report import judged
from jobs.judging.rivals import find_rivals
from jobs.judging.slices import slices_of
from jobs.reporting.page import PAGE_FILE, render
from jobs.rows.inputs import Inputs
from jobs.training.candidate import REPORT_FILE, Candidate


def validate(spark: SparkSession, settings: JobSettings, candidate: Candidate, inputs: Inputs) -> dict[str, Any]:
    """Judge a candidate and return the content of its report; `pointer_sequence` says what served at the time.

    `counts` are the certify rows by status: training counts only the rows that it reads. `looks` is the number of
    candidates that the window has judged, and more than one are a reason to trust a PASS less.

    Raises:
        ReleaseError: The candidate was trained on other days than those in the lake now.
        DataError: The evaluator differs from CatBoost, or the windows are too small to judge on.
    """
    if candidate.info["days"] != inputs.days:
        raise ReleaseError(f"candidate {candidate.id} was trained on other days than the lake has now: train it again")
    limits, serving = limits_of(settings), read_pointer(settings.releases_dir)
    looks = look(reports_of(settings, inputs.as_of), candidate.id)
    rivals = find_rivals(settings, inputs, candidate.id)
    others = [bundle.path for bundle in scorable(rivals)]
    with scored_windows(spark, inputs, candidate.path, others) as results:
        evidence = Evidence.of_candidate(results, settings, inputs, candidate, limits)
        beside = judge_rivals(results, rivals, inputs, settings, limits)
        report = judged(candidate, evidence, settings, limits, rivals=beside)
        slices = slices_of(results, report["threshold"])
    trained = {name: candidate.info.get(name) for name in ("baselines", "baseline_rows", "train_rows")}
    known = {"slices": slices, "counts": evidence.counts, "pointer_sequence": serving.sequence if serving else 0}
    *state, action = report["reasons"]
    reasons = [*state, *warning(looks, limits.delta), action]
    return report | trained | known | {"looks": looks, "reasons": reasons}


def reports_of(settings: JobSettings, as_of: dt.date) -> Path:
    """Return the folder of a night's reports."""
    return settings.under_home("reports", str(as_of))


def write_reports(report: Mapping[str, Any], folders: list[Path]) -> None:
    """Write `report.json` and `report.html` into each folder."""
    for folder in folders:
        replace_file(folder / PAGE_FILE, render(report))
        replace_file(folder / REPORT_FILE, json.dumps(report, indent=2, sort_keys=True) + "\n")
