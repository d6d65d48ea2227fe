"""Training is repeatable to the byte, stops early, and refuses windows that teach nothing."""

import numpy as np
import pytest

from antifraud.errors import UndefinedMetric
from jobs.model.export import cbm_bytes, from_cbm, onnx_bytes
from jobs.model.fitting import Parameters, Sample, fit, value_weight

SMALL = Parameters(iterations=40, depth=4, learning_rate=0.3)


def sample(rows, seed):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, 5))
    vectors[generator.random(vectors.shape) < 0.1] = np.nan
    is_fraud = np.nan_to_num(vectors[:, 0]) + generator.normal(scale=0.5, size=rows) > 1.5
    return Sample(vectors, is_fraud, generator.integers(100, 50_000, size=rows), np.ones(rows))


def test_same_inputs_give_the_same_bytes():
    """Two trainings write equal files, so an id made of their hash names one model."""
    first, second = (fit(sample(3_000, 1), sample(1_000, 2), seed=7, parameters=SMALL) for _ in range(2))
    assert onnx_bytes(first) == onnx_bytes(second)
    assert cbm_bytes(first) == cbm_bytes(second)


def test_another_seed_gives_another_model():
    """The seed is used: without this the test above could not fail."""
    first, second = (fit(sample(3_000, 1), sample(1_000, 2), seed=seed, parameters=SMALL) for seed in (7, 8))
    assert cbm_bytes(first) != cbm_bytes(second)


def test_the_saved_model_predicts_margins():
    """What is written and read again gives the classifier's own raw values."""
    model = fit(sample(3_000, 1), sample(1_000, 2), seed=7, parameters=SMALL)
    rows = sample(200, 3).vectors
    again = from_cbm(cbm_bytes(model)).predict(rows)
    assert again.tolist() == model.predict(rows, prediction_type="RawFormulaVal").tolist()


def test_stops_when_the_select_window_no_longer_gains():
    """On pure noise the best number of trees is far below the allowed one."""
    generator = np.random.default_rng(4)
    noise = Sample(generator.normal(size=(500, 5)), generator.random(500) < 0.2, np.full(500, 700), np.ones(500))
    model = fit(noise, sample(500, 5), seed=7, parameters=Parameters(iterations=400, depth=4, learning_rate=0.3))
    assert model.tree_count_ < 60


@pytest.mark.parametrize(("train", "select", "name"), [(0, 1, "train"), (1, 0, "select")])
def test_a_window_without_fraud_is_refused(train, select, name):
    """The message names the window and what it lacks."""
    usable = sample(300, 6)
    empty = Sample(usable.vectors, np.zeros(300, dtype=bool), usable.amount, usable.weight)
    with pytest.raises(UndefinedMetric, match=f"the {name} window has 0 frauds in 300 rows"):
        fit((empty, usable)[train], (empty, usable)[select], seed=1, parameters=SMALL)


def test_frauds_weigh_by_what_they_cost():
    """Amounts 16 and 81 to the power 0.75 are 8 and 27, with mean 17.5; legitimate rows weigh 1."""
    rows = Sample(np.zeros((3, 1)), np.array([True, True, False]), np.array([16, 81, 500]), np.ones(3))
    assert value_weight(rows) == pytest.approx([8 / 17.5, 27 / 17.5, 1.0])
