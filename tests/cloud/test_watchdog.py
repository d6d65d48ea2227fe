"""The watchdog deletes what outlived its lease, whatever the clocks say, and nothing else."""

import time

import pytest


def cluster(cloud, name, labels, age=0):
    """Return a running cluster that is `age` seconds old, by its id."""
    known = {"name": name, "labels": labels, "status": "RUNNING", "created": time.time() - age, "gone": None}
    return {f"c-{name}": known | {"target": cloud.target, "folder": "b1gfolder"}}


def labelled(until, deployment="prototype"):
    """Return labels of a lease that ends so many seconds from now."""
    end = str(int(time.time()) + until) if isinstance(until, int) else until
    return {"antifraud-deployment": deployment, "antifraud-run": "0123456789", "antifraud-until": end}


def _says(cloud, text):
    """Return what a sweep says that found something of the chosen service alone."""
    nothing = "0 clusters, none of them after its lease"
    found = {"dataproc": nothing, "managed_spark": nothing, cloud.target: text}
    return "; ".join(f"{target}: {each}" for target, each in found.items())


def test_only_what_outlived_its_lease_is_deleted(cloud):
    """Only one of four clusters goes, ours after its lease. The money saved is told by the hour and by the month."""
    ours = cluster(cloud, "over", labelled(-5_400)) | cluster(cloud, "in-time", labelled(600))
    theirs = cluster(cloud, "of-production", labelled(-60, "production")) | cluster(cloud, "of-a-person", {})
    cloud.put(ours | theirs)
    code, said = cloud.step("sweep", {})

    assert (code, said["done"]) == (0, False)
    assert said["says"] == _says(
        cloud, "over, 1.5 h after its lease: being deleted; saves 103 RUB an hour, 75,190 RUB a month"
    )
    assert cloud.until_done("sweep", {})[1]["says"] == _says(cloud, "1 clusters, none of them after its lease")
    assert sorted(each["name"] for each in cloud.alive().values()) == ["in-time", "of-a-person", "of-production"]


@pytest.mark.parametrize("until", ["", "soon", "-1", "99999999999", "١٢"])
@pytest.mark.parametrize(("age", "left"), [(14_400 + 270, 1), (14_400 + 302, 0)])
def test_a_label_that_nobody_could_have_meant_counts_from_the_creation(cloud, until, age, left):
    """Without a usable label, a cluster may be as old as a lease is long plus what clocks may differ."""
    cloud.put(cluster(cloud, "odd", labelled(until), age))
    if left:
        assert cloud.step("sweep", {})[1]["done"] is True
    else:
        assert cloud.until_done("sweep", {})[0] == 0

    assert len(cloud.alive()) == left


@pytest.mark.parametrize("ahead", [-290, 290])
def test_clocks_that_differ_neither_delete_early_nor_late(cloud, ahead):
    """The lease's end is absolute and of Airflow's clock, so the clock of the cloud hardly matters."""
    age = 14_000 - ahead
    cloud.put(cluster(cloud, "in-time", labelled(600), age) | cluster(cloud, "over", labelled(-2), age))
    cloud.rates(clock=ahead)

    assert cloud.until_done("sweep", {})[0] == 0
    assert [each["name"] for each in cloud.alive().values()] == ["in-time"]


def test_a_refused_deletion_is_repeated_in_the_same_sweep(cloud):
    """Refused twice, a cluster is gone at the end of the sweep nevertheless."""
    cloud.put(cluster(cloud, "over", labelled(-1)))
    cloud.plan("delete_cluster refused 2")

    assert cloud.until_done("sweep", {})[0] == 0
    assert cloud.alive() == {}
    # A deletion that is under way may be asked for once more, which changes nothing.
    assert cloud.state["calls"].count("delete_cluster") >= 3


def test_more_clusters_than_fit_on_a_page_are_all_seen(cloud):
    """The listing has pages of a hundred; the one after its lease is on the second."""
    many = [cluster(cloud, f"n{number:03}", labelled(-1 if number == 149 else 600)) for number in range(150)]
    cloud.put({id_: each for one in many for id_, each in one.items()})

    assert cloud.step("sweep", {})[1]["says"].count("n149, ") == 1


def test_a_cluster_of_the_other_service_is_deleted_too(cloud):
    """After the compute target was changed, a cluster of the earlier one is still found and deleted."""
    other = {"dataproc": "managed_spark", "managed_spark": "dataproc"}[cloud.target]
    [(id_, left)] = cluster(cloud, "over", labelled(-1)).items()
    cloud.put({id_: left | {"target": other}})

    assert cloud.until_done("sweep", {})[0] == 0
    assert cloud.alive() == {}
