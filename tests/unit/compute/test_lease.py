"""A lease is made from a run's data alone, and its end is read the same by every clock."""

import re

import pytest

from antifraud.compute.lease import Lease, ends_at, lease_from
from antifraud.settings.cloud import CloudSettings

SETTINGS = CloudSettings(cluster_lease_seconds=3_600, cluster_clocks_apart_seconds=60)
RUN = "scheduled__2026-02-03T00:00:00+00:00"
LEASE = Lease("prototype", "lake", RUN, 10_000)


def test_a_lease_ends_earlier_by_what_clocks_may_differ():
    """An hour from second 1,000, less the minute by which another clock may be behind."""
    assert lease_from(SETTINGS, "lake", RUN, 1_000) == Lease("prototype", "lake", RUN, 1_000 + 3_600 - 60)


def test_labels_and_name_are_those_that_the_cloud_accepts():
    """Keys and values of labels and the name follow the patterns of the cloud's protocol, whatever the run's id is."""
    for dag, run in (("lake", RUN), ("a_b", "manual__Ω +/")):
        lease = Lease("prototype", dag, run, 10_000)
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])", lease.name)
        for key, value in lease.labels.items():
            assert re.fullmatch(r"[a-z][-_./\\@0-9a-z]{1,62}", key)
            assert re.fullmatch(r"[-_./\\@0-9a-z]{0,63}", value)


def test_every_attempt_of_a_run_has_one_name_and_every_run_another():
    """The name depends on deployment, DAG and run, and not on the end of the lease."""
    same = Lease("prototype", "lake", RUN, 99)
    others = [
        Lease("production", "lake", RUN, 0),
        Lease("prototype", "retrain", RUN, 0),
        Lease("prototype", "lake", "x", 0),
    ]
    assert same.name == LEASE.name
    assert len({LEASE.name, *(other.name for other in others)}) == 4


def test_a_key_is_the_same_for_the_same_call_only():
    """A UUID of version 5 that changes with the run, the lease and the call."""
    assert LEASE.key("cluster", 0) == "7406ff46-4c09-537b-bb2a-211d1119a9c8"
    assert LEASE.key("cluster", 1) != LEASE.key("cluster", 0)
    assert Lease("prototype", "lake", RUN, 10_001).key("cluster", 0) != LEASE.key("cluster", 0)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("9000", 9_000),
        ("9660", 9_660),
        ("9661", 9_660),
        ("", 9_660),
        ("soon", 9_660),
        ("-5", 9_660),
        ("٩", 9_660),
        ("0", 0),
    ],
)
def test_the_end_of_a_lease_is_its_label_if_somebody_can_have_meant_it(label, expected):
    """Created at 6,000, a cluster lives until its label says so, but at most an hour and the minute of the clocks."""
    assert ends_at({"antifraud-until": label}, 6_000, SETTINGS) == expected


@pytest.mark.parametrize("behind", [-3_600, 3_600])
def test_clocks_an_hour_apart_end_no_lease_early_if_the_settings_say_so(behind):
    """With an hour in the settings, the cloud's clock may be an hour off and the label still counts."""
    settings = CloudSettings(cluster_lease_seconds=14_400, cluster_clocks_apart_seconds=3_600)
    lease = lease_from(settings, "lake", RUN, 100_000)

    assert lease.until == 110_800
    assert ends_at(lease.labels, 100_000 - behind, settings) == 110_800


@pytest.mark.parametrize(("until", "expected"), [("10001", True), ("10000", False), ("9999", False), ("soon", False)])
def test_a_lease_knows_that_another_ends_later(until, expected):
    """Only a number beyond its own end is a later lease."""
    assert LEASE.is_before({"antifraud-until": until}) is expected


def test_a_label_that_somebody_added_changes_no_lease():
    """A lease holds a cluster with its three labels, whatever else is there."""
    assert LEASE.holds(LEASE.labels | {"cost-centre": "7"})
    assert not LEASE.holds(LEASE.labels | {"antifraud-until": "1"})
    assert not LEASE.holds({})
