"""Hosts share candidates, reports and releases through one folder: what is missing or older is copied."""

import dataclasses
import os

import pytest

from antifraud.compute import shared_home
from antifraud.compute.shared_home import fetch, store
from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings


@pytest.fixture
def hosts(tmp_path):
    """Return the settings of two hosts with homes of their own and one shared home."""
    return [JobSettings(home=tmp_path / name, shared_home=str(tmp_path / "shared")) for name in ("cluster", "airflow")]


def write(settings, name, text, age=0):
    """Write a file of a home that is `age` seconds old."""
    path = settings.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    return path


def test_what_one_host_made_another_finds(hosts):
    """A report of the cluster is on Airflow's host after both have done their part; other folders stay."""
    cluster, airflow = hosts
    write(cluster, "reports/2026-02-03/report.json", "{}")
    write(cluster, "candidates/2026-02-03/model.cbm", "m")
    write(cluster, "lake/catalog.db", "c")

    assert store(cluster, ["candidates", "reports"]) == 2
    assert fetch(airflow, ["candidates", "reports"]) == 2
    assert (airflow.home / "reports/2026-02-03/report.json").read_text() == "{}"
    assert sorted(path.name for path in airflow.home.iterdir()) == ["candidates", "reports"]


def test_only_what_is_missing_or_older_is_copied(hosts):
    """A second copy finds nothing to do; a file that changed, with the same size too, is copied again."""
    cluster, _ = hosts
    write(cluster, "reports/a/report.json", "old", age=60)
    write(cluster, "reports/b/report.json", "same", age=60)
    assert store(cluster, ["reports"]) == 2
    assert store(cluster, ["reports"]) == 0
    later = write(cluster, "reports/a/report.json", "new")
    os.utime(later, (later.stat().st_mtime + 60,) * 2)

    assert store(cluster, ["reports"]) == 1


def test_locks_and_scratch_files_are_not_shared(hosts):
    """Hidden files belong to one host."""
    cluster, _ = hosts
    write(cluster, "releases/.lock", "")
    write(cluster, "releases/.r1-new/manifest.json", "{}")
    write(cluster, "releases/r1/manifest.json", "{}")

    assert store(cluster, ["releases"]) == 1


def test_a_pointer_follows_the_bundle_that_it_names(hosts, monkeypatch):
    """The pointer is copied last, so that no host sees a release before its files."""
    cluster, _ = hosts
    for name in ("releases/pointer.json", "releases/r1/manifest.json", "releases/zz/manifest.json"):
        write(cluster, name, "{}")
    copied = []
    monkeypatch.setattr(shared_home, "_copy_file", lambda source, _target: copied.append(source.name) is None)
    store(cluster, ["releases"])

    assert copied == ["manifest.json", "manifest.json", "pointer.json"]


def test_a_folder_that_nobody_made_is_empty(hosts):
    """Before the first promotion there is no release to fetch."""
    assert fetch(hosts[1], ["releases"]) == 0


def test_without_a_shared_home_the_message_says_what_to_set(hosts):
    """The job is only for hosts that share a folder."""
    alone = dataclasses.replace(hosts[0], shared_home=None)
    with pytest.raises(SettingsError, match="ANTIFRAUD_SHARED_HOME is not set"):
        store(alone, ["reports"])
