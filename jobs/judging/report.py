"""The gate's report: a candidate judged at both volumes, and the figures and lines taken from the report."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from antifraud.clock import DAY_SECONDS
from antifraud.figures import MINOR_UNITS
from antifraud.gate.comparison_checks import check_comparison
from antifraud.gate.findings import Alternative
from antifraud.gate.judge import Certify, Demand, check_threshold, judge
from antifraud.gate.limits import Limits
from antifraud.gate.report import CurvePoints, GateReport
from antifraud.gate.tradeoff import tradeoff
from antifraud.settings.core import JobSettings
from antifraud.stats.comparison import Decider
from antifraud.stats.score_tables import MONTH_DAYS
from jobs.judging.certify_rows import ReducedWindows
from jobs.judging.champion import Judged, succession
from jobs.judging.limits import demand_of
from jobs.judging.rivals import CHAMPION
from jobs.reporting.words import full_reasons, reasons
from jobs.rows.windows import Windows
from jobs.training.candidate import Candidate

FULL_TRANSACTIONS_A_SECOND: Final = 50
FULL_TRANSACTIONS_A_MONTH: Final = FULL_TRANSACTIONS_A_SECOND * MONTH_DAYS * DAY_SECONDS
"""The full service's volume: every report adds what the verdict would be there."""
CURVE_POINTS: Final = 400
NEAR: Final = 4
"""Largest false-positive rate on the curve, as a multiple of the limit."""


def judged(
    candidate: Candidate,
    reduced: ReducedWindows,
    settings: JobSettings,
    limits: Limits,
    *,
    rivals: Sequence[Judged] = (),
) -> GateReport:
    """Judge a candidate and return the report; `rivals` are earlier releases on the same rows.

    Rivals that were judged are the other models at hand.
    """
    demand, champion = demand_of(settings), next((each for each in rivals if each.role == CHAMPION), None)
    at_full = replace(demand, transactions_a_month=FULL_TRANSACTIONS_A_MONTH)
    certify, seed = reduced.certify, settings.seed
    others, quiet = _others(rivals, demand, seed), reduced.quiet_days
    here = judge(reduced.select, certify, limits, demand=demand, seed=seed, alternatives=others, quiet_days=quiet)
    full = check_threshold(
        certify, here.threshold, limits, demand=at_full, seed=seed, alternatives=_others(rivals, at_full, seed)
    )
    decided = succession(champion, Decider(certify.table, here.threshold, certify.frauds), here, settings)
    checked = check_comparison(decided.champion.comparison if decided.champion else None)
    return GateReport(
        **replace(here, assumptions=(*here.assumptions, *checked)).by_name(),
        **decided._asdict(),
        candidate=candidate.id,
        as_of=dt.date.fromisoformat(candidate.info["as_of"]),
        windows=Windows.from_dict(candidate.info["windows"]).spans,
        evaluator_difference_ppm=reduced.difference,
        at_full_volume=full,
        curve=points(certify, limits, demand),
        tradeoff=tradeoff(certify, here, demand, seed),
    )


def _others(rivals: Sequence[Judged], demand: Demand, seed: int) -> list[Alternative]:
    return [found for rival in rivals if (found := rival.alternative(demand, seed))]


def points(certify: Certify, limits: Limits, demand: Demand) -> CurvePoints:
    """Return at most `CURVE_POINTS` thresholds with their FPR, and the loss in RUB a month at a volume.

    Thresholds far beyond the FPR limit are left out.
    """
    whole = certify.curve
    near = np.flatnonzero(whole.fpr <= NEAR * limits.fpr_limit)
    every = near[np.unique(np.linspace(0, near.size - 1, CURVE_POINTS).astype(int))]
    month = demand.volume(certify).factor * MONTH_DAYS / certify.frauds.days / MINOR_UNITS
    loss = whole.missed_amount[every] * month
    return CurvePoints(*(tuple(column.tolist()) for column in (whole.threshold[every], whole.fpr[every], loss)))


def figures(report: GateReport) -> dict[str, float]:
    """Return the numbers of a report that MLflow shows."""
    names = ("threshold", "fpr", "fpr_bound", "recall", "value_recall", "alerts_a_day", "required_value_recall")
    money = {"loss_month": report.loss.mean, "loss_month_bound": report.loss.bound}
    return {name: float(getattr(report, name)) for name in names} | {k: v / MINOR_UNITS for k, v in money.items()}


def summary(report: GateReport) -> list[str]:
    """Return what a person reads first: both verdicts, each with its reasons."""
    full = f"at the full service's {FULL_TRANSACTIONS_A_SECOND} transactions a second"
    lines = [
        f"{report.verdict} at the judged volume",
        *(f"  WARNING: {warning}" for warning in report.warnings),
        *(f"  {reason}" for reason in reasons(report)),
        f"{report.at_full_volume.verdict} {full}",
        *(f"  {reason}" for reason in full_reasons(report)),
    ]
    if not report.is_replay:  # a replay promotes nothing
        said = "may replace" if report.promotable else "does not replace"
        lines.append(f"{said} what serves: {report.promotable_reason}")
    return lines
