"""Train a candidate as of a day: downsampled rows from the cluster, CatBoost, calibration, files, MLflow.

    python -m jobs.train --as-of 2026-04-10

Only labels known at the end of the day count. The candidate lies in ``<home>/candidates/<day>/``; a day whose inputs
have not changed is not trained again.
"""

import datetime as dt
import tempfile
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from antifraud.evaluator import CALIBRATION_FILE, MODEL_FILE, Calibration, Evaluator
from antifraud.features import FEATURE_NAMES, feature_set_hash
from antifraud.settings import JobSettings
from antifraud.trees import TREES_FILE
from jobs.model import candidate as candidates
from jobs.model.calibration import fit_calibration
from jobs.model.dataset import count_by_status, downsample, kept_share, read_sample, write_sample
from jobs.model.export import cbm_bytes, onnx_bytes, trees_of
from jobs.model.fitting import PARAMETERS, Sample, fit
from jobs.model.golden import golden_json, golden_rows
from jobs.model.inputs import Inputs
from jobs.model.quality import ranking
from jobs.model.source import labelled_rows
from jobs.model.tracking import Registry
from jobs.model.windows import Windows, windows_of
from jobs.runtime import Stopwatch, day_parser, run_job

TRAINING_VERSION: Final = 2
"""Raise it when training on the same rows would give another model: candidates are then made anew."""


def train(spark: SparkSession, settings: JobSettings, as_of: dt.date) -> candidates.Candidate:
    """Make the candidate of a day, or keep the one that was made from the same inputs.

    Raises:
        MissingDay: A day of the windows has no features.
        UndefinedMetric: A window lacks frauds or legitimate rows.
    """
    windows = windows_of(settings, as_of)
    inputs = Inputs.of(settings, windows.spans, as_of)
    made_of = inputs.hash_with({"version": TRAINING_VERSION, "seed": settings.seed, **asdict(PARAMETERS)})
    target = candidates.candidate_path(settings, as_of)
    candidates.remove_unfinished(target.parent)
    present = candidates.find_candidate(target)
    if present and present.info["inputs"] == made_of:
        print(f"train {as_of}: candidate {present.id} is up to date, skipped")
        return present
    samples, sampling = _samples(spark, settings, inputs)
    files, metrics = _fit_files(samples, sampling["kept_share"], settings.seed)
    info = _describe(inputs, windows, settings.seed, {**sampling, "metrics": metrics})
    return candidates.write_candidate(
        target, files, {**info, "inputs": made_of, "id": candidates.candidate_id(as_of, files)}
    )


def _samples(spark: SparkSession, settings: JobSettings, inputs: Inputs) -> tuple[dict[str, Sample], dict[str, Any]]:
    """Train and select rows in memory, and how they were drawn; certify rows are never read here."""
    rows = labelled_rows(spark, inputs).where("window != 'certify'")
    counts = count_by_status(rows)
    share = kept_share(counts)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix="train-") as scratch:
        folder = Path(scratch) / "sample"
        write_sample(downsample(rows, share, settings.seed), folder)
        samples = {name: read_sample(folder, name, share) for name in ("train", "select")}
    return samples, {"kept_share": share, "counts": counts}


def _fit_files(samples: dict[str, Sample], share: float, seed: int) -> tuple[dict[str, bytes], dict[str, float]]:
    """Everything that belongs to the model, and its quality on the select window."""
    select = samples["select"]
    model = fit(samples["train"], select, seed)
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
    return files, {**ranking(select, margin), "trees": float(model.tree_count_)}


def _describe(inputs: Inputs, windows: Windows, seed: int, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "as_of": str(inputs.as_of),
        "windows": windows.to_dict(),
        "days": inputs.days,
        "features": list(FEATURE_NAMES),
        "feature_set": feature_set_hash(),
        "features_snapshot": inputs.features_snapshot,
        "seed": seed,
        "parameters": asdict(PARAMETERS),
        **found,
    }


def main(spark: SparkSession, settings: JobSettings, arguments: Namespace) -> None:
    """Train, then show the candidate in MLflow."""
    watch = Stopwatch()
    candidate = train(spark, settings, arguments.as_of)
    info = candidate.info
    params = {**info["parameters"], "seed": info["seed"], "kept_share": info["kept_share"], "as_of": info["as_of"]}
    run = Registry.connect(settings).record_candidate(candidate.id, candidate.path, params, info["metrics"])
    print(
        f"train {info['as_of']}: candidate {candidate.id}, {_figures(info['metrics'])}, MLflow run {run}, "
        f"{watch.seconds:.1f} s"
    )


def _figures(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))


if __name__ == "__main__":
    run_job("train", main, day_parser(__doc__, "--as-of"))
