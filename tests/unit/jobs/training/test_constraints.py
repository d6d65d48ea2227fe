"""Features that may only raise the risk are constrained, and no training contradicts them."""

import numpy as np
import pytest

from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator
from antifraud.settings.core import JobSettings
from jobs.rows.sample import Sample
from jobs.training import search, train
from jobs.training.constraints import rising_features
from jobs.training.fitting import Parameters

RISING = {f"terminal_fraud_{days}d" for days in (1, 7)} | {f"terminal_fraud_share_{days}d" for days in (1, 7)}
GRID = np.linspace(-3, 3, 61, dtype=np.float32)


def test_frauds_learnt_lately_rise_and_nothing_else_does():
    """Counts and shares of frauds learnt over a day and a week are constrained, and those of a month are not."""
    names = {FEATURE_NAMES[position] for position in rising_features()}
    assert names >= RISING
    assert not {"terminal_fraud_30d", "terminal_fraud_share_30d"} & names
    assert all(name.startswith("terminal_fraud") for name in names)


def against(rows, seed):
    """Return rows whose risk falls as any constrained feature rises, against the features' meaning."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(rows, len(FEATURE_NAMES))).astype(np.float32)
    pull = 1.5 * vectors[:, list(rising_features())].sum(axis=1) - 2 * vectors[:, 0]
    is_fraud = generator.random(rows) < 1 / (1 + np.exp(pull + 1))
    return Sample(vectors, is_fraud, generator.integers(10_000, 90_000, rows), np.ones(rows))


@pytest.mark.parametrize("constrained", [True, False])
def test_a_training_never_lets_the_risk_fall_with_them(constrained, monkeypatch):
    """Raising each constrained feature of 40 payments alone never lowers the exported model's risk.

    Without constraints the same training follows the data, and every such feature lowers the risk somewhere. Otherwise
    the constrained half of this test could not fail.
    """
    monkeypatch.setattr(search, "PARAMETERS", Parameters(iterations=60, depth=4, learning_rate=0.2))
    rising = rising_features()
    if not constrained:
        monkeypatch.setattr(train, "rising_features", lambda: ())
    samples = {"train": against(4_000, 1), "select": against(1_500, 2)}
    files, _ = train.fit_files(samples, 1.0, JobSettings(search_trials=1, baseline_rows=0))
    calibration = Calibration.from_json(files[CALIBRATION_FILE].decode())
    evaluator, payments = Evaluator(files[MODEL_FILE], calibration), against(40, 3).vectors
    for position in rising:
        raised = np.repeat(payments, GRID.size, axis=0)
        raised[:, position] = np.tile(GRID, len(payments))
        steps = np.diff(evaluator.score(raised).reshape(len(payments), GRID.size).astype(int), axis=1)
        assert (steps.min() < 0) == (not constrained), FEATURE_NAMES[position]
