"""Labelled feature rows of the windows: joined and downsampled in Spark, read as NumPy arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.evaluator import PARTS_PER_MILLION
from antifraud.features import FEATURE_NAMES
from jobs.model.fitting import Sample
from jobs.model.vectors import vectors_of
from jobs.model.windows import Span

LEGIT_PER_FRAUD: Final = 20
"""Legitimate rows kept for each fraud of the train window; more cost time and no longer change the ranking."""
Counts = dict[str, dict[str, int]]
WindowName = Literal["train", "select", "certify"]
SAMPLED: Final = ("event_time", "transaction_id", "amount_minor", "is_fraud")
KEYS: Final = ("day", "transaction_id")


def labelled(features: DataFrame, labels: DataFrame, spans: Mapping[str, Span]) -> DataFrame:
    """Feature rows of the windows with `window` (its name) and `status` (fraud, legitimate or unknown).

    A transaction without a label is unknown; it is never taken for legitimate.
    """
    rows = features.withColumn("window", _window_of(F.col("day"), spans)).where(F.col("window").isNotNull())
    first, last = min(span.first for span in spans.values()), max(span.last for span in spans.values())
    said = labels.where(F.col("day").between(F.lit(first), F.lit(last))).select(*KEYS, "status")
    return rows.join(said, list(KEYS), "left").withColumn("status", F.coalesce("status", F.lit("unknown")))


def _window_of(day: Column, spans: Mapping[str, Span]) -> Column:
    names = [F.when(day.between(F.lit(span.first), F.lit(span.last)), F.lit(name)) for name, span in spans.items()]
    return F.coalesce(*names)


def count_by_status(rows: DataFrame) -> Counts:
    """Rows of each window by status, such as ``{"train": {"fraud": 10, "legitimate": 500, "unknown": 0}}``."""
    counts: Counts = {}
    for row in rows.groupBy("window", "status").count().collect():
        counts.setdefault(row["window"], {"fraud": 0, "legitimate": 0, "unknown": 0})[row["status"]] = row["count"]
    return counts


def kept_share(counts: Counts) -> float:
    """Share of legitimate rows to train on, a multiple of one part per million.

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

    Whether a row is kept depends on its transaction id and the seed alone, so a re-run keeps the same rows whatever
    the partitioning.
    """
    lot = F.pmod(F.xxhash64("transaction_id", F.lit(seed)), F.lit(PARTS_PER_MILLION))
    drawn = (F.col("status") == "legitimate") & (lot < round(share * PARTS_PER_MILLION))
    return rows.where((F.col("status") == "fraud") | drawn)


def write_sample(rows: DataFrame, folder: Path) -> None:
    """Write what `read_sample` needs as Parquet, one folder a window."""
    marked = rows.withColumn("is_fraud", F.col("status") == "fraud")
    marked.select("window", *SAMPLED, *FEATURE_NAMES).write.partitionBy("window").parquet(str(folder))


def read_sample(folder: Path, window: WindowName, share: float) -> Sample:
    """Rows of one window in the order (time, transaction id); legitimate ones weigh ``1 / share``."""
    source = folder / f"window={window}"
    table = pq.read_table(source, columns=[*SAMPLED, *FEATURE_NAMES]) if source.exists() else _no_rows()
    order = np.lexsort((table["transaction_id"].to_numpy(), table["event_time"].to_numpy()))
    is_fraud = table["is_fraud"].to_numpy()[order]
    weight = np.where(is_fraud, 1.0, 1.0 / share)
    return Sample(vectors_of(table)[order], is_fraud, table["amount_minor"].to_numpy()[order], weight)


def _no_rows() -> pa.Table:
    whole = {name: pa.bool_() if name == "is_fraud" else pa.int64() for name in SAMPLED}
    types = whole | dict.fromkeys(FEATURE_NAMES, pa.float64())
    return pa.schema(list(types.items())).empty_table()
