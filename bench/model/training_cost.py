"""Measure time and memory of training on ten million rows, from the Parquet sample to the fitted trees.

    make bench-training

The code is that of production. Rows are made up: with the marginal distributions of real features, their missing
values, and as many frauds as downsampling leaves. Drawing the sample on the cluster is not measured. The peak of memory
is that of this process, which holds CatBoost's threads too.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from antifraud.features.registry import FEATURE_NAMES, REGISTRY, Feature
from bench.record import KIB_IN_GIB, record
from jobs.rows.dataset import LEGIT_PER_FRAUD, read_sample
from jobs.spark.runtime import Stopwatch
from jobs.training.constraints import rising_features
from jobs.training.fitting import PARAMETERS, fit

COMMAND: Final = "make bench-training"
FILE_ROWS: Final = 500_000
SELECT_PART: Final = 10
"""The select window has a tenth of the train window's rows."""
MISSING: Final = 0.08
PEAK_LIMIT_GB: Final = 8.0
Floats = npt.NDArray[np.float32]
Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]

DRAWS: Final[dict[str, Draw]] = {
    "RUB": lambda g, n: np.round(g.lognormal(4, 0.8, n), 2),
    "hour, UTC": lambda g, n: g.integers(0, 24, n).astype(float),
    "0 or 1": lambda g, n: (g.random(n) < 0.3).astype(float),
    "transactions": lambda g, n: g.poisson(g.exponential(6, n)).astype(float),
    "ratio": lambda g, n: g.lognormal(0, 0.7, n),
    "sd": lambda g, n: g.normal(0, 1.2, n),
    "seconds": lambda g, n: np.floor(g.exponential(40_000, n)),
    "share": lambda g, n: (g.poisson(0.2, n) + 1) / (g.poisson(60, n) + 50),
}


def feature_values(feature: Feature, generator: np.random.Generator, rows: int) -> Floats:
    """Draw values ``(rows,)`` of a feature by its unit; units without a distribution of their own count as ratios."""
    draw = DRAWS.get(feature.unit, DRAWS["ratio"])
    values: Floats = draw(generator, rows).astype(np.float32)
    if feature.null:
        values[generator.random(rows) < MISSING] = np.nan
    return values


def write_rows(folder: Path, rows: int, seed: int) -> None:
    """Write a window's sample as Parquet files; one row in `LEGIT_PER_FRAUD` + 1 is fraud, risky ones more often."""
    folder.mkdir(parents=True)
    for number, first in enumerate(range(0, rows, FILE_ROWS)):
        generator, size = np.random.default_rng([seed, number]), min(FILE_ROWS, rows - first)
        values = {feature.name: feature_values(feature, generator, size) for feature in REGISTRY}
        risk = np.log1p(values["amount"]) + 60 * values["terminal_fraud_share_7d"] + generator.gumbel(size=size)
        keys = {
            "event_time": generator.integers(0, 28 * 86_400, size),
            "transaction_id": np.arange(first, first + size),
            "amount_minor": (100 * values["amount"]).astype(np.int64),
            "is_fraud": risk > np.quantile(risk, 1 - 1 / (LEGIT_PER_FRAUD + 1)),
            "propensity": np.ones(size),
        }
        columns = {name: pa.array(column, from_pandas=True) for name, column in values.items()}
        pq.write_table(pa.table(keys | columns), folder / f"{number:03}.parquet")


def train(folder: Path, trees: int) -> tuple[float, float, float]:
    """Train; return minutes of reading and of fitting, and the peak of memory in GiB."""
    watch = Stopwatch()
    share = 1 / LEGIT_PER_FRAUD
    samples = [read_sample(folder, name, share) for name in ("train", "select")]
    read = watch.seconds
    fit(samples[0], samples[1], 1, replace(PARAMETERS, iterations=trees), rising_features())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_GIB
    return read / 60, (watch.seconds - read) / 60, peak


def main(arguments: argparse.Namespace) -> int:
    """Write, train and record; return 1 if memory went over its limit."""
    with tempfile.TemporaryDirectory(prefix="training-") as scratch:
        write_rows(Path(scratch) / "window=train", arguments.rows, 1)
        write_rows(Path(scratch) / "window=select", arguments.rows // SELECT_PART, 2)
        read, fitted, peak = train(Path(scratch), arguments.trees)
    beside = (
        f"{arguments.rows:,} train rows of {len(FEATURE_NAMES)} features, {arguments.trees} trees of depth "
        f"{PARAMETERS.depth}; reading {read:.2f}, fitting {fitted:.2f} minutes"
    )
    record("model.train_10m_minutes", read + fitted, "minutes", COMMAND, baseline=beside)
    record("model.train_10m_peak_gb", peak, "GB", COMMAND, baseline=beside)
    return int(peak > PEAK_LIMIT_GB)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--trees", type=int, default=100, help="fewer than a night's, so that it ends in minutes")
    sys.exit(main(parser.parse_args()))
