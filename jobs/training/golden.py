"""Golden rows: vectors and the scores a scorer must reproduce before it serves a release."""

import json
from typing import Final

import numpy as np
import numpy.typing as npt

from antifraud.model.evaluator import Evaluator
from jobs.rows.sample import Sample

GOLDEN_ROWS: Final = 64


def golden_rows(sample: Sample, seed: int) -> npt.NDArray[np.float32]:
    """Return up to `GOLDEN_ROWS` vectors, half of them frauds if there are enough; vectors only, no ids."""
    generator = np.random.default_rng(seed)
    halves = [np.flatnonzero(sample.is_fraud), np.flatnonzero(~sample.is_fraud)]
    chosen = [generator.permutation(half)[: GOLDEN_ROWS // 2] for half in halves]
    rows: npt.NDArray[np.float32] = sample.vectors[np.sort(np.concatenate(chosen))]
    return rows


def golden_json(vectors: npt.NDArray[np.float32], evaluator: Evaluator) -> str:
    """Return the text of `golden.json`: ``{"vectors": [[number or null, ...]], "scores": [ppm]}``."""
    rows = [[None if np.isnan(value) else float(value) for value in row] for row in vectors]
    return json.dumps({"vectors": rows, "scores": evaluator.score(vectors).tolist()}) + "\n"
