"""The evaluator gives one row the same bits as a batch, follows CatBoost, and refuses what is not a model."""

import math
import time

import numpy as np
import pytest
from catboost import CatBoostClassifier

from antifraud.artifacts.bundle import write_bundle
from antifraud.errors import ReleaseError, SchemaError
from antifraud.model.evaluator import Calibration, Evaluator, load_evaluator, read_evaluator, to_ppm
from jobs.training.export import onnx_bytes
from tests.release_keys import SIGNING

FEATURES = 12
PLAIN = Calibration(slope=1.0, intercept=0.0, log_odds_shift=0.0)


def sample(rows, seed=3):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, FEATURES)) * 50
    vectors[generator.random(vectors.shape) < 0.15] = math.nan
    return vectors


@pytest.fixture(scope="module")
def trained():
    vectors = sample(4_000)
    fraud = (np.nan_to_num(vectors[:, 0]) + np.nan_to_num(vectors[:, 1]) ** 2 / 50 > 90).astype(int)
    model = CatBoostClassifier(
        iterations=60, depth=6, learning_rate=0.3, thread_count=1, random_seed=5, verbose=0, allow_writing_files=False
    )
    return model.fit(vectors, fraud)


@pytest.fixture(scope="module")
def evaluator(trained):
    return Evaluator(onnx_bytes(trained), Calibration(slope=1.1, intercept=-0.2, log_odds_shift=math.log(0.1)))


def test_a_row_alone_has_the_bits_of_the_batch(evaluator):
    """Margins of single rows, of a batch and of an odd-sized part are bit for bit the same."""
    vectors = sample(1_003, seed=9)
    batch = evaluator.margin(vectors)

    alone = np.concatenate([evaluator.margin(vectors[row : row + 1]) for row in range(len(vectors))])
    assert alone.tobytes() == batch.tobytes()
    assert evaluator.margin(vectors[:17]).tobytes() == batch[:17].tobytes()


def test_scores_do_not_depend_on_the_batch(evaluator):
    """The rounding to parts per million is elementwise too."""
    vectors = sample(515, seed=10)
    alone = [int(evaluator.score(vectors[row : row + 1])[0]) for row in range(len(vectors))]
    assert alone == evaluator.score(vectors).tolist()


def test_follows_catboost_within_one_ppm(trained):
    """The exported trees differ from CatBoost's own prediction by at most 1 ppm, NaN included."""
    vectors = sample(20_000, seed=11)
    expected = np.rint(1e6 / (1 + np.exp(-trained.predict(vectors, prediction_type="RawFormulaVal"))))
    found = Evaluator(onnx_bytes(trained), PLAIN).score(vectors)
    assert np.abs(found - expected).max() <= 1


def test_calibration_formula_by_hand():
    """Margin 2 with shift -1, slope 3 and intercept -4 is log odds -1, which is 268,941 ppm."""
    calibration = Calibration(slope=3.0, intercept=-4.0, log_odds_shift=-1.0)
    assert to_ppm(calibration.log_odds(np.array([2.0]))).tolist() == [268_941]


def test_calibration_survives_json_bit_for_bit():
    """Writing and reading keeps every digit, so a bundle scores as the candidate did."""
    calibration = Calibration(slope=0.1 + 0.2, intercept=-1 / 3, log_odds_shift=math.log(0.123))
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize("slope", [0.0, -1.0, math.nan, math.inf])
def test_a_calibration_that_does_not_increase_is_refused(slope):
    """A flat or falling map would reorder risks."""
    with pytest.raises(ReleaseError, match="strictly increasing"):
        Calibration(slope=slope, intercept=0.0, log_odds_shift=0.0)


@pytest.mark.parametrize("text", ["", "[]", '{"slope": 1}', '{"slope": "x", "intercept": 0, "log_odds_shift": 0}'])
def test_a_malformed_calibration_is_refused(text):
    """The message names the file, not Python's internals."""
    with pytest.raises(ReleaseError, match=r"calibration\.json is not a calibration"):
        Calibration.from_json(text)


def test_wrong_width_is_refused(evaluator):
    """A vector of another feature set is an error that says both widths."""
    with pytest.raises(SchemaError, match=r"shape \(1, 11\).*\(n, 12\)"):
        evaluator.score(np.zeros((1, FEATURES - 1)))


def test_what_is_not_a_model_is_refused():
    """Arbitrary bytes are a ReleaseError, so that a scorer keeps its old release."""
    with pytest.raises(ReleaseError, match=r"model\.onnx is not a model"):
        Evaluator(b"not a model", PLAIN)


def test_missing_files_are_named(tmp_path):
    """A folder without a model says what it lacks."""
    with pytest.raises(ReleaseError, match=r"lacks model\.onnx or calibration\.json"):
        read_evaluator(tmp_path)


def test_loads_from_a_bundle(tmp_path, trained):
    """A bundle's evaluator scores like the model it was made from."""
    model = onnx_bytes(trained)
    files = {"model.onnx": model, "calibration.json": PLAIN.to_json().encode()}
    bundle = write_bundle(tmp_path, "r1", files, {}, SIGNING)
    vectors = sample(50, seed=12)
    assert load_evaluator(bundle).score(vectors).tolist() == Evaluator(model, PLAIN).score(vectors).tolist()


def test_a_bundle_is_not_read_again_by_path(tmp_path, trained):
    """A model that is exchanged after the verification is not the one that scores."""
    files = {"model.onnx": onnx_bytes(trained), "calibration.json": PLAIN.to_json().encode()}
    bundle = write_bundle(tmp_path, "r1", files, {}, SIGNING)
    (bundle.path / "model.onnx").write_bytes(b"not a model")
    assert load_evaluator(bundle).feature_count == FEATURES


def test_one_row_is_fast(evaluator):
    """The median of single rows stays far below the 60 microseconds a decision allows, machine noise included."""
    row = sample(1, seed=13)
    times = []
    for _ in range(500):
        start = time.perf_counter()
        evaluator.score(row)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 200e-6
