"""Labelled feature rows of the windows: joined and downsampled in Spark, read as NumPy arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.clock import Span
from antifraud.errors import DataError
from antifraud.features.registry import FEATURE_NAMES
from antifraud.model.evaluator import PARTS_PER_MILLION
from jobs.rows.ids import KEYS
from jobs.rows.sample import Sample
from jobs.rows.weights import population_weight

LEGIT_PER_FRAUD: Final = 20
"""Legitimate rows kept for each fraud of the train window; more rows cost time and do not change the ranking."""
Counts = dict[str, dict[str, int]]
WindowName = Literal["train", "select", "certify", "history"]
"""`history` are days before the train window that only the gate looks at (`jobs/rows/history.py`)."""
SAMPLED: Final = ("event_time", "transaction_id", "amount_minor", "is_fraud", "propensity")


def labelled(features: DataFrame, labels: DataFrame, spans: Mapping[str, Span]) -> DataFrame:
    """Return feature rows of the windows with `window` (its name), `status`, `propensity` and `delay`.

    A transaction without a label has status unknown; it never counts as legitimate. Labels may carry their propensity
    (see `jobs/rows/weights.py`); null, or no such column, means a propensity of 1. They may also carry their delay.
    """
    rows = features.withColumn("window", _window_of(F.col("day"), spans)).where(F.col("window").isNotNull())
    first, last = min(span.first for span in spans.values()), max(span.last for span in spans.values())
    chance = F.col("propensity") if "propensity" in labels.columns else F.lit(1.0)
    delay = F.col("delay") if "delay" in labels.columns else F.lit(None).cast("int")
    said = labels.where(F.col("day").between(F.lit(first), F.lit(last))).select(
        *KEYS, "status", chance.alias("propensity"), delay.alias("delay")
    )
    filled = {"status": F.coalesce("status", F.lit("unknown")), "propensity": F.coalesce("propensity", F.lit(1.0))}
    return rows.join(said, list(KEYS), "left").withColumns(filled)


def _window_of(day: Column, spans: Mapping[str, Span]) -> Column:
    names = [F.when(day.between(F.lit(span.first), F.lit(span.last)), F.lit(name)) for name, span in spans.items()]
    return F.coalesce(*names)


def count_by_status(rows: DataFrame) -> Counts:
    """Count rows of each window by status, such as ``{"train": {"fraud": 10, "legitimate": 500, "unknown": 0}}``."""
    counts: Counts = {}
    for row in rows.groupBy("window", "status").count().collect():
        counts.setdefault(row["window"], {"fraud": 0, "legitimate": 0, "unknown": 0})[row["status"]] = row["count"]
    return counts


def kept_share(counts: Counts) -> float:
    """Return the share of legitimate rows to train on, a multiple of one part per million.

    >>> kept_share({"train": {"fraud": 10, "legitimate": 1_000, "unknown": 5}})
    0.2
    >>> kept_share({"train": {"fraud": 10, "legitimate": 90, "unknown": 5}})
    1.0
    """
    train = counts["train"]
    wanted = LEGIT_PER_FRAUD * train["fraud"] / max(train["legitimate"], 1)
    return max(round(min(wanted, 1.0) * PARTS_PER_MILLION), 1) / PARTS_PER_MILLION


def downsample(rows: DataFrame, share: float, seed: int) -> DataFrame:
    """Keep all frauds and `share` of the legitimate rows; unknown rows are left out.

    Whether a row is kept depends on its day, its transaction id and the seed alone, so a re-run keeps the same rows
    whatever the partitioning.
    """
    drawn = (F.col("status") == "legitimate") & is_drawn(share, seed)
    return rows.where((F.col("status") == "fraud") | drawn)


def is_drawn(share: float, seed: int) -> Column:
    """Return whether a row with `KEYS` is among a share of all rows; `downsample` says what it depends on."""
    lot = F.pmod(F.xxhash64(*KEYS, F.lit(seed)), F.lit(PARTS_PER_MILLION))
    return lot < round(share * PARTS_PER_MILLION)


def write_sample(rows: DataFrame, folder: Path) -> None:
    """Write Parquet for `read_sample`, one folder a window, with features in the single precision of the models."""
    marked = rows.withColumn("is_fraud", F.col("status") == "fraud")
    features = (F.col(name).cast("float").alias(name) for name in FEATURE_NAMES)
    marked.select("window", *SAMPLED, *features).write.partitionBy("window").parquet(str(folder))


def read_sample(folder: Path, window: WindowName, share: float) -> Sample:
    """Read rows of one window in the order (time, transaction id); legitimate rows weigh ``1 / share``.

    Features are read one at a time into the matrix, so memory holds it once and not again as a table.

    Raises:
        DataError: A propensity is not a usable chance.
    """
    source = folder / f"window={window}"
    keys = pq.read_table(source, columns=list(SAMPLED)) if source.exists() else _no_rows()
    order = np.lexsort((keys["transaction_id"].to_numpy(), keys["event_time"].to_numpy()))
    is_fraud, amount, propensity = (keys[name].to_numpy()[order] for name in ("is_fraud", "amount_minor", "propensity"))
    weight = population_weight(is_fraud, propensity, share)
    del keys
    return Sample(_vectors(source, order), is_fraud, amount, weight, propensity if (propensity < 1).any() else None)


def _vectors(source: Path, order: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    vectors = np.empty((order.size, len(FEATURE_NAMES)), np.float32, order="F")
    for position, name in enumerate(FEATURE_NAMES if order.size else ()):
        vectors[:, position] = pq.read_table(source, columns=[name])[name].to_numpy()[order]
    return vectors


def _no_rows() -> pa.Table:
    types = dict.fromkeys(SAMPLED, pa.int64()) | {"is_fraud": pa.bool_(), "propensity": pa.float64()}
    return pa.schema(list(types.items())).empty_table()


def require_values(window: str, sample: Sample) -> None:
    """Refuse a window in which a feature never has a value.

    Raises:
        DataError: A feature is null in all rows; the message names it.
    """
    columns = zip(FEATURE_NAMES, sample.vectors.T, strict=True)
    if empty := [name for name, column in columns if np.isnan(column).all()]:
        raise DataError(
            f"in the {window} window {', '.join(empty)} has no value in any of {sample.is_fraud.size} rows, expected "
            "some: check jobs/features.py and the state of these days, publish them again, then train"
        )
