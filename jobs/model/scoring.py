"""Score labelled rows on the cluster, by the evaluator that serves and by CatBoost beside it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from antifraud.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator, to_ppm
from antifraud.features import FEATURE_NAMES
from jobs.model.candidate import CBM_FILE
from jobs.model.vectors import vectors_of

CARRIED: Final = ("window", "day", "customer", "terminal", "amount_minor", "status")
SCORED: Final = (
    "window string, day date, customer string, terminal string, amount_minor bigint, status string, score int, peer int"
)
"""`score` is what serves, `peer` CatBoost's own prediction (null where its model is not at hand); parts per million."""
Batches = Iterable[pa.RecordBatch]


def scored(rows: DataFrame, folder: Path) -> DataFrame:
    """Rows as `SCORED`, scored with the model files in `folder`; only the columns that the gate needs are kept.

    A release's bundle holds only what serves, so there `peer` is null.
    """
    model, calibration = (folder / MODEL_FILE).read_bytes(), (folder / CALIBRATION_FILE).read_text()
    cbm = (folder / CBM_FILE).read_bytes() if (folder / CBM_FILE).exists() else None
    return rows.select(*CARRIED, *FEATURE_NAMES).mapInArrow(score_batches(model, calibration, cbm), SCORED)


def score_batches(model: bytes, calibration: str, cbm: bytes | None) -> Callable[[Batches], Batches]:
    """A function from Arrow batches of `CARRIED` and features to batches as `SCORED`."""

    def score(batches: Batches) -> Batches:
        calibrated = Calibration.from_json(calibration)
        evaluator, peer = Evaluator(model, calibrated), _peer(cbm, calibrated)
        for batch in batches:
            vectors = vectors_of(batch)
            columns = [batch.column(name) for name in CARRIED]
            columns += [pa.array(evaluator.score(vectors)), peer(vectors)]
            yield pa.RecordBatch.from_arrays(columns, names=[*CARRIED, "score", "peer"])

    return score


def _peer(cbm: bytes | None, calibration: Calibration) -> Callable[[npt.NDArray[np.float32]], pa.Array]:
    if cbm is None:
        return lambda vectors: pa.nulls(len(vectors), pa.int32())
    from jobs.model.export import from_cbm

    model = from_cbm(cbm)

    def predict(vectors: npt.NDArray[np.float32]) -> pa.Array:
        margin = np.asarray(model.predict(vectors, thread_count=1), dtype=np.float64)
        return pa.array(to_ppm(calibration.log_odds(margin)))

    return predict
