"""A cluster is created once and deleted always, whatever the cloud's API does; everything over the wire."""

import dataclasses
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from antifraud.compute.lease import Lease
from dags.cluster_tasks import Answer, take_step

REFUSED = "error: the cloud refused a call (PERMISSION_DENIED: permission denied): correct settings or rights"
COMMAND = ["day", "--from", "2026-02-03", "--to", "2026-02-03"]


def order(attempt=1, until=3_600, **more):
    """Return the order of a step for the run of one night."""
    lease = Lease("prototype", "lake", "scheduled__2026-02-03T00:00:00+00:00", int(time.time()) + until)
    return {"lease": dataclasses.asdict(lease), "attempt": attempt, **more}


def job(attempt=1, **more):
    """Return the order of the night's job."""
    return order(attempt, task="ingest", command=COMMAND, **more)


def test_a_night_without_faults(cloud):
    """Created once, one job run once with its arguments, deleted, and deleting again finds nothing to do."""
    night = job()
    assert cloud.until_done("create", night)[0] == 0
    assert cloud.until_done("run", night)[1]["says"].startswith("job ingest-1 on antifraud-prototype-lake-")
    [submitted] = cloud.state["jobs"].values()
    assert submitted["job"]["args"] == COMMAND
    assert submitted["job"]["mainPythonFileUri"] == "s3a://jobs/code/on_cluster.py"
    assert len(cloud.alive()) == 1

    assert cloud.until_done("delete", night)[0] == 0
    assert cloud.alive() == {}
    assert cloud.step("delete", night)[1]["done"] is True
    assert cloud.state["calls"].count("create_cluster") == 1


@pytest.mark.parametrize(
    ("fault", "attempts", "creations"),
    [
        ("create_cluster lost", 1, 1),
        ("create_cluster half", 2, 2),
        ("create_cluster half_running", 1, 1),
        ("create_cluster silent 2", 1, 3),
        ("create_cluster quota", 2, 2),
        ("create_cluster quota_later", 2, 2),
        ("list_clusters silent 2", 1, 1),
        ("list_clusters slow", 1, 1),
    ],
)
def test_a_creation_with_a_fault_leaves_one_running_cluster(cloud, fault, attempts, creations):
    """However the creation goes wrong, the attempts end with one running cluster, and it is the only one alive."""
    cloud.plan(fault)
    first = order()
    codes = [cloud.until_done("create", {**first, "attempt": number})[0] for number in range(1, attempts + 1)]

    assert codes[-1] == 0
    assert all(codes[:-1])
    assert [each["status"] for each in cloud.alive().values()] == ["RUNNING"]
    assert cloud.state["calls"].count("create_cluster") == creations


def test_a_quota_is_named(cloud):
    """A creation beyond the quota ends with the exit code of its own."""
    cloud.plan("create_cluster quota 9")
    code, said = cloud.until_done("create", order())

    assert code == 57
    assert said.startswith("error: the cloud's quota has no room for antifraud-prototype-lake-")


def test_what_another_attempt_left_is_adopted(cloud):
    """A second process finds the first one's cluster by name and labels, while it is created and afterwards."""
    cloud.rates(create=1)
    night = order()
    assert cloud.step("create", night)[1]["done"] is False
    assert cloud.step("create", {**night, "attempt": 2})[1]["says"].endswith("is CREATING")
    assert cloud.until_done("create", {**night, "attempt": 2})[0] == 0
    assert len(cloud.state["clusters"]) == 1


def test_a_cluster_of_an_earlier_lease_is_replaced(cloud):
    """A cleared run has a new lease, so its old cluster goes, and the new one has the new label."""
    assert cloud.until_done("create", order())[0] == 0
    later = order(until=7_200)
    assert cloud.until_done("create", later)[0] == 0

    [alive] = cloud.alive().values()
    assert alive["labels"]["antifraud-until"] == str(later["lease"]["until"])
    assert len(cloud.state["clusters"]) == 2


@pytest.mark.parametrize("step", ["create", "delete"])
def test_somebody_elses_cluster_is_left_alone(cloud, step):
    """A cluster with the run's name but without its labels is neither used nor deleted; exit code 15."""
    night = order()
    assert cloud.until_done("create", night)[0] == 0
    [(id_, cluster)] = cloud.alive().items()
    cloud.put({id_: cluster | {"labels": {"antifraud-deployment": "another"}}})

    assert cloud.step(step, night)[0] == 15
    assert len(cloud.alive()) == 1


@pytest.mark.parametrize(
    "faults",
    [
        ["delete_cluster refused 2"],
        ["delete_cluster fails 2"],
        ["delete_cluster lost"],
        ["delete_cluster gone"],
        ["delete_cluster silent 2"],
        ["list_clusters silent 2", "delete_cluster refused"],
    ],
)
def test_a_deletion_is_repeated_until_the_cluster_is_gone(cloud, faults):
    """Refused, failed, unanswered or already done: the step ends only when the cloud lists no such cluster."""
    night = order()
    assert cloud.until_done("create", night)[0] == 0
    cloud.plan(*faults)

    assert cloud.until_done("delete", night)[0] == 0
    assert cloud.alive() == {}


def test_a_cluster_that_is_being_created_is_deleted_afterwards(cloud):
    """A deletion that meets a creation under way waits for it: the API allows for one operation at a time."""
    cloud.rates(create=1.5)
    night = order()
    cloud.step("create", night)
    assert "not yet" in cloud.step("delete", night)[1]["says"]
    assert cloud.until_done("delete", night)[0] == 0
    assert cloud.alive() == {}


