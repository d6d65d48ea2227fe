"""The noise of a candidate: how much more the flagged rows of its certify days vary than independent ones would."""

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from antifraud.gate.history import History
from antifraud.killswitch.detectors.measuring import FEWEST_DAYS, DayCounts, measure_noise
from antifraud.killswitch.detectors.noise import Noise
from antifraud.stats.threshold import LegitBlocks, flagged_by_block


def noise_of(results: DataFrame, threshold: int, limit: float, history: History | None = None) -> Noise | None:
    """Return the noise at `threshold` (ppm); None if the certify window is too short or flags nothing.

    Args:
        results: Rows with `window`, `day`, `terminal`, `status` and `score` (ppm).
        threshold: Threshold of the release.
        limit: Limit of the false-positive rate.
        history: Days before training, which may raise the noise.
    """
    days = day_counts(results.where("window = 'certify' AND status = 'legitimate'"), threshold)
    flagged, rows = (sum(getattr(day, name) for day in days) for name in ("flagged", "rows"))
    if len(days) < FEWEST_DAYS or not 0 < flagged < rows:
        return None
    return measure_noise(days, limit, earlier_days(history, threshold) if history else ())


def day_counts(legitimate: DataFrame, threshold: int) -> list[DayCounts]:
    """Count legitimate rows by day, in the order of the days; a few numbers a day leave the cluster."""
    terminals = legitimate.groupBy(F.unix_date("day").alias("day"), "terminal").agg(
        F.count("*").alias("n"), F.count_if(F.col("score") > threshold).alias("k")
    )
    sums = [F.sum(F.expr(product)).alias(name) for name, product in _PRODUCTS.items()]
    found = terminals.groupBy("day").agg(*sums).orderBy("day").collect()
    return [
        # The sum of (k - share * n) ** 2 over terminals, multiplied out.
        DayCounts(row.day, row.n, row.k, row.kk - 2 * (row.k / row.n) * row.nk + (row.k / row.n) ** 2 * row.nn)
        for row in found
    ]


_PRODUCTS = {"n": "n", "k": "k", "nn": "n * n", "nk": "n * k", "kk": "k * k"}


def earlier_days(history: History, threshold: int) -> list[DayCounts]:
    """Return the sampled legitimate rows of the days before training."""
    table = history.table
    days = np.unique(table.day[table.legit > 0]).tolist()
    flagged, rows = flagged_by_block(LegitBlocks.of_days(table), threshold)
    counts = zip(days, rows.astype(int).tolist(), flagged.astype(int).tolist(), strict=True)
    return [DayCounts(*count) for count in counts if count[1]]
