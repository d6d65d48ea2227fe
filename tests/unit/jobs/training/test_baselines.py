"""Baselines learn from rows of the same windows, are repeatable, and can be left out."""

from dataclasses import replace

import numpy as np
import pytest

from antifraud.errors import SettingsError
from antifraud.features.registry import FEATURE_NAMES
from jobs.rows.sample import Sample
from jobs.training import baselines as module
from jobs.training.baselines import baselines
from jobs.training.constraints import rising_features
from jobs.training.fitting import PARAMETERS, fit
from jobs.training.quality import ranking


def sample(rows, seed):
    """Return rows in which frauds have a high first value, or a high third value if the first is missing.

    The last value is always missing.
    """
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, len(FEATURE_NAMES))).astype(np.float32)
    vectors[generator.random(rows) < 0.1, 0] = np.nan
    vectors[:, -1] = np.nan
    is_fraud = np.where(np.isnan(vectors[:, 0]), vectors[:, 2], vectors[:, 0]) > 1.2
    return Sample(vectors, is_fraud, np.full(rows, 700), np.ones(rows))


TRAIN, SELECT = sample(2_000, 1), sample(1_000, 2)
FEW = replace(PARAMETERS, iterations=30)


def test_all_rank_far_better_than_chance():
    """Every baseline copes with missing values and ranks well, and trees learn the interaction best."""
    found = baselines(TRAIN, SELECT, seed=3, rows=5_000, parameters=PARAMETERS)
    assert set(found) == {"logistic_regression", "random_forest", "xgboost_tutorial"}
    assert set(found["random_forest"]) == {"auc", "average_precision", "recall_fpr5", "value_recall_fpr5"}
    assert 0.9 < found["logistic_regression"]["auc"] < found["random_forest"]["auc"]
    assert found["xgboost_tutorial"]["auc"] > 0.99


def test_a_library_that_is_not_installed_is_left_out(monkeypatch):
    """Training works without XGBoost, which is a development dependency."""
    monkeypatch.setattr(module, "installed", lambda: False)
    found = baselines(TRAIN, SELECT, seed=3, rows=2_000, parameters=FEW)
    assert set(found) == {"logistic_regression", "random_forest"}


def test_fewer_rows_bring_the_candidates_kind_of_model_on_the_same(monkeypatch):
    """If baselines see fewer rows, a CatBoost model with the candidate's parameters learns from the same 500."""
    monkeypatch.setattr(module, "installed", lambda: False)
    found = baselines(TRAIN, SELECT, seed=3, rows=500, parameters=FEW)
    drawn = np.sort(np.random.default_rng(3).choice(2_000, 500, replace=False))
    few = Sample(TRAIN.vectors[drawn], TRAIN.is_fraud[drawn], TRAIN.amount[drawn], TRAIN.weight[drawn])
    margin = fit(few, SELECT, 3, FEW, rising_features()).predict(SELECT.vectors, prediction_type="RawFormulaVal")
    assert found["catboost_same_rows"] == ranking(SELECT, margin)
    assert list(found) == ["catboost_same_rows", "logistic_regression", "random_forest"]


def test_the_same_seed_gives_the_same_figures():
    """Two runs with one seed agree to the last bit, and another seed draws other rows."""
    once, again, other = (baselines(TRAIN, SELECT, seed=seed, rows=500, parameters=FEW) for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_no_rows_is_no_baselines():
    """A setting of 0 rows turns the baselines off."""
    assert baselines(TRAIN, SELECT, seed=3, rows=0, parameters=FEW) == {}


@pytest.mark.parametrize("rows", [-1, 499])
def test_too_few_rows_are_refused(rows):
    """Too few rows might hold no fraud, so they are refused with the name of the setting."""
    with pytest.raises(SettingsError, match=f"baselines on {rows} rows: expected 500 or more.*ANTIFRAUD_BASELINE_ROWS"):
        baselines(TRAIN, SELECT, seed=3, rows=rows, parameters=FEW)
