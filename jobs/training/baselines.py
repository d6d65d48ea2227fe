"""Baselines on the same rows: logistic regression, a random forest and, if it is installed, XGBoost.

If the baselines learn from fewer rows than the candidate, a CatBoost model on the same few rows joins them. All are
judged on the select window only, as the trials of the search are: the certify window is used once, by the gate.

A missing value takes the train window's median, and an indicator column says that it was missing. Logistic regression
sees columns of mean 0 and deviation 1.
"""

from typing import Any, Final

import numpy as np

from antifraud.errors import SettingsError
from jobs.rows.sample import Sample
from jobs.training.constraints import rising_features
from jobs.training.fitting import THREADS, Parameters, fit
from jobs.training.quality import ranking
from jobs.training.tutorial import installed, tuned_xgboost

Figures = dict[str, dict[str, float]]
FEWEST_ROWS: Final = 500
"""One row in about twenty is fraud; fewer rows might hold none."""
TREES: Final = 100
LEAF_ROWS: Final = 5
LOGISTIC_STEPS: Final = 500
PEER: Final = "catboost_same_rows"
FOREST: Final = "randomforestclassifier"


def baselines(train: Sample, select: Sample, seed: int, rows: int, parameters: Parameters) -> Figures:
    """Return figures of `ranking` by baseline, each fitted on at most `rows` rows of `train`; 0 fits none.

    If `train` has more rows, `PEER` is a CatBoost model with the candidate's `parameters` on the same few rows.

    Raises:
        SettingsError: `rows` is too small to hold frauds.
    """
    if rows == 0:
        return {}
    if rows < FEWEST_ROWS:
        raise SettingsError(
            f"baselines on {rows} rows: expected {FEWEST_ROWS} or more, or 0 for none, correct ANTIFRAUD_BASELINE_ROWS"
        )
    known = _at_most(train, rows, seed)
    found = {} if known is train else {PEER: _of_our_kind(known, select, seed, parameters)}
    found |= {name: _figures(model, known, select) for name, model in _models(seed).items()}
    return found | ({"xgboost_tutorial": tuned_xgboost(known, select, seed)} if installed() else {})


def _at_most(train: Sample, rows: int, seed: int) -> Sample:
    """Return `train`, or rows of it drawn without replacement, in their order."""
    size = train.is_fraud.size
    if size <= rows:
        return train
    drawn = np.sort(np.random.default_rng(seed).choice(size, rows, replace=False))
    return Sample(train.vectors[drawn], train.is_fraud[drawn], train.amount[drawn], train.weight[drawn])


def _of_our_kind(known: Sample, select: Sample, seed: int, parameters: Parameters) -> dict[str, float]:
    model = fit(known, select, seed, parameters, rising_features())
    return ranking(select, np.asarray(model.predict(select.vectors, prediction_type="RawFormulaVal")))


def _models(seed: int) -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def whole() -> SimpleImputer:
        return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)

    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF_ROWS, random_state=seed, n_jobs=THREADS)
    logistic = LogisticRegression(max_iter=LOGISTIC_STEPS, random_state=seed)
    return {
        "logistic_regression": make_pipeline(whole(), StandardScaler(), logistic),
        "random_forest": make_pipeline(whole(), forest),
    }


def _figures(model: Any, known: Sample, select: Sample) -> dict[str, float]:
    model.fit(known.vectors, known.is_fraud)
    if FOREST in model.named_steps:
        # Several threads add the trees' votes in no fixed order, and the last bits of a vote decide ties.
        model.set_params(**{f"{FOREST}__n_jobs": 1})
    return ranking(select, model.predict_proba(select.vectors)[:, 1])
