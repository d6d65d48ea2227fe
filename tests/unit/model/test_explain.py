"""Explanations of a bundle's scores: they add up, speak the registry's words, and refuse what they cannot explain."""

import json
import math

import numpy as np
import pytest

from antifraud.artifacts.bundle import verify_bundle, write_bundle
from antifraud.commands.main import main
from antifraud.errors import ReleaseError, SchemaError
from antifraud.features.registry import FEATURE_NAMES, REGISTRY, Feature
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator
from antifraud.model.explain import Explainer, Reason, describe, parse_vector, spell_reason
from antifraud.model.trees import TREES_FILE, Tree, Trees
from tests.release_keys import PUBLIC, SIGNING, put_keys
from tests.serving.scene import make_model, make_release

KNOWN = {feature.name: feature for feature in REGISTRY}
CALIBRATION = Calibration(slope=1.5, intercept=-2.0, log_odds_shift=-1.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a home with the release ``whole`` and its candidate's folder; return it with vectors."""
    home = tmp_path_factory.mktemp("explained")
    vectors = make_model(home / "candidate", seed=3)
    (home / "candidate" / CALIBRATION_FILE).write_text(CALIBRATION.to_json())
    make_release(home / "releases", home / "candidate", vectors, "whole", threshold=300_000)
    put_keys(home)
    return home, vectors


@pytest.fixture
def run(made, capsys):
    def run_command(*arguments):
        code = main(["explain", *arguments], {"ANTIFRAUD_HOME": str(made[0])})
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


def test_reasons_add_up_to_the_log_odds_of_the_score(made):
    """Base plus reasons is the calibrated log odds of the score, with the weightiest reason first."""
    home, vectors = made
    explainer = Explainer.of(verify_bundle(home / "releases" / "whole", PUBLIC))
    evaluator = Evaluator((home / "candidate" / MODEL_FILE).read_bytes(), CALIBRATION)
    for vector, score in zip(vectors, evaluator.score(vectors), strict=True):
        found = explainer.explain(vector)
        assert found.score == score
        assert 1e6 / (1 + math.exp(-found.log_odds)) == pytest.approx(score, abs=2)
        weights = [abs(reason.log_odds) for reason in found.reasons]
        assert weights == sorted(weights, reverse=True)
        assert {reason.feature.name for reason in found.reasons} == set(FEATURE_NAMES)
    assert found.base == explainer.explain(vectors[0]).base


def test_calibration_scales_what_features_add(made):
    """With slope 1.5 a contribution is 1.5 times that to the raw margin, and the shift belongs to the base."""
    home, vectors = made
    explainer = Explainer.of(verify_bundle(home / "releases" / "whole", PUBLIC))
    raw = explainer.trees.contributions(vectors[0])
    found = explainer.explain(vectors[0])
    assert found.base == pytest.approx(1.5 * (raw.base - 1.0) - 2.0, abs=1e-12)
    amount = next(reason for reason in found.reasons if reason.feature.name == "amount")
    assert amount.log_odds == pytest.approx(1.5 * raw.by_feature[0], abs=1e-12)


def test_words_come_from_the_registry():
    """Entity, meaning, window, value and unit; a null says what it means; the first reason is the weightiest."""
    fraud = Reason(KNOWN["terminal_fraud_7d"], 5.0, 1.316)
    assert spell_reason(fraud, first=True) == (
        "terminal frauds learnt, 7 days: 5 transactions (raises the risk most, +1.32 log odds)"
    )
    assert describe(KNOWN["customer_1d_count"], 1_234.0) == "customer transactions, 1 day: 1,234 transactions"
    assert describe(KNOWN["terminal_fraud_share_30d"], 0.00123) == (
        "terminal share of frauds learnt, smoothed, 30 days: 0.0012 share"
    )
    assert describe(KNOWN["customer_30d_z_score"], math.nan) == (
        "customer amount's z-score, 30 days: none (no earlier transaction of the customer in the window, or all equal)"
    )


def test_a_feature_that_is_never_null_still_has_words_for_one():
    """A vector made by hand may hold a null where the registry knows none."""
    feature = Feature("amount", "event", None, "RUB", "", "amount", lambda _a, _x: None)
    assert describe(feature, math.nan) == "amount: none (the value is missing)"


def test_the_command_prints_the_reasons(run, made, tmp_path):
    """The command prints score, threshold, sum, the requested reasons and the rest, for lists and objects alike."""
    vector = [None if math.isnan(value) else value for value in made[1][0]]
    by_list, by_name = tmp_path / "list.json", tmp_path / "name.json"
    by_list.write_text(json.dumps(vector))
    by_name.write_text(json.dumps(dict(zip(FEATURE_NAMES, vector, strict=True))))

    code, out, err = run("--release", "whole", "--vector", str(by_list), "--top", "3")

    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 6)
    assert lines[0].startswith("release whole: score ")
    assert "the threshold 300,000" in lines[0]
    assert "the risk most" in lines[2]
    assert lines[5].startswith(f"  the other {len(FEATURE_NAMES) - 3} features: ")
    assert run("--release", "whole", "--vector", str(by_name), "--top", "3") == (0, out, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("7", "the vector holds int"),
        ("[1, 2]", f"the vector holds 2 values, expected a list of {len(FEATURE_NAMES)}"),
        (json.dumps(["x"] * len(FEATURE_NAMES)), "amount is str, expected a finite number"),
        (json.dumps([True] * len(FEATURE_NAMES)), "amount is bool"),
        (json.dumps([math.inf] * len(FEATURE_NAMES)), "amount is float, expected a finite number"),
        (json.dumps({"amount": 1, "colour": 2}), "disagree about colour, customer_1d_amount_to_mean"),
    ],
)
def test_a_malformed_vector_is_refused(run, tmp_path, text, message):
    """A malformed vector ends in one line with exit code 24."""
    path = tmp_path / "vector.json"
    path.write_text(text)
    with pytest.raises(SchemaError, match=message):
        parse_vector(text)
    code, out, err = run("--release", "whole", "--vector", str(path))
    assert (code, out, err.count("\n")) == (24, "", 1)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--release", "nothing", "--vector", "x"], 40, "there is no release nothing"),
        (["--release", "../candidate", "--vector", "x"], 40, "there is no release ../candidate"),
        (["--release", "whole", "--vector", "absent.json"], 24, "cannot be read as text (FileNotFoundError)"),
        (["--release", "whole", "--transaction", "1"], 10, "give --transaction and --from-log together"),
        (["--release", "whole", "--vector", "x", "--from-log", "y"], 10, "--transaction and --from-log together"),
        (["--release", "whole", "--transaction", "1", "--from-log", "absent"], 24, "not an export of decisions"),
        (["--release", "whole", "--vector", "x", "--top", "0"], 10, "--top is 0"),
    ],
)
def test_what_cannot_be_explained_ends_in_one_line(run, arguments, exit_code, message):
    """Each refusal has its exit code and says what to do."""
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (exit_code, "", 1)
    assert message in err


