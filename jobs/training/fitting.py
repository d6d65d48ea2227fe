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
"""Frauds weigh by their amount to this power, because the loss limit is about money; 1 would forget the small ones."""
WEIGHT_RANGE: Final = (0.1, 10.0)
"""Bounds of a fraud's weight, so that no single payment leads the trees."""
PATIENCE: Final = 50
"""Trees without a better log loss on the select window before training stops."""


def fit(
    train: Sample,
    select: Sample,
    seed: int,
    parameters: Parameters = PARAMETERS,
    rising: Sequence[int] = (),
) -> CatBoostClassifier:
    """A classifier whose margin is log odds in the (downsampled) train window, up to what calibration mends.

    Same samples, seed and machine type: same trees. `select` only decides how many trees are kept, its rows weighing
    for those that kept no label. Train rows do not: features that the model sees decided what was flagged, so the odds
    given the features are right without weights, and a few heavy rows only add noise (`bench/model/selection_bias.py`;
    Zadrozny 2004). The margin never falls as one of the features at the positions `rising` rises.

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
    """Weight in training (n,): 1 for legitimate rows; frauds by amount, with mean 1.

    The weights tilt which frauds are learnt first; calibration on the population's weights levels the score again.
    """
    worth = np.maximum(sample.amount, 1) / sample.amount[sample.is_fraud].mean()
    value = np.clip(worth**VALUE_EXPONENT, *WEIGHT_RANGE)
    return np.where(sample.is_fraud, value / value[sample.is_fraud].mean(), 1.0)
