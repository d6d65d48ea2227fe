"""The truth about raw files, as a small JSON file next to them: defects and fraud by day."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from jobs.simulator.config import WorldConfig
from jobs.simulator.defects import BROKEN_ROW, MIDNIGHT, NONE, REASONS
from jobs.simulator.rows import Day

MANIFEST: Final = "manifest.json"

DayTruth = dict[str, Any]


def day_truth(day: Day) -> DayTruth:
    """Count a day's rows; fraud and kopecks are counted among rows that ingest keeps."""
    quarantined = dict.fromkeys(REASONS.values(), 0)
    for code, reason in REASONS.items():
        quarantined[reason] += int((day.defect == code).sum())
    kept = (day.defect == NONE) | (day.defect == MIDNIGHT)
    return {
        "rows": len(day),
        "clean": int(kept.sum()),
        "quarantined": quarantined,
        "midnight_repaired": int((day.defect == MIDNIGHT).sum()),
        "amount": int(day.amount[kept].sum()),
        "fraud": {
            str(code): _fraud(day, kept & (day.scenario == code)) for code in np.unique(day.scenario[kept]) if code
        },
    }


def _fraud(day: Day, chosen: np.ndarray) -> dict[str, int]:
    return {"rows": int(chosen.sum()), "amount": int(day.amount[chosen].sum())}


def move_untimed(day: Day, truth: DayTruth, first: DayTruth) -> None:
    """Count the rows of `day` without a usable time under the first day of their file, as ingest does."""
    untimed = int((day.defect == BROKEN_ROW).sum())
    for counts, sign in ((truth, -1), (first, 1)):
        counts["rows"] += sign * untimed
        counts["quarantined"][REASONS[BROKEN_ROW]] += sign * untimed


def months(days: dict[str, DayTruth]) -> dict[str, dict[str, Any]]:
    """Return clean rows, fraud share, fraud in kopecks and by scenario, for each calendar month."""
    by_month: dict[str, dict[str, Any]] = {}
    for date, truth in sorted(days.items()):
        month = by_month.setdefault(
            date[:7], {"days": 0, "clean": 0, "fraud_rows": 0, "fraud_amount": 0, "scenarios": {}}
        )
        month["days"] += 1
        month["clean"] += truth["clean"]
        for scenario, fraud in truth["fraud"].items():
            total = month["scenarios"].setdefault(scenario, {"rows": 0, "amount": 0})
            for key in total:
                total[key] += fraud[key]
                month[f"fraud_{key}"] += fraud[key]
    for month in by_month.values():
        month["fraud_share"] = round(month["fraud_rows"] / max(month["clean"], 1), 6)
    return by_month


def save_truth(folder: Path, config: WorldConfig, days: dict[str, DayTruth]) -> None:
    """Write `days` into the folder's manifest; days from earlier runs of the same world stay."""
    path = folder / MANIFEST
    world = {name: value for name, value in asdict(config).items() if name not in {"change", "defects"}}
    world["start"] = str(config.start)
    known = json.loads(path.read_text()) if path.exists() else {}
    merged = {**(known["days"] if known.get("world") == world else {}), **days}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(
        json.dumps({"world": world, "months": months(merged), "days": dict(sorted(merged.items()))}, indent=1)
    )
    temporary.replace(path)
