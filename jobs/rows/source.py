"""Labelled feature rows of a run's windows, with what was decided about them, as Spark reads them."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.gate.identified import FlaggedDay
from antifraud.lake.schemas import FEATURES, GROUP
from jobs.publishing.tables import read_table
from jobs.rows.dataset import labelled
from jobs.rows.decisions import count_flagged, decisions_of, weigh_rows
from jobs.rows.inputs import Inputs
from jobs.rows.labels import all_labels, labels_as_of, latest


def labelled_rows(spark: SparkSession, inputs: Inputs, flagged: Sequence[FlaggedDay] | None = None) -> DataFrame:
    """Return `features` with the labels known at the end of the run's day, both at the snapshots of `inputs`.

    If days of the windows were served, rows are weighed as `weigh_rows` does. `flagged` is what `flagged_days` gives;
    None: it is looked up.
    """
    rows = labelled(feature_rows(spark, inputs), labels_as_of(spark, inputs), inputs.spans)
    if not inputs.decisions_snapshot:
        return rows
    days = flagged_days(spark, inputs) if flagged is None else flagged
    return weigh_rows(rows, decisions_of(spark, inputs, _days_of(inputs)), days)


def flagged_days(spark: SparkSession, inputs: Inputs) -> list[FlaggedDay]:
    """Return what is known of the flagged payments of each served day of the windows; none if no day was served."""
    if not inputs.decisions_snapshot:
        return []
    condition = _days_of(inputs)
    labels = latest(all_labels(spark, inputs, condition), inputs.as_of)
    return count_flagged(decisions_of(spark, inputs, condition), labels, feature_rows(spark, inputs, condition))


def feature_rows(spark: SparkSession, inputs: Inputs, condition: str = "true") -> DataFrame:
    """Return the rows of `features` that meet an SQL condition, at the snapshot of `inputs`.

    A snapshot from before terminals had groups has no such column, so it is null.
    """
    features = read_table(spark, FEATURES, condition, inputs.features_snapshot)
    if GROUP.name in features.columns:
        return features
    return features.withColumn(GROUP.name, F.lit(None).cast(GROUP.type))


def _days_of(inputs: Inputs) -> str:
    """Return an SQL condition for the days from the first to the last window."""
    first, last = min(span.first for span in inputs.spans.values()), max(span.last for span in inputs.spans.values())
    return f"day BETWEEN DATE '{first}' AND DATE '{last}'"
