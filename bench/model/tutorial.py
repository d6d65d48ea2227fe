"""The published reference: XGBoost on the tutorial's features, tuned on earlier weeks than the measured ones.

The features are exact to the second:
- weekend, night, amount;
- a customer's count and mean amount over 1, 7 and 30 days, the transaction included;
- a terminal's count and share of frauds over the same spans, ending 7 days before the transaction.

Source: Le Borgne et al. (2022), Reproducible Machine Learning for Credit Card Fraud Detection, ch. 3.3.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from bench.model.protocol import DELAY_DAYS, Doubles, Week
from bench.model.rows import Rows
from jobs.training.tutorial import START, fitted_xgboost, suggested

SPANS: Final = (1, 7, 30)
TRIALS: Final = 40
SEED: Final = 20_180_401
NIGHT_ENDS: Final = 6 * HOUR_SECONDS


def tutorial_features(rows: Rows) -> Doubles:
    """Return the 15 features of all rows, shape ``(n, 15)``."""
    second, weekday = rows.time % DAY_SECONDS, (rows.time // DAY_SECONDS + 3) % 7
    columns: list[npt.NDArray[Any]] = [rows.amount / 100, weekday >= 5, second <= NIGHT_ENDS]
    ones, delay = np.ones(rows.time.size), DELAY_DAYS * DAY_SECONDS
    for days in SPANS:
        count = sums_since(rows.card, rows.time, ones, days * DAY_SECONDS)
        spent = sums_since(rows.card, rows.time, rows.amount / 100, days * DAY_SECONDS)
        columns += [count, spent / count]
    for days in SPANS:
        count, frauds = (
            sums_since(rows.terminal, rows.time, values, delay + days * DAY_SECONDS)
            - sums_since(rows.terminal, rows.time, values, delay)
            for values in (ones, rows.is_fraud.astype(np.float64))
        )
        columns += [count, np.divide(frauds, count, out=np.zeros(count.size), where=count > 0.5)]
    return np.column_stack(columns).astype(np.float64)


def sums_since(entity: npt.NDArray[np.int64], time: npt.NDArray[np.int64], values: Doubles, seconds: int) -> Doubles:
    """Sum `values` over the rows of the same entity up to each row, less than `seconds` ago, shape ``(n,)``.

    Rows are in the order of time.
    """
    order = np.argsort(entity, kind="stable")
    # One ascending number for (entity, time): times of different entities never mix.
    key = entity[order] * (np.int64(1) << 33) + time[order]
    until = np.concatenate([[0.0], np.cumsum(values[order])])
    found = np.empty(values.size)
    found[order] = until[1:] - until[np.searchsorted(key, key - seconds, side="right")]
    return found


def tuned(rows: Rows, features: Doubles, weeks: list[Week]) -> dict[str, Any]:
    """Return the parameters with the highest mean average precision over `weeks`."""
    import optuna

    def objective(trial: optuna.Trial) -> float:
        parameters = suggested(trial)
        return float(np.mean([week.figures(rows, reference(rows, features, week, parameters))["ap"] for week in weeks]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    study.enqueue_trial(START)
    study.optimize(objective, n_trials=TRIALS)
    return study.best_params


def reference(rows: Rows, features: Doubles, week: Week, parameters: dict[str, Any]) -> Doubles:
    """Return scores ``(n,)`` of XGBoost trained on the week's seven training days; rows not tested get 0."""
    train, test = rows.between(week.train.first, week.train.last), week.test(rows)
    model = fitted_xgboost(features[train], rows.is_fraud[train], parameters, SEED)
    score = np.zeros(rows.time.size)
    score[test] = model.predict_proba(features[test])[:, 1]
    return score
