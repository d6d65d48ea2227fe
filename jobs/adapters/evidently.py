"""The one adapter to Evidently, which measures drift and draws it. Decisions are made elsewhere."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from antifraud.features.registry import FEATURE_NAMES


def compare(current: npt.NDArray[np.float64], reference: npt.NDArray[np.float64], page: Path) -> dict[str, Any]:
    """Write Evidently's page about two feature matrices, shape ``(n, features)``, and return its figures.

    The figures are `drifted_features`, `drifted_share` and `drift`: a distance by feature, by Evidently's own choice of
    method.
    """
    os.environ["DO_NOT_TRACK"] = "1"  # before the import: Evidently reports its use otherwise
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    frames = (pd.DataFrame(matrix, columns=list(FEATURE_NAMES)) for matrix in (current, reference))
    snapshot = Report([DataDriftPreset()]).run(*frames)
    snapshot.save_html(str(page))
    metrics = snapshot.dict()["metrics"]
    total = next(metric["value"] for metric in metrics if "DriftedColumnsCount" in metric["metric_name"])
    drift = {m["config"]["column"]: float(m["value"]) for m in metrics if "column" in m["config"]}
    return {"drifted_features": int(total["count"]), "drifted_share": float(total["share"]), "drift": drift}
