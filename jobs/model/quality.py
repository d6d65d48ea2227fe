"""Ranking quality of margins on a sample, for the training record; the gate decides by its own figures."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from jobs.model.fitting import Sample


def ranking(sample: Sample, margin: npt.NDArray[np.float64]) -> dict[str, float]:
    """Area under the ROC curve and average precision, rows weighted by what they stand for."""
    rows = {"y_true": sample.is_fraud, "y_score": margin, "sample_weight": sample.weight}
    return {
        "select_auc": float(roc_auc_score(**rows)),
        "select_average_precision": float(average_precision_score(**rows)),
    }
