"""Train a candidate as of a day: downsampled rows, a small search around the tuned CatBoost, calibration, MLflow.

    python -m jobs.train --as-of 2026-04-10

Only labels known at the end of the day count. The candidate lies in ``<home>/candidates/<day>/``. A day with unchanged
inputs is not trained again.
"""

from argparse import Namespace

from pyspark.sql import SparkSession

from antifraud.settings.core import JobSettings
from jobs.adapters.mlflow import Registry
from jobs.spark.runtime import Stopwatch, day_parser, run_job
from jobs.training.train import logged_metrics, train


def main(spark: SparkSession, settings: JobSettings, arguments: Namespace) -> None:
    """Train, then show the candidate in MLflow."""
    watch = Stopwatch()
    candidate = train(spark, settings, arguments.as_of)
    info = candidate.info
    params = {**info["parameters"], "seed": info["seed"], "kept_share": info["kept_share"], "as_of": info["as_of"]}
    run = Registry.connect(settings).record_candidate(candidate.id, candidate.path, params, logged_metrics(info))
    print(
        f"train {info['as_of']}: candidate {candidate.id}, {_figures(info['metrics'])}, MLflow run {run}, "
        f"{watch.seconds:.1f} s"
    )


def _figures(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))


if __name__ == "__main__":
    run_job("train", main, day_parser(__doc__, "--as-of"))
