"""Score labelled rows on the cluster: with the evaluator that serves, and with CatBoost as a check."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from antifraud.artifacts.bundle import Bundle
from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator, read_model_files, to_ppm
from jobs.rows.decisions import STANDS_FOR
from jobs.rows.vectors import vectors_of
from jobs.training.candidate import CBM_FILE

CARRIED: Final = ("window", "day", "customer", "terminal", "amount_minor", "status")
SCORED: Final = (
    "window string, day date, customer string, terminal string, amount_minor bigint, status string, score int, peer int"
)
"""`score` is what serves, `peer` CatBoost's own prediction (null if its model is missing); parts per million."""
LEARNT: Final = "delay"
"""Days until a row was first called a fraud; null if it never was."""
GROUP: Final = "terminal_group"
"""Token of the chain or region that a row's terminal belongs to; null if its source names none."""
SLICED: Final = ("hour", "customer_30d_count", "terminal_fraud_30d")
"""Features that slices are made of."""
PASSED: Final = (LEARNT, GROUP)
"""Columns that rows keep while they are scored; `STANDS_FOR` is kept, too, where days were served."""
Batches = Iterable[pa.RecordBatch]
Files = tuple[bytes, str]
"""Content of a model's file and of its calibration's."""


def scored(rows: DataFrame, source: Path | Bundle, others: Sequence[Bundle] = ()) -> DataFrame:
    """Return rows as `SCORED`, scored with a candidate's folder or a release's bundle, with `PASSED` and `SLICED`.

    A release's bundle lacks CatBoost's own model, so its `peer` is null. Each bundle of `others` adds the scores of
    another model to the certify rows (`scored_by`), in the same pass, because reading rows costs more than scoring.
    """
    cbm = None
    if isinstance(source, Path) and (source / CBM_FILE).exists():
        cbm = (source / CBM_FILE).read_bytes()
    repeated = [STANDS_FOR] if STANDS_FOR in rows.columns else []
    score = score_batches(*_files(source), cbm, [_files(other) for other in others], (*PASSED, *repeated))
    doubles, integers = (f"{name} double" for name in SLICED), (f"{other_score(n)} int" for n in range(len(others)))
    weights = (f"{name} int" for name in repeated)
    schema = ", ".join([SCORED, f"{LEARNT} int", f"{GROUP} string", *weights, *doubles, *integers])
    return rows.select(*CARRIED, *PASSED, *repeated, *FEATURE_NAMES).mapInArrow(score, schema)


def scored_by(results: DataFrame, position: int) -> DataFrame:
    """Return the certify rows of `scored` with the score of the other model at `position`, and no `peer`."""
    rows = results.where("window = 'certify'")
    return rows.withColumns({"score": F.col(other_score(position)), "peer": F.lit(None).cast("int")})


def other_score(position: int) -> str:
    """Return the column with the score of the other model at `position`."""
    return f"other_{position}"


def _files(source: Path | Bundle) -> Files:
    if isinstance(source, Bundle):
        return read_model_files(source)
    return (source / MODEL_FILE).read_bytes(), (source / CALIBRATION_FILE).read_text()


def score_batches(
    model: bytes, calibration: str, cbm: bytes | None, others: Sequence[Files] = (), passed: Sequence[str] = PASSED
) -> Callable[[Batches], Batches]:
    """Return a function from Arrow batches of `CARRIED`, `passed` and features to batches as `scored` gives them."""
    names = [*CARRIED, "score", "peer", *passed, *SLICED, *map(other_score, range(len(others)))]

    def score(batches: Batches) -> Batches:
        calibrated = Calibration.from_json(calibration)
        evaluator, peer = Evaluator(model, calibrated), _peer(cbm, calibrated)
        beside = [Evaluator(other, Calibration.from_json(text)) for other, text in others]
        for batch in batches:
            vectors = vectors_of(batch)
            columns = [batch.column(name) for name in CARRIED]
            columns += [pa.array(evaluator.score(vectors)), peer(vectors), *map(batch.column, (*passed, *SLICED))]
            columns += _certify_scores(beside, vectors, batch)
            yield pa.RecordBatch.from_arrays(columns, names=names)

    return score


def _certify_scores(
    evaluators: Sequence[Evaluator], vectors: npt.NDArray[np.float32], batch: pa.RecordBatch
) -> list[pa.Array]:
    """Return the scores of each evaluator; null for rows outside the certify window."""
    judged = pc.equal(batch.column("window"), "certify").to_numpy(zero_copy_only=False)
    scores = np.zeros((len(evaluators), len(vectors)), np.int32)
    if judged.any():
        for score, evaluator in zip(scores, evaluators, strict=True):
            score[judged] = evaluator.score(vectors[judged])
    return [pa.array(score, mask=~judged) for score in scores]


def _peer(cbm: bytes | None, calibration: Calibration) -> Callable[[npt.NDArray[np.float32]], pa.Array]:
    if cbm is None:
        return lambda vectors: pa.nulls(len(vectors), pa.int32())
    from jobs.training.export import from_cbm

    model = from_cbm(cbm)

    def predict(vectors: npt.NDArray[np.float32]) -> pa.Array:
        margin = np.asarray(model.predict(vectors, thread_count=1), dtype=np.float64)
        return pa.array(to_ppm(calibration.log_odds(margin)))

    return predict
