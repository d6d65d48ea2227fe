"""The gate's report in a few lines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from antifraud.figures import rub


def read_report(path: Path) -> dict[str, Any]:
    """The gate's report of a day; empty while there is none."""
    report: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return report


def verdict_lines(report: Mapping[str, Any]) -> list[str]:
    """Both verdicts, at the judged volume and at the full service's, with their figures beside the limits."""
    if not report:
        return ["no candidate was judged"]
    return [
        *_judgement(report),
        *(f"  {reason}" for reason in report["reasons"]),
        *_judgement(report["at_full_volume"]),
    ]


def _judgement(part: Mapping[str, Any]) -> list[str]:
    limits, loss = part["limits"], part["loss"]
    return [
        f"{part['verdict']} at {part['judged_transactions_a_month']:,.0f} transactions a month",
        f"  false-positive rate {part['fpr']:.2%}, bound {part['fpr_bound']:.2%}, limit {limits['fpr_limit']:.2%}",
        f"  loss a month {rub(loss['mean'])}, bound {rub(loss['bound'])}, limit {rub(limits['loss_limit_minor'])}",
        f"  value recall {part['value_recall']:.1%}, the loss limit demands {part['required_value_recall']:.1%}",
    ]
