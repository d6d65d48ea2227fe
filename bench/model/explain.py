"""Time one explanation: exact Shapley values of 500 trees in NumPy, beside CatBoost's own for the same row.

    python -m bench.model.explain

The model has the production shape (500 trees of depth 6, the registry's features), the rows are made up, with nulls.
Both sides take turns, one row at a time.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from catboost import CatBoostClassifier, Pool

from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import Calibration, Evaluator
from antifraud.model.explain import Explainer
from antifraud.model.trees import Trees
from bench.record import record
from jobs.training.export import onnx_bytes, trees_of
from jobs.training.fitting import PARAMETERS

ROWS: Final = 20_000
ROUNDS: Final = 7
ROWS_A_ROUND: Final = 40
MILLISECONDS: Final = 1_000
COMMAND: Final = "python -m bench.model.explain"
Doubles = npt.NDArray[np.float64]


def model_of(generator: np.random.Generator) -> tuple[CatBoostClassifier, Doubles]:
    """Fit a model that uses its whole depth, and return it with rows to explain."""
    vectors = generator.normal(size=(ROWS, len(FEATURE_NAMES)))
    vectors[generator.random(vectors.shape) < 0.1] = np.nan
    known = np.nan_to_num(vectors)
    fraud = known[:, :6].sum(axis=1) + known[:, 6] * known[:, 7] + generator.normal(size=ROWS) > 4
    quiet: dict[str, Any] = {"verbose": 0, "allow_writing_files": False, "thread_count": 2, "random_seed": 1}
    model = CatBoostClassifier(
        iterations=PARAMETERS.iterations, depth=PARAMETERS.depth, learning_rate=PARAMETERS.learning_rate, **quiet
    )
    return model.fit(vectors, fraud.astype(int)), vectors


def milliseconds(explain: Callable[[Doubles], Any], rows: Doubles) -> float:
    """Return the mean time of one row."""
    began = time.perf_counter()
    for row in rows:
        explain(row)
    return (time.perf_counter() - began) / len(rows) * MILLISECONDS


def largest_gap(trees: Trees, model: CatBoostClassifier, rows: Doubles) -> float:
    """Return the largest difference from CatBoost's values on some rows, log odds."""
    peer = model.get_feature_importance(Pool(rows), type="ShapValues", thread_count=1)
    ours = np.array([trees.contributions(row).by_feature for row in rows])
    return float(np.abs(ours - peer[:, :-1]).max())


def main() -> None:
    """Measure and record."""
    model, vectors = model_of(np.random.default_rng(1))
    plain = Calibration(slope=1.0, intercept=0.0, log_odds_shift=0.0)
    trees = trees_of(model)
    explainer = Explainer("bench", 0, Evaluator(onnx_bytes(model), plain), plain, Trees.from_json(trees.to_json()))
    times: Sequence[tuple[float, float]] = [
        (
            milliseconds(explainer.explain, rows),
            milliseconds(lambda row: model.get_feature_importance(Pool(row[None]), "ShapValues", thread_count=1), rows),
        )
        for rows in np.split(vectors[: ROUNDS * ROWS_A_ROUND], ROUNDS)
    ]
    ours, peer = np.array(times).T
    print(
        f"{len(trees.to_json()) / 1e6:.1f} MB of trees; off CatBoost by {largest_gap(trees, model, vectors[:40]):.0e}"
    )
    beside = f"CatBoost's own ShapValues of one row: {np.median(peer):.3g} ms"
    record("model.explain_ms", float(np.median(ours)), "ms", COMMAND, beside, (float(ours.min()), float(ours.max())))


if __name__ == "__main__":
    main()
