"""Training is repeatable to the byte, stops early, obeys constraints, and refuses windows that teach nothing."""

import dataclasses

import numpy as np
import pytest

from antifraud.errors import NoFraud, OnlyFraud
from jobs.rows.sample import Sample
from jobs.training.export import cbm_bytes, from_cbm, onnx_bytes
from jobs.training.fitting import Parameters, fit, value_weight

SMALL = Parameters(iterations=40, depth=4, learning_rate=0.3)


def sample(rows, seed):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, 5))
    vectors[generator.random(vectors.shape) < 0.1] = np.nan
    is_fraud = np.nan_to_num(vectors[:, 0]) + generator.normal(scale=0.5, size=rows) > 1.5
    return Sample(vectors.astype(np.float32), is_fraud, generator.integers(100, 50_000, size=rows), np.ones(rows))


def test_same_inputs_give_the_same_bytes():
    """Two trainings on the same inputs write equal files, so that a hash of the files identifies the model."""
    first, second = (fit(sample(3_000, 1), sample(1_000, 2), seed=7, parameters=SMALL) for _ in range(2))
    assert onnx_bytes(first) == onnx_bytes(second)
    assert cbm_bytes(first) == cbm_bytes(second)


def test_single_precision_loses_nothing():
    """Vectors in double precision and row order give the same bytes as in single precision and column order."""

    def as_type(rows, dtype, order):
        return dataclasses.replace(rows, vectors=np.asarray(doubles(rows), dtype=dtype, order=order))

    def doubles(rows):
        noise = np.random.default_rng(9).uniform(-1e-9, 1e-9, size=rows.vectors.shape)
        return rows.vectors.astype(np.float64) * (1 + noise)  # beyond single precision, so that rounding happens

    train, select = sample(3_000, 1), sample(1_000, 2)
    wide, narrow = (
        fit(as_type(train, *kind), as_type(select, *kind), seed=7, parameters=SMALL)
        for kind in ((np.float64, "C"), (np.float32, "F"))
    )
    assert cbm_bytes(wide) == cbm_bytes(narrow)


def zigzag(rows, seed):
    """Return rows whose risk falls as the first feature rises, and depends on the second as well."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, 2)).astype(np.float32)
    is_fraud = generator.random(rows) < 1 / (1 + np.exp(1.5 * vectors[:, 0] - vectors[:, 1] + 1))
    return Sample(vectors, is_fraud, np.full(rows, 700), np.ones(rows))


@pytest.mark.parametrize(("rising", "falls"), [((), True), ((0,), False)])
def test_a_rising_feature_never_lowers_the_margin(rising, falls):
    """A constrained feature never lowers the margin, even on data that make an unconstrained model do so."""
    model = fit(zigzag(3_000, 1), zigzag(1_000, 2), seed=7, parameters=SMALL, rising=rising)
    grid = np.linspace(-3, 3, 60, dtype=np.float32)
    for other in (-1.0, 0.0, 1.0):
        line = np.column_stack([grid, np.full_like(grid, other)])
        steps = np.diff(model.predict(line, prediction_type="RawFormulaVal"))
        assert (steps.min() < 0) == falls


def test_another_seed_gives_another_model():
    """Another seed gives another model, so that equal bytes for equal seeds mean something."""
    first, second = (fit(sample(3_000, 1), sample(1_000, 2), seed=seed, parameters=SMALL) for seed in (7, 8))
    assert cbm_bytes(first) != cbm_bytes(second)


def test_the_saved_model_predicts_margins():
    """A model that is written and read again gives the same raw values."""
    model = fit(sample(3_000, 1), sample(1_000, 2), seed=7, parameters=SMALL)
    rows = sample(200, 3).vectors
    again = from_cbm(cbm_bytes(model)).predict(rows)
    assert again.tolist() == model.predict(rows, prediction_type="RawFormulaVal").tolist()


def test_stops_when_the_select_window_no_longer_gains():
    """On pure noise training stops far below the allowed number of trees."""
    generator = np.random.default_rng(4)
    noise = Sample(generator.normal(size=(500, 5)), generator.random(500) < 0.2, np.full(500, 700), np.ones(500))
    model = fit(noise, sample(500, 5), seed=7, parameters=Parameters(iterations=400, depth=4, learning_rate=0.3))
    assert model.tree_count_ < 60


@pytest.mark.parametrize(("train", "select", "name"), [(0, 1, "train"), (1, 0, "select")])
def test_a_window_without_fraud_is_refused(train, select, name):
    """A window without fraud is refused by name."""
    usable = sample(300, 6)
    empty = dataclasses.replace(usable, is_fraud=np.zeros(300, dtype=bool))
    with pytest.raises(NoFraud, match=f"the {name} window has 0 frauds in 300 rows") as refused:
        fit((empty, usable)[train], (empty, usable)[select], seed=1, parameters=SMALL)
    assert refused.value.exit_code == 29


def test_a_window_of_frauds_only_is_refused():
    """A window with nothing but fraud is refused, because one class teaches nothing."""
    usable = sample(300, 6)
    only = dataclasses.replace(usable, is_fraud=np.ones(300, dtype=bool))
    with pytest.raises(OnlyFraud, match="the train window has 300 frauds in 300 rows"):
        fit(only, usable, seed=1, parameters=SMALL)


def test_an_empty_window_is_refused():
    """A window without rows is refused like one without fraud."""
    usable = sample(300, 6)
    nothing = Sample(usable.vectors[:0], usable.is_fraud[:0], usable.amount[:0], usable.weight[:0])
    with pytest.raises(NoFraud, match="the select window has 0 frauds in 0 rows"):
        fit(usable, nothing, seed=1, parameters=SMALL)


def test_frauds_weigh_by_what_they_cost():
    """Frauds weigh by amount to the power 0.75 over its mean (8 and 27 over 17.5), and legitimate rows weigh 1."""
    rows = Sample(np.zeros((3, 1)), np.array([True, True, False]), np.array([16, 81, 500]), np.ones(3))
    assert value_weight(rows) == pytest.approx([8 / 17.5, 27 / 17.5, 1.0])


def test_propensities_decide_when_to_stop():
    """Propensities of select rows change the number of trees, and those of train rows change nothing."""
    train, select = sample(3_000, 1), sample(1_000, 2)
    chance = np.where(select.vectors[:, 1] > 0, 0.02, 1.0)
    models = [
        fit(dataclasses.replace(train, propensity=p), dataclasses.replace(select, propensity=q), 7, SMALL)
        for p, q in ((None, None), (np.full(3_000, 0.5), None), (None, chance))
    ]
    assert cbm_bytes(models[0]) == cbm_bytes(models[1])
    assert models[2].tree_count_ != models[0].tree_count_
