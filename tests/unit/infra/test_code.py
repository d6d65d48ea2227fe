"""The code of a cluster's jobs is uploaded whole, and the environment's archive has Python and jars."""

import json
import tarfile
import zipfile

import pytest

from antifraud.errors import SettingsError
from infra.cluster.archive import ROOT, write_environment_archive
from infra.cluster.code import upload_code


@pytest.fixture
def environment(tmp_path):
    """Return a folder that looks like an environment of Python with a jar and a cache."""
    folder = tmp_path / "environment"
    for name in ("bin/python", "jars/a.jar", "lib/x.py", "lib/__pycache__/x.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_everything_that_a_job_names_is_uploaded(tmp_path, environment):
    """Entry point, zip, settings and environment lie in one folder, under the names that jobs ask for."""
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    upload_code(bucket, {"environment": {"A": "b"}}, environment)

    found = sorted(path.name for path in bucket.iterdir())
    assert found == ["antifraud.zip", "cluster.json", "environment.tar.gz", "on_cluster.py"]
    assert json.loads((bucket / "cluster.json").read_text()) == {"environment": {"A": "b"}}
    assert (bucket / "on_cluster.py").read_bytes() == (ROOT / "jobs" / "on_cluster.py").read_bytes()
    assert {"antifraud/compute/lease.py", "jobs/day.py"} <= set(zipfile.ZipFile(bucket / "antifraud.zip").namelist())


def test_an_archive_has_the_environment_without_caches(tmp_path, environment):
    """Unpacked beside a job, it has ``bin/python`` and the jars."""
    write_environment_archive(environment, tmp_path / "e.tar.gz")
    with tarfile.open(tmp_path / "e.tar.gz") as archive:
        files = sorted(member.name for member in archive if member.isfile())

    assert files == ["./bin/python", "./jars/a.jar", "./lib/x.py"]


def test_a_folder_without_jars_is_no_environment(tmp_path, environment):
    """A job would fail on every host, so the archive is refused before it is uploaded."""
    (environment / "jars" / "a.jar").unlink()
    with pytest.raises(SettingsError, match="is no Python environment with jars: make it with `make spark35`"):
        write_environment_archive(environment, tmp_path / "e.tar.gz")
