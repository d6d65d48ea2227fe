"""Fit CatBoost on the train window, stop early on the select window."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from catboost import CatBoostClassifier, Pool

from antifraud.errors import NoFraud, OnlyFraud
from jobs.rows.sample import Sample

THREADS: Final = 2
"""Fixed, because the order in which threads add gradients changes the last bits of a model."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """CatBoost's parameters; see its documentation for each."""

    iterations: int = 500
    depth: int = 6
    learning_rate: float = 0.08
    l2_leaf_reg: float = 10.0
    boosting_type: str = "Plain"
    border_count: int = 128


PARAMETERS: Final = Parameters()
VALUE_EXPONENT: Final = 0.75
"""Exponent of the amount in a fraud's weight: the loss limit is about money, but 1 would ignore small frauds."""
WEIGHT_RANGE: Final = (0.1, 10.0)
"""Bounds of a fraud's weight, so that no single payment dominates the trees."""
PATIENCE: Final = 50
"""Number of trees without a better log loss on the select window after which training stops."""


def fit(
    train: Sample,
    select: Sample,
    seed: int,
    parameters: Parameters = PARAMETERS,
    rising: Sequence[int] = (),
) -> CatBoostClassifier:
    """Return a classifier with margins in log odds of the (downsampled) train window; calibration corrects the rest.

    The same samples, seed and machine type give the same trees. The margin never falls as a feature at one of the
    positions `rising` rises.

    `select` only sets the number of trees; its rows are weighted by inverse propensity. Train rows are not: the
    features that decided about a flag are features of the model, so the odds given the features are right without
    weights. Heavy rows would only add noise (`bench/model/selection_bias.py`; Zadrozny 2004).

    Raises:
        NoFraud: A window has no fraud.
        OnlyFraud: A window has no legitimate row.
    """
    for name, sample in (("train", train), ("select", select)):
        if not 0 < sample.frauds < sample.is_fraud.size:
            raise (OnlyFraud if sample.frauds else NoFraud)(
                f"the {name} window has {sample.frauds} frauds in {sample.is_fraud.size} rows: "
                "training needs frauds and legitimate rows, choose another day or longer windows"
            )
    model = CatBoostClassifier(**_arguments(seed, parameters, rising))
    chosen_by = _pool(select, value_weight(select) * select.inverse_propensity)
    return model.fit(_pool(train, value_weight(train)), eval_set=chosen_by, early_stopping_rounds=PATIENCE)


def _arguments(seed: int, parameters: Parameters, rising: Sequence[int]) -> dict[str, Any]:
    monotone = {"monotone_constraints": dict.fromkeys(rising, 1)} if rising else {}
    return {**asdict(parameters), "random_seed": seed, "thread_count": THREADS, "verbose": 0, **monotone} | {
        "allow_writing_files": False,
        "loss_function": "Logloss",
    }


def _pool(sample: Sample, weight: npt.NDArray[np.float64]) -> Pool:
    label = sample.is_fraud.astype(np.int8)
    return Pool(sample.vectors, label=label, weight=weight, thread_count=THREADS)


def value_weight(sample: Sample) -> npt.NDArray[np.float64]:
    """Return weights for training (n,): 1 for legitimate rows; by amount for frauds, with mean 1.

    Large frauds are learnt first that way. Calibration with the population's weights corrects the level of the score.
    """
    worth = np.maximum(sample.amount, 1) / sample.amount[sample.is_fraud].mean()
    value = np.clip(worth**VALUE_EXPONENT, *WEIGHT_RANGE)
    return np.where(sample.is_fraud, value / value[sample.is_fraud].mean(), 1.0)
