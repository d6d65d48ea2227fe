"""Calibration finds the population's odds and keeps the order, even on hostile samples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from antifraud.errors import NoFraud, OnlyFraud
from antifraud.model.evaluator import Calibration, to_ppm
from jobs.training.calibration import fit_calibration


def world(rows, seed=1):
    """Return margins whose true log odds are 1.5 * margin - 4, and frauds drawn from them."""
    generator = np.random.default_rng(seed)
    margin = generator.normal(size=rows)
    return margin, generator.random(rows) < 1 / (1 + np.exp(4 - 1.5 * margin))


def test_finds_the_true_map():
    """On 200,000 rows slope and intercept are close to the true ones."""
    margin, is_fraud = world(200_000)
    found = fit_calibration(margin, is_fraud, np.ones(margin.size), kept_share=1.0)
    assert found.slope == pytest.approx(1.5, abs=0.05)
    assert found.intercept == pytest.approx(-4.0, abs=0.06)


def test_equals_scikit_learns_logistic_regression():
    """Scikit-learn's logistic regression gives the same slope and intercept."""
    margin, is_fraud = world(20_000, seed=2)
    peer = LogisticRegression(C=1e9, tol=1e-10).fit(margin[:, None], is_fraud)
    found = fit_calibration(margin, is_fraud, np.ones(margin.size), kept_share=1.0)
    assert found.slope == pytest.approx(peer.coef_[0, 0], rel=3e-3)
    assert found.intercept == pytest.approx(peer.intercept_[0], rel=3e-3)


def test_equals_scikit_learns_logistic_regression_on_weighted_rows():
    """Scikit-learn agrees on weighted rows, too.

    A row with target t and weight w is a fraud of weight w t and a legitimate row of weight w (1 - t).
    """
    margin, is_fraud = world(5_000, seed=5)
    weight = np.where(is_fraud, 1.0, 8.0) * np.random.default_rng(6).uniform(1, 3, margin.size)
    frauds, legitimate = weight[is_fraud].sum(), weight[~is_fraud].sum()
    target = np.where(is_fraud, (frauds + 1) / (frauds + 2), 1 / (legitimate + 2))
    peer = LogisticRegression(C=1e12, tol=1e-12, max_iter=1_000).fit(
        np.tile(margin, 2)[:, None],
        np.repeat([True, False], margin.size),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]),
    )
    found = fit_calibration(margin, is_fraud, weight, kept_share=0.125)
    assert found.slope == pytest.approx(peer.coef_[0, 0], rel=1e-6)
    assert found.log_odds(np.zeros(1))[0] == pytest.approx(peer.intercept_[0], rel=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.001])
def test_few_frauds_and_a_small_share_keep_the_level(share):
    """The mean risk equals the share of fraud, even if each kept row stands for a thousand."""
    generator = np.random.default_rng(8)
    is_fraud = np.arange(1_000) < 40
    margin = generator.normal(size=1_000) + 2 * is_fraud
    weight = np.where(is_fraud, 1.0, 1 / share)
    risk = to_ppm(fit_calibration(margin, is_fraud, weight, share).log_odds(margin)) / 1e6
    assert np.average(risk, weights=weight) == pytest.approx(40 / weight.sum(), rel=0.02)


def test_downsampling_is_undone():
    """A sample with a tenth of the legitimate rows is calibrated to the rate of the whole population."""
    margin, is_fraud = world(400_000, seed=3)
    kept = is_fraud | (np.random.default_rng(4).random(margin.size) < 0.1)
    weight = np.where(is_fraud, 1.0, 10.0)[kept]
    found = fit_calibration(margin[kept], is_fraud[kept], weight, kept_share=0.1)
    assert found.log_odds_shift == math.log(0.1)
    assert to_ppm(found.log_odds(margin)).mean() / 1e6 == pytest.approx(is_fraud.mean(), rel=0.03)


@given(
    st.lists(st.tuples(st.floats(-30, 30), st.booleans()), min_size=4, max_size=40),
    st.floats(0.001, 1.0),
)
def test_order_is_never_changed(rows, share):
    """The map increases strictly for any sample, even if fraud and margin separate or run backwards."""
    margin = np.array([value for value, _ in rows] + [0.0, 1.0])
    is_fraud = np.array([fraud for _, fraud in rows] + [True, False])
    found = fit_calibration(margin, is_fraud, np.ones(margin.size), share)
    assert isinstance(found, Calibration)
    assert found.slope > 0


def test_one_class_is_refused():
    """A sample with no fraud, or with nothing but fraud, is refused."""
    with pytest.raises(NoFraud, match="found 0 frauds in 3 rows"):
        fit_calibration(np.zeros(3), np.zeros(3, dtype=bool), np.ones(3), kept_share=1.0)
    with pytest.raises(OnlyFraud, match="found 3 frauds in 3 rows"):
        fit_calibration(np.zeros(3), np.ones(3, dtype=bool), np.ones(3), kept_share=1.0)
