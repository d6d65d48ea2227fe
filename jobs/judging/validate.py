"""Validate a candidate: score its rows on the cluster, let the gate judge, write the report."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from antifraud.artifacts.pointer import read_pointer
from antifraud.errors import ReleaseError
from antifraud.files import replace_file
from antifraud.gate.identified import describe_weights
from antifraud.gate.report import GateReport
from antifraud.settings.core import JobSettings
from jobs.judging.certify_rows import ReducedWindows, scored_windows
from jobs.judging.champion import judge_rivals, scorable
from jobs.judging.limits import limits_of
from jobs.judging.looks import look, warning
from jobs.judging.noise import noise_of
from jobs.judging.report import judged
from jobs.judging.rivals import find_rivals
from jobs.judging.slices import slices_of
from jobs.reporting.page import PAGE_FILE, render
from jobs.rows.history import find_history
from jobs.rows.inputs import Inputs
from jobs.training.candidate import REPORT_FILE, Candidate


def validate(spark: SparkSession, settings: JobSettings, candidate: Candidate, inputs: Inputs) -> GateReport:
    """Judge a candidate and return its report, with the change of the release pointer that it was judged at.

    Training counts only the rows that it reads, so the rows of certify are counted here. If the window has judged more
    than one candidate, a sentence among the reasons says that a PASS is to be trusted less.

    Raises:
        ReleaseError: The candidate was trained on other days than those in the lake now.
        NotIdentified: Labels of served days depend on what was flagged there.
        DataError: The evaluator differs from CatBoost, or the windows are too small to judge on.
    """
    if candidate.info["days"] != inputs.days:
        raise ReleaseError(f"candidate {candidate.id} was trained on other days than the lake has now: train it again")
    limits, serving = limits_of(settings), read_pointer(settings.releases_dir)
    looks = look(reports_of(settings, inputs.as_of), candidate.id)
    rivals = find_rivals(settings, inputs, candidate.id)
    history = find_history(settings, inputs)
    with scored_windows(spark, inputs, candidate.path, scorable(rivals), history) as results:
        reduced = ReducedWindows.of_candidate(results, settings, inputs, candidate, limits, history)
        beside = judge_rivals(results, rivals, inputs, settings, limits)
        report = judged(candidate, reduced, settings, limits, rivals=beside)
        slices = slices_of(results, report.threshold)
        noise = noise_of(results, report.threshold, limits.fpr_limit, reduced.certify.history)
    return replace(
        report,
        windows={**report.windows, **(history.inputs.spans if history else {})},
        reasons=(*report.reasons, *_weights(reduced), *warning(looks, limits.delta)),
        slices=slices,
        counts=reduced.counts,
        noise=noise,
        known_shares=reduced.known_shares,
        looks=looks,
        pointer_sequence=serving.sequence if serving else 0,
        baselines=candidate.info.get("baselines"),
        baseline_rows=candidate.info.get("baseline_rows"),
        train_rows=candidate.info.get("train_rows"),
    )


def _weights(reduced: ReducedWindows) -> list[str]:
    heavy = reduced.certify.heavy
    return [describe_weights(heavy)] if heavy else []


def reports_of(settings: JobSettings, as_of: dt.date) -> Path:
    """Return the folder of a night's reports."""
    return settings.under_home("reports", str(as_of))


def write_reports(report: GateReport, folders: list[Path]) -> None:
    """Write `report.json` and `report.html` into each folder."""
    for folder in folders:
        replace_file(folder / PAGE_FILE, render(report))
        replace_file(folder / REPORT_FILE, report.to_json())
