"""Train a candidate as of a day: downsampled rows, a small search around the tuned CatBoost, calibration, MLflow."""

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.model.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator
from antifraud.model.trees import TREES_FILE
from antifraud.settings.core import JobSettings
from jobs.rows.dataset import count_by_status, downsample, kept_share, read_sample, require_values, write_sample
from jobs.rows.inputs import Inputs
from jobs.rows.sample import Sample
from jobs.rows.source import labelled_rows
from jobs.rows.windows import Windows, windows_of
from jobs.training import candidate as candidates
from jobs.training.baselines import baselines
from jobs.training.calibration import fit_calibration
from jobs.training.constraints import rising_features
from jobs.training.export import cbm_bytes, onnx_bytes, trees_of
from jobs.training.fitting import PARAMETERS
from jobs.training.golden import golden_json, golden_rows
from jobs.training.quality import ranking, risk_over_share
from jobs.training.search import Budget, choose

TRAINING_VERSION: Final = 3
"""Raise it when training on the same rows would give another model: candidates are then trained again."""


def train(spark: SparkSession, settings: JobSettings, as_of: dt.date) -> candidates.Candidate:
    """Make the candidate of a day, or keep the present one if it was made from the same inputs.

    Raises:
        MissingDay: A day of the windows has no features.
        NoFraud: A window has no fraud.
        OnlyFraud: A window has no legitimate row.
    """
    windows = windows_of(settings, as_of)
    inputs = Inputs.of(settings, windows.spans, as_of)
    made_of = inputs.hash_with(_recipe(settings))
    target = candidates.candidate_path(settings, as_of)
    candidates.remove_unfinished(target.parent)
    present = candidates.find_candidate(target)
    if present and present.info["inputs"] == made_of:
        print(f"train {as_of}: candidate {present.id} is up to date, skipped")
        return present
    samples, sampling = _samples(spark, settings, inputs)
    files, found = fit_files(samples, sampling["kept_share"], settings)
    info = _describe(inputs, windows, settings.seed, {**sampling, **found})
    return candidates.write_candidate(
        target, files, {**info, "inputs": made_of, "id": candidates.candidate_id(as_of, files)}
    )


def _recipe(settings: JobSettings) -> dict[str, Any]:
    """Return everything but the data that decides how the candidate comes out."""
    named = ("seed", "search_trials", "search_seconds", "baseline_rows")
    return {"version": TRAINING_VERSION, **asdict(PARAMETERS), **{name: getattr(settings, name) for name in named}}


def _samples(spark: SparkSession, settings: JobSettings, inputs: Inputs) -> tuple[dict[str, Sample], dict[str, Any]]:
    """Read train and select rows into memory, with how they were drawn; certify rows are never read here."""
    rows = labelled_rows(spark, inputs).where("window != 'certify'")
    counts = count_by_status(rows)
    share = kept_share(counts)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix="train-") as scratch:
        folder = Path(scratch) / "sample"
        write_sample(downsample(rows, share, settings.seed), folder)
        samples = {name: read_sample(folder, name, share) for name in ("train", "select")}
    for name, sample in samples.items():
        require_values(name, sample)
    return samples, {"kept_share": share, "counts": counts}


def fit_files(
    samples: dict[str, Sample], share: float, settings: JobSettings
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Fit the model and return its files, how it was found, and how it ranks on the select window."""
    train, select, seed = samples["train"], samples["select"], settings.seed
    budget = Budget(settings.search_trials, settings.search_seconds)
    choice = choose(train, select, seed, budget, rising_features())
    model = choice.best.model
    exported = onnx_bytes(model)
    margin = Evaluator(exported, Calibration(slope=1.0, intercept=0.0, log_odds_shift=0.0)).margin(select.vectors)
    calibration = fit_calibration(margin, select.is_fraud, select.weight, share)
    golden = golden_json(golden_rows(select, seed), Evaluator(exported, calibration))
    files = {
        MODEL_FILE: exported,
        CALIBRATION_FILE: calibration.to_json().encode(),
        candidates.CBM_FILE: cbm_bytes(model),
        TREES_FILE: trees_of(model).to_json().encode(),
        candidates.GOLDEN_FILE: golden.encode(),
    }
    figures, parameters = ranking(select, margin), choice.best.parameters
    beside = baselines(train, select, seed, settings.baseline_rows, parameters)
    level = {"select_risk_over_share": risk_over_share(select, calibration.log_odds(margin))}
    return files, {
        "parameters": asdict(parameters),
        "search": choice.record,
        "metrics": {f"select_{name}": value for name, value in figures.items()} | level | {"trees": model.tree_count_},
        "baselines": {"catboost": figures, **beside},
        "baseline_rows": min(settings.baseline_rows, train.is_fraud.size),
        "train_rows": train.is_fraud.size,
    }


def _describe(inputs: Inputs, windows: Windows, seed: int, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "as_of": str(inputs.as_of),
        "windows": windows.to_dict(),
        "days": inputs.days,
        "features": list(FEATURE_NAMES),
        "rising_features": [FEATURE_NAMES[position] for position in rising_features()],
        "feature_set": feature_set_hash(),
        "features_snapshot": inputs.features_snapshot,
        "labels_snapshot": inputs.labels_snapshot,
        "client_labels_snapshot": inputs.client_labels_snapshot,
        **({"decisions_snapshot": inputs.decisions_snapshot} if inputs.decisions_snapshot else {}),
        "seed": seed,
        **found,
    }


def logged_metrics(info: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics for MLflow: the candidate's figures, the baselines' figures, and the number of trials.

    >>> logged_metrics({"metrics": {"trees": 9}, "baselines": {"forest": {"auc": 0.9}}, "search": {"done": 2}})
    {'trees': 9.0, 'baseline_forest_auc': 0.9, 'search_trials': 2.0}
    """
    beside = {
        f"baseline_{model}_{name}": value
        for model, figures in info["baselines"].items()
        for name, value in figures.items()
        if model != "catboost"
    }
    found = {**info["metrics"], **beside, "search_trials": info["search"]["done"]}
    return {name: float(value) for name, value in found.items()}
