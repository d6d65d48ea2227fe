"""The gate's report as the files that people and programs read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from antifraud.figures import MINOR_UNITS
from antifraud.gate.findings import Alternative, Limits
from antifraud.gate.judge import Certify, Demand, GateReport, check_threshold, judge
from antifraud.gate.tradeoff import tradeoff
from antifraud.settings.core import JobSettings
from antifraud.stats.comparison import Decider
from antifraud.stats.score_tables import MONTH_DAYS, curve
from jobs.judging.certify_rows import Evidence
from jobs.judging.champion import Judged, succession
from jobs.judging.limits import demand_of
from jobs.judging.rivals import CHAMPION
from jobs.reporting.words import full_reasons, reasons
from jobs.training.candidate import Candidate

FULL_TRANSACTIONS_A_SECOND: Final = 50
FULL_TRANSACTIONS_A_MONTH: Final = FULL_TRANSACTIONS_A_SECOND * 30 * 86_400
"""The full service's volume: every report says beside its verdict what the verdict would be there."""
CURVE_POINTS: Final = 400
NEAR: Final = 4
"""Multiples of the FPR limit that the curve shows."""


def judged(
    candidate: Candidate,
    evidence: Evidence,
    settings: JobSettings,
    limits: Limits,
    *,
    rivals: Sequence[Judged] = (),
) -> dict[str, Any]:
    """Content of `report.json`.

    The `GateReport`'s keys, then `at_full_volume` (the same threshold at the full service's volume), `curve` (for the
    chart), `tradeoff` (the table, `antifraud.gate.tradeoff.tradeoff`: a list of one dict a threshold, money in minor
    units), `champion`, `promotable` and `promotable_reason` (`jobs.judging.champion.succession`). `rivals` are earlier
    releases on the same rows: those that were judged are the other models at hand.
    """
    demand, champion = demand_of(settings), next((each for each in rivals if each.role == CHAMPION), None)
    at_full = replace(demand, transactions_a_month=FULL_TRANSACTIONS_A_MONTH)
    certify, seed = evidence.certify, settings.seed
    here = judge(evidence.select, certify, limits, demand=demand, seed=seed, alternatives=_others(rivals, demand, seed))
    full = check_threshold(
        certify, here.threshold, limits, demand=at_full, seed=seed, alternatives=_others(rivals, at_full, seed)
    )
    return {
        **plain(here),
        **succession(champion, Decider(certify.table, here.threshold, certify.frauds), here, settings),
        "candidate": candidate.id,
        "as_of": candidate.info["as_of"],
        "windows": candidate.info["windows"],
        "evaluator_difference_ppm": evidence.difference,
        "at_full_volume": plain(full),
        "curve": points(certify, here, demand),
        "tradeoff": tradeoff(certify, here, demand, seed),
    }


def _others(rivals: Sequence[Judged], demand: Demand, seed: int) -> list[Alternative]:
    return [found for rival in rivals if (found := rival.alternative(demand, seed))]


def plain(report: GateReport) -> dict[str, Any]:
    """The report as plain values, with the widest FPR bound spelled out."""
    return {**report.to_dict(), "fpr_bound": report.fpr_bound}


def points(certify: Certify, report: GateReport, demand: Demand) -> dict[str, list[float]]:
    """At most `CURVE_POINTS` thresholds with their FPR, and the loss in RUB a month at the volume of `demand`.

    Thresholds far beyond the FPR limit are left out.
    """
    whole = curve(certify.table)
    near = np.flatnonzero(whole.fpr <= NEAR * report.limits.fpr_limit)
    every = near[np.unique(np.linspace(0, near.size - 1, CURVE_POINTS).astype(int))]
    month = demand.volume(certify).factor * MONTH_DAYS / certify.frauds.days / MINOR_UNITS
    return {
        "threshold": whole.threshold[every].tolist(),
        "fpr": whole.fpr[every].tolist(),
        "loss": (whole.missed_amount[every] * month).tolist(),
    }


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a report that MLflow shows."""
    names = ("threshold", "fpr", "fpr_bound", "recall", "value_recall", "alerts_a_day", "required_value_recall")
    money = {"loss_month": report["loss"]["mean"], "loss_month_bound": report["loss"]["bound"]}
    return {name: float(report[name]) for name in names} | {k: float(v) / MINOR_UNITS for k, v in money.items()}


def summary(report: Mapping[str, Any]) -> list[str]:
    """What a person reads first: both verdicts, each with its reasons."""
    lines = []
    here = ("at the judged volume", report["verdict"], reasons(report))
    for title, verdict, why in (here, (_full_title(), report["at_full_volume"]["verdict"], full_reasons(report))):
        lines.append(f"{verdict} {title}")
        lines += [f"  {reason}" for reason in why]
    if "promotable" in report:  # a replay promotes nothing
        said = "may replace" if report["promotable"] else "does not replace"
        lines.append(f"{said} what serves: {report['promotable_reason']}")
    return lines


def _full_title() -> str:
    return f"at the full service's {FULL_TRANSACTIONS_A_SECOND} transactions a second"
