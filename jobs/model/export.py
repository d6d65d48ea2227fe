"""CatBoost models as bytes that depend on the trees alone: no timestamps, no training log, no ids.

CatBoost exports a classifier with a probability in single precision and a map per row; the trees exported as a
regression give the raw margin instead, which is exact enough near 1 and three times faster for a single row.
"""

import json
import tempfile
from pathlib import Path
from typing import Final

from catboost import CatBoost

AS_REGRESSION: Final = json.dumps({"loss_function": {"type": "RMSE", "params": {}}})
"""All that the ONNX export reads of the parameters: which kind of model to declare."""


def onnx_bytes(model: CatBoost) -> bytes:
    """The trees as an ONNX regressor: matrix (n, features) of float32 in, raw margin out."""
    return _serialise(_bare(model), "onnx")


def cbm_bytes(model: CatBoost) -> bytes:
    """The trees in CatBoost's own format, to compare the evaluator with."""
    return _serialise(_bare(model), "cbm")


def from_cbm(content: bytes) -> CatBoost:
    """The model that `cbm_bytes` wrote; it predicts raw margins."""
    return CatBoost().load_model(blob=content)


def _bare(model: CatBoost) -> CatBoost:
    bare = CatBoost().load_model(blob=_serialise(model, "cbm"))
    metadata = bare.get_metadata()
    for name in list(metadata.keys()):
        del metadata[name]
    metadata["params"] = AS_REGRESSION
    return bare


def _serialise(model: CatBoost, kind: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="model-") as scratch:
        path = Path(scratch) / f"model.{kind}"
        model.save_model(str(path), format=kind)
        return path.read_bytes()
