"""A candidate and the gate's report on it, written out for tests of pages, cards and promotions."""

import datetime as dt
from dataclasses import replace

from antifraud.clock import Span
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.gate.findings import Alternative, Correction, Estimate, Judgement, Verdict
from antifraud.gate.limits import Limits
from antifraud.gate.report import Champion, CurvePoints, GateReport
from antifraud.stats.comparison import Comparison, Margins
from antifraud.stats.loss import LossBound
from jobs.rows.windows import Windows
from jobs.training.candidate import write_candidate

LIMITS = Limits()
WINDOWS = {
    "train": {"first": "2026-01-31", "last": "2026-02-27"},
    "select": {"first": "2026-02-28", "last": "2026-03-06"},
    "certify": {"first": "2026-03-07", "last": "2026-04-03"},
}


def _loss(mean, bound):
    return LossBound(mean, bound, 0.99, parameter=3_000_000.0, month=2_000_000.0, volume=1_000_000.0, episodes=278)


PASS = Judgement(
    verdict=Verdict.PASS, reasons=("The rate is within its limit.", "The loss is within its limit."), action="Promote.",
    limits=LIMITS, threshold=52_982, beta=8.0, fpr=0.0432, fpr_binding="terminals",
    fpr_bounds={"rows": 0.0441, "days": 0.0447, "terminals": 0.045}, threshold_at_fpr_target=52_982,
    threshold_at_alerts_limit=None, false_positives=11_946, legitimate=276_563, unknown=34,
    false_positives_share=0.0422,
    recall=0.784, value_recall=0.908, value_recall_at_fpr_target=0.908, precision=0.27, alerts_a_day=1_584.25,
    false_alarms_a_month=12_799.3, false_alarm_cost_a_month=127_992_857.1,
    loss=_loss(18_946_300.0, 26_941_100.0), loss_at_fpr_target=_loss(18_946_300.0, 26_941_100.0),
    fraud_a_month=_loss(205_633_100.0, 362_464_200.0), required_value_recall=0.757,
    observed_transactions_a_month=302_346.4, judged_transactions_a_month=302_346.4,
    transactions=Estimate(302_346.4, declared=False, relative_sd=0.03),
    fraud_share=Estimate(0.0213, declared=False, relative_sd=0.018), maturity=Correction(), label_delay_days=7,
    label_delay_loss=None, alternatives=(Alternative("previous 2026-04-08-cccccccc", 31_000_000.0),),
)  # fmt: skip
COMPARISON = Comparison(
    days=9, loss_difference=-1_200_000.0, loss_difference_bound=300_000.0, fpr_difference=0.001,
    fpr_difference_bounds={"rows": 0.003, "days": 0.004, "terminals": 0.006, "all kinds together": 0.006},
    margins=Margins(5_000_000, 0.005, 0.95),
)  # fmt: skip
CHAMPION = Champion(release="2026-04-09-aaaaaaaa", verdict=Verdict.PASS, comparison=COMPARISON)
NO_LIMIT = {"fraud_a_month": replace(PASS.fraud_a_month, bound=41_000_000.0)}
"""All fraud together is within the loss limit, so that this limit says nothing."""
FIRST, LAST = dt.date(2026, 3, 7), dt.date(2026, 4, 3)
REPLAY = {"beta": None, "windows": {"replay": Span(FIRST, LAST)}}
"""Values of a replay's report that differ from the gate's."""
REPORT = GateReport(
    **PASS.by_name(),
    candidate="2026-04-10-0123abcd",
    as_of=dt.date(2026, 4, 10),
    windows=Windows.from_dict(WINDOWS).spans,
    evaluator_difference_ppm=1,
    at_full_volume=replace(
        PASS,
        verdict=Verdict.INFEASIBLE,
        reasons=("The loss is above its limit.",),
        action="Bring the volume down.",
        loss=_loss(8_121_264_900.0, 10_704_901_900.0),
        judged_transactions_a_month=129_600_000,
    ),
    curve=CurvePoints((900_000, 52_982, 10_564), (0.0, 0.0432, 0.1), (1.0e6, 189_463.0, 90_000.0)),
)
INFO = {
    "as_of": "2026-04-10",
    "windows": WINDOWS,
    "days": "ad41e5663c391477",
    "features": list(FEATURE_NAMES),
    "feature_set": feature_set_hash(),
    "features_snapshot": 7_520_528_307,
    "labels_snapshot": 4_186_002_915,
    "seed": 20_260_101,
    "parameters": {"depth": 6, "learning_rate": 0.08},
    "kept_share": 0.42,
    "counts": {
        "train": {"fraud": 5_893, "legitimate": 277_479, "unknown": 12},
        "select": {"fraud": 1_666, "legitimate": 68_443, "unknown": 0},
    },
    "metrics": {"select_auc": 0.9359, "select_average_precision": 0.6073, "trees": 221.0},
}
FILES = {
    "model.onnx": b"model",
    "calibration.json": b"{}",
    "golden.json": b"[]",
    "trees.json": b"{}",
    "model.cbm": b"cbm",
}


def report(**changes):
    """Return the report with changes, where `fpr_bound` stands for the widest bound of the rate."""
    if "fpr_bound" in changes:
        changes["fpr_bounds"] = {**REPORT.fpr_bounds, REPORT.fpr_binding: changes.pop("fpr_bound")}
    return replace(REPORT, **changes)


def put_candidate(home, as_of, release, **changes):
    """Write a candidate of a day with its report; `changes` apply to the report."""
    info = {**INFO, "as_of": as_of, "id": release, "inputs": "0"}
    files = {**FILES, "model.onnx": release.encode()}
    candidate = write_candidate(home / "candidates" / as_of, files, info)
    judged = report(candidate=release, as_of=dt.date.fromisoformat(as_of), **changes)
    (candidate.path / "report.json").write_text(judged.to_json())
    return candidate
