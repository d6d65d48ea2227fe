"""The one adapter to Evidently, which measures drift and draws it. Decisions are made elsewhere."""

import html
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antifraud.features.registry import FEATURE_NAMES

LEAST_VALUES: Final = 2
"""Evidently refuses a feature without values, and a single value says nothing about a distribution."""
UNKNOWN: Final = "unknown"
EMPTY_PAGE: Final = "<!DOCTYPE html>\n<html><body></body></html>\n"

Matrix = npt.NDArray[np.float64]


def compare(current: Matrix, reference: Matrix, page: Path) -> dict[str, Any]:
    """Write Evidently's page about two feature matrices, shape ``(n, features)``, and return its figures.

    The figures are `drifted_features`, `drifted_share` and `drift`: a distance by feature, by Evidently's own choice of
    method. Drift of a feature with fewer than two values on a side is unknown. The share is one of the known features,
    and is unknown if there are none.
    """
    enough = [_has_values(current, column) and _has_values(reference, column) for column in range(len(FEATURE_NAMES))]
    known = [name for name, is_known in zip(FEATURE_NAMES, enough, strict=True) if is_known]
    figures: dict[str, Any] = {"drifted_features": 0, "drifted_share": UNKNOWN, "drift": {}}
    if known:
        figures = _measure(current[:, enough], reference[:, enough], known, page)
    else:
        page.write_text(EMPTY_PAGE)
    drift = {name: figures["drift"].get(name, UNKNOWN) for name in FEATURE_NAMES}
    _note_unknown(page, unknown_of(drift))
    return {**figures, "drift": drift}


def unknown_of(drift: dict[str, float | str]) -> list[str]:
    """Return the features with unknown drift."""
    return [name for name, distance in drift.items() if distance == UNKNOWN]


def _has_values(matrix: Matrix, column: int) -> bool:
    return int(np.isfinite(matrix[:, column]).sum()) >= LEAST_VALUES


def _measure(current: Matrix, reference: Matrix, names: Sequence[str], page: Path) -> dict[str, Any]:
    os.environ["DO_NOT_TRACK"] = "1"  # before the import: Evidently reports its use otherwise
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    frames = (pd.DataFrame(matrix, columns=list(names)) for matrix in (current, reference))
    snapshot = Report([DataDriftPreset()]).run(*frames)
    snapshot.save_html(str(page))
    metrics = snapshot.dict()["metrics"]
    total = next(metric["value"] for metric in metrics if "DriftedColumnsCount" in metric["metric_name"])
    drift = {m["config"]["column"]: float(m["value"]) for m in metrics if "column" in m["config"]}
    finite = {name: distance for name, distance in drift.items() if math.isfinite(distance)}
    return {"drifted_features": int(total["count"]), "drifted_share": float(total["share"]), "drift": finite}


def _note_unknown(page: Path, names: Sequence[str]) -> None:
    """Name the features that Evidently did not see at the top of its page."""
    if not names:
        return
    note = f"Drift is unknown, with fewer than {LEAST_VALUES} values on a side: {', '.join(names)}"
    page.write_text(page.read_text().replace("<body>", f"<body><p>{html.escape(note)}</p>", 1))