def bundle_of(made, folder, *, drop=(), manifest=None, **files):
    """Write a bundle like ``whole`` with other files or another manifest."""
    whole = verify_bundle(made[0] / "releases" / "whole", PUBLIC)
    kept = {path.name: path.read_bytes() for path in whole.path.iterdir() if not path.name.startswith("manifest.")}
    changed = {name: content for name, content in {**kept, **files}.items() if name not in drop}
    return write_bundle(folder, "other", changed, {**whole.manifest, **(manifest or {})}, SIGNING)


def test_a_bundle_without_trees_is_refused(made, tmp_path):
    """A release without trees says that it is too old to explain."""
    with pytest.raises(ReleaseError, match=r"has no trees\.json .* promote a newer candidate"):
        Explainer.of(bundle_of(made, tmp_path, drop=(TREES_FILE,)))


def test_another_feature_set_is_refused(made, tmp_path):
    """The vector of today's registry would mean something else to the model."""
    with pytest.raises(ReleaseError, match="needs feature set 0123, this code has"):
        Explainer.of(bundle_of(made, tmp_path, manifest={"feature_set": "0123"}))


def test_trees_of_another_model_are_refused(made, tmp_path):
    """Reasons must be of the model that serves: trees that give another margin explain nothing."""
    stump = Tree((0,), (100.0,), (False,), (-5.0, 5.0), (1.0, 1.0))
    other = Trees([stump], len(FEATURE_NAMES)).to_json().encode()
    explainer = Explainer.of(bundle_of(made, tmp_path, **{TREES_FILE: other}))
    with pytest.raises(ReleaseError, match="not of the model that serves"):
        explainer.explain(np.zeros(len(FEATURE_NAMES)))


def test_one_flipped_byte_is_refused(made, tmp_path):
    """A damaged bundle explains nothing and ends with exit code 40."""
    home = tmp_path / "home"
    path = bundle_of(made, home / "releases").path / TREES_FILE
    put_keys(home)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    code = main(["explain", "--release", "other", "--vector", "x"], {"ANTIFRAUD_HOME": str(home)})
    assert code == 40
