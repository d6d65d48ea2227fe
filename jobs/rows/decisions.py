"""Join the lake's transactions with the scorer's decisions, and tell which labels depend on these.

A day that was never served has no decisions, and its rows stay as they are. Weights make the payments that a control
share let through stand for the blocked ones (`antifraud/gate/identified.py`, `jobs/rows/weights.py`).
"""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.gate.identified import FlaggedDay, LabelSource
from antifraud.lake.shipped_tables import DECISIONS
from antifraud.model.evaluator import PARTS_PER_MILLION
from jobs.publishing.tables import read_table
from jobs.rows.ids import KEYS, with_lake_ids
from jobs.rows.inputs import Inputs

WAS_FLAGGED: Final = "was_flagged"
"""Column of served rows: whether model or rules flagged the payment, let through or not."""
STANDS_FOR: Final = "stands_for"
"""Column of `repeat_rows`: rows that the original stands for, itself included."""


def decisions_of(spark: SparkSession, inputs: Inputs, condition: str = "true") -> DataFrame:
    """Return `KEYS`, `would_flag`, `blocked` and `chance` of the lake's decided transactions.

    `chance` is the probability that the payment was not blocked. If two stores have decided one transaction, it counts
    as blocked if one of them blocked it.
    """
    rows = with_lake_ids(read_table(spark, DECISIONS, condition, inputs.decisions_snapshot), inputs.id_scope)
    return rows.groupBy(*KEYS).agg(
        F.max("would_flag").alias("would_flag"), F.max("flagged").alias("blocked"), F.min("propensity").alias("chance")
    )


def count_flagged(decided: DataFrame, labels: DataFrame, features: DataFrame) -> list[FlaggedDay]:
    """Count the flagged payments of each day that has any, and the labels that tell about them.

    Args:
        decided: Rows as `decisions_of` gives them.
        labels: Rows with `KEYS`, `status` and `propensity`.
        features: Rows with `KEYS`; a payment that is not among them is never judged.
    """
    flagged = decided.where((F.col("blocked") | (F.col("chance") < 1)) & _is_of_the_model())
    said = labels.where("status != 'unknown'").select(*KEYS, "propensity")
    known = said.join(features.select(*KEYS), list(KEYS), "left_semi")
    rows = flagged.join(known, list(KEYS), "left")
    blocked, has_label, own = F.col("blocked"), F.col("propensity").isNotNull(), F.col("propensity")
    sampled, let_through = blocked & (own < 1), ~blocked & has_label
    counts = {
        "blocked": F.count_if(blocked),
        "certain": F.count_if(blocked & (own == 1)),
        "sampled": F.count_if(sampled),
        "sampled_for": F.coalesce(F.sum(F.when(sampled, 1 / own)), F.lit(0.0)),
        "chanceless": F.count_if(blocked & (F.col("chance") == 0)),
        "passed": F.count_if(~blocked),
        "labelled": F.count_if(let_through),
        "labelled_for": F.coalesce(F.sum(F.when(let_through, 1 / (own * F.col("chance")))), F.lit(0.0)),
    }
    found = rows.groupBy("day").agg(*(column.alias(name) for name, column in counts.items()))
    found = found.join(decided.groupBy("day").agg(F.count("*").alias("decided")), "day").orderBy("day")
    return [FlaggedDay(**row.asDict()) for row in found.collect()]


def weigh_rows(rows: DataFrame, decided: DataFrame, flagged: Sequence[FlaggedDay]) -> DataFrame:
    """Add what was decided about labelled rows, and let labels count only where they do not depend on our own flag.

    Rows gain `would_flag`, `blocked` and `chance` (null if never decided) and `WAS_FLAGGED`. `propensity` becomes the
    chance with which the row got its label. In the train window all labels count. In other windows blocked payments
    count only by the source of their day. Blocked payments that other rows stand for are left out.
    """
    joined = rows.join(decided, list(KEYS), "left")
    blocked = F.coalesce("blocked", F.lit(False))
    let_through = ~blocked & (F.coalesce("chance", F.lit(1.0)) < 1)
    all_known, sampled = (_is_day_of(flagged, source) for source in (LabelSource.ALL, LabelSource.SAMPLE))
    counts = F.when(all_known, _is_of_the_model()).when(sampled, F.col("propensity") < 1).otherwise(F.lit(False))
    hidden = blocked & ~counts & (F.col("window") != "train")
    stood_for = hidden & _is_of_the_model() & ~all_known & (sampled | (F.col("chance") > 0))
    by_control = let_through & ~((all_known | sampled) & (F.col("window") != "train"))
    own = F.col("propensity")
    return joined.where(~stood_for).withColumns(
        {
            "status": F.when(hidden, F.lit("unknown")).otherwise(F.col("status")),
            "propensity": F.when(by_control, own * F.col("chance")).otherwise(own),
            WAS_FLAGGED: blocked | let_through,
        }
    )


def _is_of_the_model() -> Column:
    """Return whether the model has a say: a payment that rules alone block, and never let through, is none of its."""
    return F.col("would_flag") | (F.col("chance") > 0)


def _is_day_of(flagged: Sequence[FlaggedDay], source: LabelSource) -> Column:
    days = [F.lit(each.day) for each in flagged if each.source is source]
    return F.col("day").isin(*days) if days else F.lit(False)


def repeat_rows(rows: DataFrame) -> DataFrame:
    """Repeat each flagged row with a label as often as it stands for, so that counts are those of all payments.

    ``1 / propensity`` is rounded up or down by chance, so that it is right on average. The chance depends on day and
    transaction id alone. Rows that were never served stay as they are.
    """
    if WAS_FLAGGED not in rows.columns:
        return rows
    wanted = F.when(F.col(WAS_FLAGGED) & (F.col("status") != "unknown"), 1 / F.col("propensity")).otherwise(1.0)
    lot = F.pmod(F.xxhash64(*KEYS, F.lit(STANDS_FOR)), F.lit(PARTS_PER_MILLION)) / PARTS_PER_MILLION
    often = F.floor(wanted + lot).cast("int")
    repeated = rows.withColumn(STANDS_FOR, often).withColumn("copy", F.explode(F.sequence(F.lit(1), STANDS_FOR)))
    return repeated.drop("copy")
