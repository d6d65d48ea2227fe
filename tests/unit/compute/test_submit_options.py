"""Targets without a cloud are options of ``spark-submit``: the standalone cluster's executors need the project, too."""

import sys
from pathlib import Path

import pytest

from antifraud.compute import local, standalone
from antifraud.settings.dags import DagSettings


def test_a_local_job_runs_with_the_jars_on_its_class_path():
    """The connection names the master, and the job imports the project from its folder."""
    settings = DagSettings(jars_dir=Path("/srv/jars"), driver_memory="3g")

    assert local.submit_options(settings, Path("/srv/antifraud")) == {
        "conn_id": "spark_local",
        "driver_memory": "3g",
        "conf": {"spark.driver.extraClassPath": "/srv/jars/*"},
        "env_vars": {"PYTHONPATH": "/srv/antifraud", "PYSPARK_PYTHON": sys.executable},
    }


@pytest.mark.parametrize("archive", [None, "/srv/antifraud.zip"])
def test_a_standalone_cluster_gets_the_zip_if_there_is_one(archive):
    """Executors that see the project's folder need no zip; everything else is as on one host."""
    settings = DagSettings(compute_target="standalone", project_zip=archive, spark_connection="spark_cluster")
    options = standalone.submit_options(settings, Path("/srv/antifraud"))

    assert (options.pop("py_files"), options["conn_id"]) == (archive, "spark_cluster")
    assert options == local.submit_options(settings, Path("/srv/antifraud"))
