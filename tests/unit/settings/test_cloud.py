"""Settings of the compute target are refused before a cluster exists."""

import contextlib

import pytest

from antifraud.errors import SettingsError
from antifraud.settings.cloud import CloudSettings
from antifraud.settings.dags import DagSettings

CLUSTER = {
    "cloud_folder": "b1g",
    "cluster_subnets": "e9b",
    "cluster_account": "aje",
    "cluster_bucket": "jobs",
}


@pytest.mark.parametrize("missing", CLUSTER)
@pytest.mark.parametrize("target", ["dataproc", "managed_spark"])
def test_a_cloud_target_needs_what_its_cluster_is_made_of(target, missing):
    """Each property of a cluster that has no default is asked for by the name of its variable."""
    with pytest.raises(SettingsError, match=f"needs ANTIFRAUD_{missing.upper()}: "):
        CloudSettings(compute_target=target, **{**CLUSTER, missing: ""})


@pytest.mark.parametrize(("target", "expected"), [("local", False), ("standalone", False), ("dataproc", True)])
def test_only_targets_in_the_cloud_have_clusters_that_cost_money(target, expected):
    """A run gets a cluster of its own only in the cloud."""
    assert CloudSettings(compute_target=target, **CLUSTER).is_cloud is expected


@pytest.mark.parametrize("name", ["", "Production", "a_b", "9lives", "x" * 21])
def test_a_deployment_is_a_word_that_labels_can_hold(name):
    """Labels hold lower-case letters, digits and hyphens, and a cluster's name has room for 20 of them."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_DEPLOYMENT is no name for labels"):
        CloudSettings(deployment=name)


@pytest.mark.parametrize("target", ["local", "dataproc", "managed_spark"])
def test_a_zip_for_executors_is_refused_where_it_would_be_ignored(target):
    """The zip is for a standalone cluster; another target would silently do without it."""
    with pytest.raises(SettingsError, match="set ANTIFRAUD_COMPUTE_TARGET=standalone, or unset the zip"):
        DagSettings(compute_target=target, project_zip="antifraud.zip", **CLUSTER)


def test_code_lies_in_the_bucket_of_the_cluster():
    """Jobs, their environment and their settings lie below one folder of the bucket."""
    assert CloudSettings(**CLUSTER).code == "s3a://jobs/code"


@pytest.mark.parametrize(("lease", "is_refused"), [(299, True), (300, True), (301, False)])
def test_a_lease_longer_than_clocks_differ_is_needed_in_the_cloud(lease, is_refused):
    """A lease ends earlier by what clocks may differ, so a shorter one would be over before a cluster exists."""
    refused = pytest.raises(SettingsError, match="is over at once") if is_refused else contextlib.nullcontext()
    with refused:
        CloudSettings(compute_target="dataproc", cluster_lease_seconds=lease, **CLUSTER)
    CloudSettings(cluster_lease_seconds=lease)
