"""Blocked fraud biases what labels say; the weights of a control share repair it."""

import numpy as np

from bench.model.selection_bias import repeat, threshold_at


def test_weights_repair_what_blocking_biases():
    """Without weights the rate is too high and recall is underestimated; with weights both are about right."""
    found = repeat(2, rows=20_000)

    def mean(policy, name):
        return np.mean([figures[name] for figures in found[policy]])

    assert mean("blocked", "true_fpr") > 0.06
    assert mean("unweighted", "true_fpr") > 0.06
    assert abs(mean("weighted", "true_fpr") - 0.05) < 0.006
    assert mean("blocked", "recall_error") < -0.05
    assert abs(mean("weighted", "recall_error")) < 0.05
    assert abs(mean("weighted", "risk_over_share") - 1) < 0.15


def test_the_threshold_keeps_the_rate():
    """The threshold lets at most 5 of a weight of 100 lie above it."""
    margin = np.array([4.0, 3.0, 2.0, 1.0])
    assert threshold_at(margin, np.array([6.0, 5.0, 4.0, 85.0])) == 4.0
    assert threshold_at(margin, np.array([5.0, 5.0, 4.0, 86.0])) == 3.0
