"""Error rates of a model by slice: by amount, by hour, and by the history of customer and terminal.

The gate judged the same scored certify rows. The cluster counts them, and only some dozens of rows leave it.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.figures import MINOR_UNITS
from antifraud.gate.report import SliceRates
from jobs.judging.scoring import SLICED

AMOUNT_EDGES: Final = (0, 50, 100, 220, 500, 1_000)
"""Starts of the amount bands, RUB; the last band is open."""
COUNTS: Final = ("legitimate", "false_positives", "frauds", "caught", "fraud_amount", "caught_amount")


def slices_of(results: DataFrame, threshold: int) -> tuple[SliceRates, ...]:
    """Return the rates of every slice of the certify rows at `threshold` (ppm)."""
    flagged = (F.col("score") > threshold).alias("flagged")
    rows = results.where("window = 'certify'").select("status", "amount_minor", *SLICED, flagged)
    return tuple(rates(row.asDict()) for row in slice_counts(rows).orderBy("slice", "place").collect())


def slice_counts(rows: DataFrame) -> DataFrame:
    """Return counts as (slice, place, value, `COUNTS`); amounts in minor units.

    Rows have the columns `status`, `amount_minor`, those of `SLICED`, and `flagged`, a boolean. A row has one value in
    every slice; `place` orders the values of a slice. Rows without a label are left out.
    """
    fraud, amount = F.col("status") == "fraud", F.col("amount_minor")
    caught = fraud & F.col("flagged")
    cells = rows.where("status != 'unknown'").select(
        F.array(*_memberships()).alias("memberships"),
        (~fraud).cast("bigint").alias("legitimate"),
        (~fraud & F.col("flagged")).cast("bigint").alias("false_positives"),
        fraud.cast("bigint").alias("frauds"),
        caught.cast("bigint").alias("caught"),
        F.when(fraud, amount).otherwise(0).alias("fraud_amount"),
        F.when(caught, amount).otherwise(0).alias("caught_amount"),
    )
    # Counting the few hundred combinations first means that only they are copied into one row for each slice.
    combined = cells.groupBy("memberships").agg(*(F.sum(name).alias(name) for name in COUNTS))
    single = combined.select(F.explode("memberships").alias("m"), *COUNTS).select("m.*", *COUNTS)
    return single.groupBy("slice", "place", "value").agg(*(F.sum(name).alias(name) for name in COUNTS))


def _memberships() -> list[Column]:
    """Return, for every slice, the value that a row has in it."""
    band, label = F.lit(0), F.lit(_band_names()[0])
    for place, (edge, name) in enumerate(zip(AMOUNT_EDGES, _band_names(), strict=True)):
        above = F.col("amount_minor") >= edge * MINOR_UNITS
        band, label = F.when(above, place).otherwise(band), F.when(above, F.lit(name)).otherwise(label)
    hour = F.col("hour").cast("int")
    return [
        _member("amount, RUB", band, label),
        _member("hour of day, UTC", hour, F.format_string("%02d", hour)),
        _either("customer", F.col("customer_30d_count") > 0, "seen in 30 days", "new: none in 30 days"),
        _either("terminal", F.col("terminal_fraud_30d") > 0, "fraud learnt in 30 days", "no fraud learnt"),
    ]


def _either(name: str, condition: Column, yes: str, no: str) -> Column:
    return _member(name, F.when(condition, 0).otherwise(1), F.when(condition, yes).otherwise(no))


def _member(name: str, place: Column, value: Column) -> Column:
    return F.struct(F.lit(name).alias("slice"), place.alias("place"), value.alias("value"))


def _band_names() -> list[str]:
    return [f"{low:,} to {high:,}" for low, high in pairwise(AMOUNT_EDGES)] + [f"{AMOUNT_EDGES[-1]:,} and more"]


def rates(counts: Mapping[str, Any]) -> SliceRates:
    """Return the counts of a slice with its rates; a rate of nothing is None.

    >>> found = rates({"slice": "customer", "place": 1, "value": "new", "legitimate": 200, "false_positives": 5,
    ...                "frauds": 4, "caught": 3, "fraud_amount": 1_000, "caught_amount": 900})
    >>> found.fpr, found.recall, found.value_recall
    (0.025, 0.75, 0.9)
    """
    return SliceRates(
        **{name: value for name, value in counts.items() if name != "place"},
        fpr=_share(counts["false_positives"], counts["legitimate"]),
        recall=_share(counts["caught"], counts["frauds"]),
        value_recall=_share(counts["caught_amount"], counts["fraud_amount"]),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
