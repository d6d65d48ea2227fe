"""Labelled feature rows of a run's windows, as Spark reads them."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.lake.schemas import FEATURES, GROUP
from jobs.publishing.tables import read_table
from jobs.rows.dataset import labelled
from jobs.rows.inputs import Inputs
from jobs.rows.labels import labels_as_of


def labelled_rows(spark: SparkSession, inputs: Inputs) -> DataFrame:
    """Return `features` with the labels known at the end of the run's day, both at the snapshots of `inputs`."""
    labels = labels_as_of(spark, inputs)
    return labelled(feature_rows(spark, inputs), labels, inputs.spans)


def feature_rows(spark: SparkSession, inputs: Inputs, condition: str = "true") -> DataFrame:
    """Return the rows of `features` that meet an SQL condition, at the snapshot of `inputs`.

    A snapshot from before terminals had groups has no such column, so it is null.
    """
    features = read_table(spark, FEATURES, condition, inputs.features_snapshot)
    if GROUP.name in features.columns:
        return features
    return features.withColumn(GROUP.name, F.lit(None).cast(GROUP.type))
