"""Ranking quality of margins on a sample, for the training record; the gate decides by its own figures."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from jobs.rows.sample import Sample

FPR: Final = 0.05
OBJECTIVE: Final = "average_precision"
"""The metric that searches maximise. Recall at a threshold is less stable: it depends on the few frauds near it."""
Doubles = npt.NDArray[np.float64]


def ranking(sample: Sample, margin: Doubles) -> dict[str, float]:
    """Return how well `margin` (n,) ranks a sample, with rows weighted by the population that they stand for.

    The figures are `auc` (area under the ROC curve), `average_precision`, and at a false-positive rate of 5 %
    `recall_fpr5` and `value_recall_fpr5` (the share of the fraud amount).
    """
    rows = {"y_true": sample.is_fraud, "y_score": margin, "sample_weight": sample.weight}
    worth = np.where(sample.is_fraud, sample.weight * sample.amount, sample.weight)
    return {
        "auc": float(roc_auc_score(**rows)),
        "average_precision": float(average_precision_score(**rows)),
        "recall_fpr5": _recall(sample, margin, sample.weight),
        "value_recall_fpr5": _recall(sample, margin, worth),
    }


def _recall(sample: Sample, margin: Doubles, weight: Doubles) -> float:
    """Return the weighted recall at the lowest threshold with a false-positive rate of at most `FPR`."""
    fpr, recall, _ = roc_curve(sample.is_fraud, margin, sample_weight=weight, drop_intermediate=False)
    return float(recall[np.searchsorted(fpr, FPR, side="right") - 1])


def risk_over_share(sample: Sample, log_odds: Doubles) -> float:
    """Return the mean predicted risk divided by the population's fraud share; 1 if the level of the risk is right."""
    predicted = np.average(expit(log_odds), weights=sample.weight)
    return float(predicted / np.average(sample.is_fraud, weights=sample.weight))
