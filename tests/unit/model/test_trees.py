"""Shapley values of trees equal the definition and CatBoost's own, and always add up to the margin."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from catboost import CatBoostClassifier, Pool

from antifraud.errors import ReleaseError, SchemaError
from antifraud.model.evaluator import Calibration, Evaluator
from antifraud.model.trees import DEEPEST, Tree, Trees
from jobs.training.export import cbm_bytes, from_cbm, onnx_bytes, trees_of

FEATURES = 7
PLAIN = Calibration(slope=1.0, intercept=0.0, log_odds_shift=0.0)


def sample(rows, seed):
    """Draw vectors with nulls; few features, so that trees of depth 6 ask for one more than once."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, FEATURES))
    vectors[generator.random(vectors.shape) < 0.2] = math.nan
    return vectors


def fit(seed=1, rows=1_500, **parameters):
    vectors = sample(rows, seed)
    known = np.nan_to_num(vectors)
    fraud = known[:, 0] + known[:, 1] * known[:, 2] + np.isnan(vectors[:, 3]) > 0.7
    given = {"iterations": 40, "depth": 6, "learning_rate": 0.2} | parameters
    quiet = {"thread_count": 1, "random_seed": seed, "verbose": 0, "allow_writing_files": False}
    return CatBoostClassifier(**given, **quiet, boosting_type="Plain").fit(vectors, fraud.astype(int))


def ours(trees, vectors):
    """Return our values in the form of CatBoost's own, ``(n, features + 1)``, the base last."""
    found = [trees.contributions(vector) for vector in vectors]
    return np.array([[*each.by_feature, each.base] for each in found])


def catboosts(model, vectors):
    return model.get_feature_importance(Pool(vectors), type="ShapValues", shap_calc_type="Regular", thread_count=1)


def value_when_known(tree, vector, known, node=0, level=None):
    """Walk the definition from the root: the side taken where the feature is known, both sides otherwise."""
    level = len(tree.feature) if level is None else level
    if level == 0:
        return tree.value[node]
    split = level - 1
    left, right = (value_when_known(tree, vector, known, 2 * node + side, split) for side in (0, 1))
    if tree.feature[split] in known:
        value = np.float32(vector[tree.feature[split]])
        goes_right = tree.null_right[split] if np.isnan(value) else value > np.float32(tree.border[split])
        return right if goes_right else left
    rows = [sum(tree.weight[(2 * node + side) << split : (2 * node + side + 1) << split]) for side in (0, 1)]
    if not sum(rows):
        return (left + right) / 2
    return (rows[0] * left + rows[1] * right) / sum(rows)


def shapley_by_orders(tree, vector, features):
    """Follow Shapley's own definition: the mean over all orders in which the features become known."""
    orders = list(itertools.permutations(range(features)))
    found = np.zeros(features)
    for order in orders:
        for place, feature in enumerate(order):
            before, after = set(order[:place]), set(order[: place + 1])
            found[feature] += value_when_known(tree, vector, after) - value_when_known(tree, vector, before)
    return found / len(orders)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition_on_random_trees(seed):
    """All orders of four features, trees of depth 3 with repeats, empty branches and nulls on both sides."""
    generator = np.random.default_rng(seed)
    weight = generator.integers(0, 3, 8).astype(float)
    tree = Tree(
        feature=tuple(generator.integers(0, 4, 3).tolist()),
        border=tuple(generator.normal(size=3).tolist()),
        null_right=tuple(generator.random(3) < 0.5),
        value=tuple(generator.normal(size=8).tolist()),
        weight=tuple(weight.tolist()),
    )
    for vector in sample(5, seed)[:, :4]:
        found = Trees([tree], 4).contributions(vector)
        assert found.by_feature == pytest.approx(shapley_by_orders(tree, vector, 4), abs=1e-12)
        assert found.base == pytest.approx(value_when_known(tree, vector, set()), abs=1e-12)
        assert found.margin == value_when_known(tree, vector, {0, 1, 2, 3})


@pytest.mark.parametrize(
    "parameters",
    [{}, {"seed": 2, "nan_mode": "Max"}, {"seed": 3, "depth": 4}, {"seed": 4, "scale_pos_weight": 3.5}],
    ids=["null-low", "null-high", "shallow", "weighted"],
)
def test_equals_catboosts_own_values(parameters):
    """CatBoost's ShapValues are met to 1e-6 on new rows; trees do repeat features, and some leaves are empty."""
    model = fit(**parameters)
    trees, vectors = trees_of(model), sample(60, seed=99)
    assert ours(trees, vectors) == pytest.approx(catboosts(model, vectors), abs=1e-6)
    assert any(len(set(tree.feature)) < len(tree.feature) for tree in trees._trees)
    assert any(0.0 in tree.weight for tree in trees._trees)


