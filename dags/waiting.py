"""Sensors that several DAGs share."""

from airflow.sdk import task

from antifraud.lake.schemas import FEATURES
from dags import publication
from dags.shared import day_of_run, sensor, without_traceback


@task.sensor(task_id="features", **sensor(20))
@without_traceback
def wait_for_features(day: str) -> bool:
    """Return whether the lake has the features of a day."""
    return publication.is_published(FEATURES, day_of_run(day))
