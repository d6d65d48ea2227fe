"""The published reference as a baseline: XGBoost on the tutorial's features, with a small search of its own.

XGBoost is a development dependency. If it is not installed, this baseline is left out.

Source: Le Borgne et al. (2022), Reproducible Machine Learning for Credit Card Fraud Detection, ch. 3.3 and 5.4.
"""

import importlib.util
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from antifraud.features.registry import FEATURE_NAMES, WINDOWS
from jobs.rows.sample import Sample
from jobs.training.fitting import THREADS
from jobs.training.quality import OBJECTIVE, ranking

if TYPE_CHECKING:
    from optuna import Trial

TRIALS: Final = 10
"""Number of trials; the first has XGBoost's defaults with a hundred trees of depth 6."""
START: Final = {
    "n_estimators": 100,
    "max_depth": 6,
    "learning_rate": 0.1,
    "min_child_weight": 1.0,
    "subsample": 1.0,
    "colsample_bytree": 1.0,
    "reg_lambda": 1.0,
}
FEATURES: Final = (
    "amount",
    "is_weekend",
    "is_night",
    *(f"customer_{days}d_{name}" for days in WINDOWS for name in ("count", "mean")),
    *(f"terminal_{days}d_count" for days in WINDOWS),
    *(f"terminal_fraud_share_{days}d" for days in WINDOWS),
)
"""Our features with the meaning of the tutorial's fifteen."""


def installed() -> bool:
    """Return whether XGBoost is installed."""
    return importlib.util.find_spec("xgboost") is not None


def tuned_xgboost(train: Sample, select: Sample, seed: int) -> dict[str, float]:
    """Return figures of `ranking` for the best of `TRIALS` trials, on the window that chose it: they flatter it."""
    import optuna

    columns = [FEATURE_NAMES.index(name) for name in FEATURES]
    found: list[dict[str, float]] = []

    def objective(trial: "Trial") -> float:
        margin = fitted_xgboost(train.vectors[:, columns], train.is_fraud, suggested(trial), seed).predict(
            select.vectors[:, columns], output_margin=True
        )
        found.append(ranking(select, margin))
        return found[-1][OBJECTIVE]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(START)
    study.optimize(objective, n_trials=TRIALS)
    return found[study.best_trial.number]


def fitted_xgboost(
    vectors: npt.NDArray[Any], is_fraud: npt.NDArray[np.bool_], parameters: dict[str, Any], seed: int
) -> Any:
    """Return a classifier fitted on `vectors` (n, features), NaN for null."""
    from xgboost import XGBClassifier

    model = XGBClassifier(**parameters, random_state=seed, n_jobs=THREADS, tree_method="hist")
    return model.fit(vectors, is_fraud)


def suggested(trial: "Trial") -> dict[str, Any]:
    """Return the parameters that the search proposes next."""
    return {
        "n_estimators": trial.suggest_int("n_estimators", 25, 400, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 9),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 20, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 30, log=True),
    }
