"""Ranking figures equal their definitions, computed row by row."""

import numpy as np
import pytest

from jobs.rows.sample import Sample
from jobs.training.quality import ranking, risk_over_share


def rows():
    """Return rows with tied margins, slightly higher for frauds, and two weights of legitimate rows."""
    generator = np.random.default_rng(3)
    fraud = generator.random(600) < 0.1
    margin = np.round(generator.normal(size=600) + 1.5 * fraud, 1)
    weight = np.where(fraud, 1.0, generator.choice([2.0, 5.0], 600))
    return Sample(np.zeros((600, 1)), fraud, generator.integers(100, 9_000, 600), weight), margin


def flagged_share(sample, margin, kept, worth):
    """Return the largest share of `worth` above a threshold that flags at most 5 % of the legitimate weight."""
    shares = []
    for threshold in [-np.inf, *np.unique(margin)]:
        over = margin > threshold
        if sample.weight[over & ~sample.is_fraud].sum() <= 0.05 * sample.weight[~sample.is_fraud].sum():
            shares.append(worth[over & kept].sum() / worth[kept].sum())
    return max(shares)


def test_recall_at_five_percent_by_trying_every_threshold():
    """Recall and value recall are the best over all thresholds that keep the rate, ties included."""
    sample, margin = rows()
    figures = ranking(sample, margin)
    assert figures["recall_fpr5"] == pytest.approx(flagged_share(sample, margin, sample.is_fraud, np.ones(600)))
    assert figures["value_recall_fpr5"] == pytest.approx(
        flagged_share(sample, margin, sample.is_fraud, sample.amount.astype(float))
    )


def test_auc_is_the_chance_that_a_fraud_ranks_above_a_legitimate_row():
    """AUC is the share of pairs in which the fraud ranks higher, weighted by the legitimate row; a tie is half."""
    sample, margin = rows()
    fraud = sample.is_fraud
    above = np.sign(margin[fraud][:, None] - margin[~fraud][None, :]) / 2 + 0.5
    expected = (above * sample.weight[~fraud]).sum() / (fraud.sum() * sample.weight[~fraud].sum())
    assert ranking(sample, margin)["auc"] == pytest.approx(expected)


def test_the_level_of_the_risk():
    """One fraud in ten rows, all with a risk of 1/5, gives a ratio of 2 between risk and share."""
    sample = Sample(np.zeros((2, 1)), np.array([True, False]), np.ones(2, np.int64), np.array([1.0, 9.0]))
    assert risk_over_share(sample, np.full(2, np.log(0.25))) == pytest.approx(2.0)
