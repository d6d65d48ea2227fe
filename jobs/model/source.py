"""Labelled feature rows of a run's windows, as Spark reads them."""

from pyspark.sql import DataFrame, SparkSession

from antifraud.lake import full_name
from antifraud.schemas import FEATURES
from jobs.labels import labels_as_of
from jobs.model.dataset import labelled
from jobs.model.inputs import Inputs


def labelled_rows(spark: SparkSession, inputs: Inputs) -> DataFrame:
    """`features` at the snapshot that `inputs` names, with what was known about each row at the end of its day."""
    features = spark.read.option("versionAsOf", inputs.features_snapshot).table(full_name(FEATURES))
    return labelled(features, labels_as_of(spark, inputs.as_of), inputs.spans)