def test_adds_up_to_what_serves():
    """Base plus contributions is CatBoost's margin, and that of the model that serves as far as it adds exactly."""
    model = fit(seed=5)
    trees, vectors = trees_of(model), sample(200, seed=98)
    total = ours(trees, vectors).sum(axis=1)
    assert total == pytest.approx(model.predict(vectors, prediction_type="RawFormulaVal"), abs=1e-12)
    assert total == pytest.approx([trees.contributions(vector).margin for vector in vectors], abs=1e-12)
    # Forty trees are added in single precision: each addition may lose half a unit of the 24th bit.
    assert total == pytest.approx(Evaluator(onnx_bytes(model), PLAIN).margin(vectors), abs=40 * 8 * 2**-25)


def test_differs_from_catboost_in_leaves_without_training_rows_only():
    """Monotone constraints give such leaves a value; CatBoost counts them as 0, we as what they are."""
    vectors, model = sample(1_500, seed=6), fit(seed=6, monotone_constraints={0: 1})
    trees = trees_of(model)
    # Rows of training, because CatBoost adds the rows it is asked about to the leaves of a constrained model.
    expected, margin = catboosts(model, vectors), model.predict(vectors, prediction_type="RawFormulaVal")
    assert np.abs(ours(trees, vectors) - expected).max() > 1e-3
    assert ours(trees, vectors).sum(axis=1) == pytest.approx(margin, abs=1e-12)

    emptied = [
        dataclasses.replace(tree, value=tuple(v if w else 0.0 for v, w in zip(tree.value, tree.weight, strict=True)))
        for tree in trees._trees
    ]
    assert ours(Trees(emptied, FEATURES), vectors) == pytest.approx(expected, abs=1e-6)


def test_the_file_keeps_every_bit():
    """Read back, the trees give the same bits; a model that went through CatBoost's file has the same trees."""
    model = fit(seed=7, iterations=10)
    trees, vector = trees_of(model), sample(1, seed=96)[0]
    again = Trees.from_json(trees.to_json()).contributions(vector)
    assert again.by_feature.tobytes() == trees.contributions(vector).by_feature.tobytes()
    assert trees_of(from_cbm(cbm_bytes(model))).to_json() == trees.to_json()


def test_a_tree_without_a_split_is_only_base():
    """A constant adds to base and margin alike."""
    constant = Tree((), (), (), (0.75,), (10.0,))
    found = Trees([constant], 2, scale=2.0, bias=0.5).contributions(np.zeros(2))
    assert (found.base, found.by_feature.tolist(), found.margin) == (2.0, [0.0, 0.0], 2.0)


def test_a_vector_of_another_length_is_refused():
    """The message says both lengths."""
    with pytest.raises(SchemaError, match=r"shape \(3,\), the trees expect \(2,\)"):
        Trees([], 2).contributions(np.zeros(3))


def broken(**changes):
    whole = {"format": 1, "features": 1, "scale": 1.0, "bias": 0.0}
    return json.dumps({**whole, "trees": [[[0], [1.0], [False], [1.0, 2.0], [3.0, 4.0]]], **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not describe trees"),
        ("[]", "does not describe trees"),
        (broken(format=2), "has format 2, this code reads 1"),
        (broken(features=0), "does not fit together"),
        (broken(trees=[[[0], [1.0], [False], [1.0], [3.0, 4.0]]]), "does not fit together"),
        (broken(trees=[[[0], [1.0], [False], [1.0, math.nan], [3.0, 4.0]]]), "does not fit together"),
        (broken(trees=[[[0], [1.0], [False], [1.0, 2.0], [3.0, -4.0]]]), "does not fit together"),
        (broken(trees=[[[0], [1.0]]]), "does not describe trees"),
        (broken(trees=[[[0] * 11, [1.0] * 11, [False] * 11, [0.0], [1.0]]]), f"11 deep, .* reach {DEEPEST}"),
    ],
)
def test_a_malformed_file_is_refused(text, message):
    """A file with parts that do not fit together is refused."""
    with pytest.raises(ReleaseError, match=message):
        Trees.from_json(text)
    assert Trees.from_json(broken()).feature_count == 1
