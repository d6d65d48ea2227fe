"""The project's DAGs, parsed as Airflow parses them, without a database."""

import os
import tempfile
import warnings
from pathlib import Path

import pytest

# Airflow reads its home when it is first imported.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

DAGS_FOLDER = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="session")
def dag_bag():
    """Return all DAG files of the project; the bag keeps their import errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the providers themselves warn
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(DAGS_FOLDER, collect_dags=True)


@pytest.fixture(scope="session")
def dags(dag_bag):
    """Return the DAGs by id."""
    return dag_bag.dags
