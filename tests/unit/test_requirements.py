"""The groups of requirements repeat the bounds of requirements.txt, and the lock keeps them."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ["core.txt", "serving.txt", "shipper.txt", "client.txt"]


def requirements(path):
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


EVERYTHING = {r.name: r for r in requirements(ROOT / "requirements.txt")}
LOCKED = {r.name: r for r in requirements(ROOT / "requirements" / "lock.txt")}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_the_bounds_of_the_whole(group):
    """A group has the bounds of requirements.txt, so that no process gets a version that was not tested."""
    differing = [str(r) for r in requirements(ROOT / "requirements" / group) if str(EVERYTHING.get(r.name)) != str(r)]

    assert differing == []


def test_every_requirement_has_an_upper_bound():
    """Every requirement has an upper bound, so that no new major version arrives by itself."""
    unbounded = [str(r) for r in EVERYTHING.values() if not any(s.operator in {"<", "=="} for s in r.specifier)]

    assert unbounded == []


def test_the_lock_satisfies_every_requirement():
    """The lock has only versions that the requirements allow, and leaves pyspark-client out on purpose."""
    wanted = [r for r in EVERYTHING.values() if r.name != "pyspark-client"]
    wanted += requirements(ROOT / "requirements" / "dev.txt")
    stale = [str(r) for r in wanted if r.name not in LOCKED or not r.specifier.contains(version(r.name))]

    assert stale == []
    assert "pyspark-client" not in LOCKED


def test_the_lock_of_the_cloud_has_the_sdk_and_the_older_protobuf():
    """The cloud's SDK has a lock of its own within its bounds, because its protobuf is older than MLflow's."""
    cloud = {r.name: str(r.specifier) for r in requirements(ROOT / "requirements" / "cloud-lock.txt")}
    wanted = requirements(ROOT / "requirements" / "cloud.txt")

    assert [r.name for r in wanted if not r.specifier.contains(cloud[r.name].removeprefix("=="))] == []
    assert int(cloud["protobuf"].removeprefix("==").partition(".")[0]) < int(version("protobuf").partition(".")[0])


def version(name):
    (pinned,) = LOCKED[name].specifier
    return pinned.version


def test_the_scorers_group_is_light():
    """The scorer's group has no library of lake, training or orchestration."""
    heavy = {"apache-airflow", "pyspark", "mlflow", "evidently", "pandas", "catboost", "scikit-learn", "pyiceberg"}

    assert heavy.isdisjoint(r.name for r in requirements(ROOT / "requirements" / "serving.txt"))


def test_the_shippers_group_has_store_and_lake_and_nothing_of_requests_or_training():
    """The shipper needs neither Spark, nor a model, nor a web server."""
    names = {r.name for r in requirements(ROOT / "requirements" / "shipper.txt")}

    assert {"lmdb", "pyiceberg", "pyarrow", "psycopg2-binary", "s3fs"} <= names
    assert names.isdisjoint({"apache-airflow", "pyspark", "mlflow", "pandas", "catboost", "flask", "onnxruntime"})