@pytest.mark.parametrize(
    ("fault", "attempts", "submitted"),
    [("create_job lost", 1, 1), ("create_job job_lost", 2, 2), ("create_job job_fails", 2, 2)],
)
def test_a_job_is_repeated_only_after_it_is_lost_or_failed(cloud, fault, attempts, submitted):
    """A lost answer submits nothing twice. A lost or failed job is submitted once more by the next attempt."""
    night = job()
    assert cloud.until_done("create", night)[0] == 0
    cloud.plan(fault)
    codes = [cloud.until_done("run", {**night, "attempt": number})[0] for number in range(1, attempts + 1)]

    assert codes == [58] * (attempts - 1) + [0]
    assert cloud.state["calls"].count("create_job") == submitted


def test_a_job_creates_its_cluster_again_if_it_is_gone(cloud):
    """Deleted under the run's feet, the cluster is created again by the next attempt of the job."""
    night = job()
    assert cloud.until_done("create", night)[0] == 0
    assert cloud.until_done("delete", night)[0] == 0

    assert cloud.until_done("run", night)[0] == 55
    assert cloud.until_done("run", {**night, "attempt": 2})[0] == 0
    assert len(cloud.alive()) == 1


def test_no_cluster_is_created_after_the_lease(cloud):
    """A lease that is over creates nothing, because the watchdog would delete it; exit code 59."""
    code, said = cloud.step("create", order(until=-1))

    assert code == 59
    assert "clear the task `lease`" in said


def test_a_process_of_its_own_takes_a_step(cloud, monkeypatch):
    """As the DAGs do it: another environment, the order on standard input, the answer or one line of error."""
    for name, value in cloud.environ.items():
        monkeypatch.setenv(name, value)
    night = order()
    assert take_step(".venv-cloud/bin/python", "create", night) == Answer(
        0, done=False, says=f"{Lease(**night['lease']).name} is being created"
    )
    cloud.plan("list_clusters forbidden")
    refused = take_step(".venv-cloud/bin/python", "delete", night)
    assert refused == Answer(55, done=False, says=REFUSED)


@pytest.mark.parametrize("fault", ["list_endpoints silent 9", "list_endpoints slow 9", "create_token silent 9"])
def test_an_api_that_gives_no_address_or_token_is_asked_again(cloud, monkeypatch, fault):
    """The SDK's own calls fail like ours: one line and exit code 56, which a task waits for."""
    for name, value in (cloud.environ | {"ANTIFRAUD_CLOUD_TIMEOUT_SECONDS": "1"}).items():
        monkeypatch.setenv(name, value)
    cloud.plan(fault)
    answer = take_step(".venv-cloud/bin/python", "create", order())

    assert (answer.code, answer.says.count("\n")) == (56, 0)
    assert answer.says.startswith(("error: the cloud's API did not answer", "error: no token came for the account"))


def test_the_certificate_of_the_api_is_checked(cloud, monkeypatch):
    """The double's authority is not among the usual ones, so a client without it refuses to talk."""
    for name, value in (cloud.environ | {"ANTIFRAUD_CLOUD_ROOTS": ""}).items():
        monkeypatch.setenv(name, value)
    answer = take_step(".venv-cloud/bin/python", "create", order())

    # The line before it is gRPC's own, about the handshake.
    assert answer.code == 56
    assert answer.says.splitlines()[-1].startswith("error: the cloud's API did not answer (")
    assert cloud.state["calls"] == []


def test_another_accounts_key_gets_no_token(cloud, monkeypatch, tmp_path):
    """The double checks signatures: a key that it does not know opens nothing, and the error does not quote it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.json").write_text(
        json.dumps({"id": "key1", "service_account_id": "account1", "private_key": key.decode()})
    )
    for name, value in (cloud.environ | {"ANTIFRAUD_CLOUD_KEY": str(tmp_path / "key.json")}).items():
        monkeypatch.setenv(name, value)
    answer = take_step(".venv-cloud/bin/python", "create", order())

    assert (answer.code, answer.says.startswith("error: no token came for the account")) == (56, True)
    assert "PRIVATE KEY" not in answer.says


@pytest.mark.parametrize("content", [None, "no JSON", '{"id": "key1"}', '"PRIVATE"'])
def test_a_key_that_cannot_be_used_is_one_line(cloud, monkeypatch, tmp_path, content):
    """A key that is missing or malformed ends the step with the settings' exit code, and is not quoted."""
    key = tmp_path / "key.json"
    if content:
        key.write_text(content)
    for name, value in (cloud.environ | {"ANTIFRAUD_CLOUD_KEY": str(key)}).items():
        monkeypatch.setenv(name, value)
    answer = take_step(".venv-cloud/bin/python", "create", order())

    assert answer.says.startswith("error: ANTIFRAUD_CLOUD_KEY or ANTIFRAUD_CLOUD_ROOTS cannot be used (")
    assert (answer.code, answer.says.count("\n"), "PRIVATE" in answer.says) == (10, 0, False)


def test_the_state_of_the_double_survives_a_restart(cloud):
    """The cloud forgets nothing when its process is restarted, so tests may do that in the middle of a night."""
    night = order()
    assert cloud.until_done("create", night)[0] == 0
    cloud.stop()
    cloud.start()

    assert cloud.until_done("create", night)[0] == 0
    assert len(cloud.alive()) == 1


def test_no_secret_is_in_a_request_or_an_error(cloud):
    """Neither the account's key nor a token is in what the cloud is told about clusters and jobs, nor in an error."""
    night = job()
    assert cloud.until_done("create", night)[0] == 0
    cloud.plan("list_clusters forbidden")
    code, said = cloud.step("run", night)

    assert (code, said) == (55, REFUSED)
    assert "PRIVATE KEY" not in (cloud.folder / "state.json").read_text()
