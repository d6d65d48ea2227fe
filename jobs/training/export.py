"""CatBoost models as bytes that depend on the trees alone: no timestamps, no training log, no ids.

CatBoost exports a classifier with a probability in single precision and a map per row. The same trees exported as a
regression give the raw margin. The margin is exact enough near 1, and three times faster for a single row.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from catboost import CatBoost

from antifraud.errors import ReleaseError
from antifraud.model.trees import Tree, Trees

AS_REGRESSION: Final = json.dumps({"loss_function": {"type": "RMSE", "params": {}}})
"""The only parameter that the ONNX export reads: the kind of model to declare."""


def onnx_bytes(model: CatBoost) -> bytes:
    """Return the trees as an ONNX regressor: matrix (n, features) of float32 in, raw margin out."""
    return _serialise(_bare(model), "onnx")


def cbm_bytes(model: CatBoost) -> bytes:
    """Return the trees in CatBoost's own format, to compare the evaluator with."""
    return _serialise(_bare(model), "cbm")


def from_cbm(content: bytes) -> CatBoost:
    """Return the model that `cbm_bytes` wrote; it predicts raw margins."""
    return CatBoost().load_model(blob=content)


def trees_of(model: CatBoost) -> Trees:
    """Return the trees with the training rows of their leaves, which explanations need.

    Raises:
        ReleaseError: The model splits on values other than numbers, or its trees are not oblivious.
    """
    content = json.loads(_serialise(model, "json"))
    features = content["features_info"]["float_features"]
    null_right = [feature["nan_value_treatment"] == "AsTrue" for feature in features]
    scale, (bias,) = content["scale_and_bias"]
    try:
        trees = [_tree(tree, null_right) for tree in content["oblivious_trees"]]
    except KeyError as error:
        raise ReleaseError(
            f"the model's trees have no {error}: only oblivious trees on numbers can be explained, train "
            "with the default grow policy"
        ) from None
    return Trees(trees, len(features), float(scale), float(bias))


def _tree(tree: Mapping[str, Any], null_right: Sequence[bool]) -> Tree:
    feature = tuple(split["float_feature_index"] for split in tree["splits"])
    return Tree(
        feature=feature,
        border=tuple(split["border"] for split in tree["splits"]),
        null_right=tuple(null_right[index] for index in feature),
        value=tuple(tree["leaf_values"]),
        weight=tuple(tree["leaf_weights"]),
    )


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
