"""Bad input of the store in Redis: gone, slow, full, evicting, restarted, failed over, forbidden."""

import os
import shutil
import signal
import time

import pytest
import redis

from antifraud.errors import SettingsError, StoreBusy, StoreError, StoreForeign
from infra.cluster.processes import new_account
from infra.cluster.redis import start_redis
from infra.local.ports import free_port
from serving.store.__main__ import main as manage_store
from serving.store.redis_server import LOST
from serving.store.store import open_store
from tests.serving.conftest import furnish
from tests.serving.port_scene import commit, settings_of
from tests.serving.scene import REDIS, Scorer, environment_of

WAIT = 0.5


@pytest.fixture
def server(tmp_path_factory):
    """A Redis that a test may stop, kill and replace."""
    started = start_redis(tmp_path_factory.mktemp("redis"))
    yield started
    started.stop()


@pytest.fixture
def running(server, tmp_path, two_releases):
    """A scorer that has polled, with its store in that Redis."""
    (tmp_path / REDIS).write_text(server.url)
    scorer = Scorer(furnish(tmp_path, two_releases), store_wait_seconds=WAIT)
    scorer.poller.poll()
    yield scorer
    scorer.close()


def kill(server):
    os.kill(server.server.pid, signal.SIGKILL)
    server.stop()


def require_503(answer, text):
    assert answer.status_code == 503
    assert answer.get_json()["type"].endswith("store-unusable")
    assert text in answer.get_json()["detail"]
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_redis_that_is_gone_costs_refusals_until_it_is_back(running, server):
    """Requests get 503 while it is away; after its kill, all that was acknowledged is in its log."""
    first = running.decide(transaction_id=1)
    kill(server)

    require_503(running.decide(transaction_id=2), "Redis cannot be reached")
    running.poller.poll()
    assert "Redis cannot be reached" in running.services.troubles["store"]
    server.start_again()
    running.poller.poll()

    assert running.services.troubles == {}
    assert running.decide(transaction_id=1).data == first.data
    assert running.decide(transaction_id=2).get_json()["arrival"] == 2


def test_a_slow_redis_costs_a_bounded_wait(running, server):
    """A Redis that hangs costs each request its time limit; the same id is decided once, when it goes on."""
    os.kill(server.server.pid, signal.SIGSTOP)
    begun = time.monotonic()

    require_503(running.decide(), "Redis did not answer in 0.5 s")

    assert time.monotonic() - begun < 4 * WAIT
    os.kill(server.server.pid, signal.SIGCONT)
    assert running.decide().get_json()["arrival"] == 1
    assert running.store.newest_arrival() == 1


def test_an_answer_that_is_lost_is_found_by_a_repeat(running, monkeypatch):
    """Redis has made the commit, and its answer comes too late: the client is told to send the same again."""
    client = running.store._environment._server._client
    ask = client.pipeline

    def pipeline(**options):
        made = ask(**options)
        execute = made.execute

        def execute_late():
            execute()
            monkeypatch.undo()
            raise redis.TimeoutError

        made.execute = execute_late
        return made

    monkeypatch.setattr(client, "pipeline", pipeline)

    require_503(running.decide(), "send the same again")
    assert running.decide().get_json()["arrival"] == 1
    assert running.decide(transaction_id=2).get_json()["arrival"] == 2


def test_a_full_redis_refuses_decisions_and_takes_a_suspension(running, server):
    """With noeviction nothing goes lost; the refusal comes before the commit, and ends with the shortage."""
    with server.connect() as client:
        running.decide(transaction_id=1)
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 4_096)
        running.poller.poll()
        require_503(running.decide(transaction_id=2), "the decision store is full")
        client.config_set("maxmemory", 1 << 20)
        require_503(running.decide(transaction_id=2), "is full")

        assert running.switch("suspend", 1).status_code == 200
        assert running.switch("resume", 2).status_code == 200
        client.config_set("maxmemory", 0)
    running.poller.poll()
    assert running.decide(transaction_id=2).get_json()["arrival"] == 2


UNFIT = [
    ("maxmemory-policy", "allkeys-lru", "Redis would evict decisions .* set it to noeviction"),
    ("appendonly", "no", "Redis writes no log, .* set its appendonly to yes"),
]


@pytest.mark.parametrize(("name", "value", "text"), UNFIT, ids=["eviction", "no-log"])
def test_a_redis_that_could_lose_decisions_is_refused(running, server, name, value, text):
    """At its start a scorer refuses it; one that runs names the trouble in its next poll."""
    with server.connect() as client:
        client.config_set(name, value)

    with pytest.raises(StoreError, match=text):
        open_store(settings_of(running.settings.home))
    running.poller.poll()
    assert "Redis w" in running.services.troubles["store"]


def test_durability_power_needs_a_log_on_the_disk(running, server):
    """Redis answers before its log is on the disk, unless it is told otherwise."""
    home = running.settings.home

    with pytest.raises(StoreError, match=r"\(appendfsync everysec\), .* set it to always"):
        open_store(settings_of(home, store_durability="power"))
    with server.connect() as client:
        client.config_set("appendfsync", "always")
    store = open_store(settings_of(home, store_durability="power"))
    assert commit(store, 5) == 1
    store.close()


@pytest.mark.parametrize("restored", ["while the scorer runs", "while it is stopped"])
def test_an_older_copy_is_refused_until_a_person_accepts_the_loss(running, server, restored, tmp_path_factory):
    """A failover or a restored backup has lost an acknowledged decision: nothing is decided with it."""
    home, folder = running.settings.home, server.folder
    running.decide(transaction_id=1)
    running.poller.poll()
    server.stop()
    copy = tmp_path_factory.mktemp("copy") / "redis"
    shutil.copytree(folder, copy)
    server.start_again()
    assert running.decide(transaction_id=2).get_json()["arrival"] == 2
    running.poller.poll()
    if restored == "while it is stopped":
        running.close()
    kill(server)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    server.start_again()

    if restored == "while the scorer runs":
        assert running.decide(transaction_id=3).get_json()["type"].endswith("suspended")
        assert running.services.store_error is None
    running.poller.poll()
    trouble = running.services.troubles["store"]
    assert trouble in {LOST, "the store ends with decision 1, but 2 were made: see docs/runbook.md, Store"}
    running.poller.poll()
    assert running.decide(transaction_id=3).status_code == 503

    assert manage_store(["accept"], environment_of(home)) == 0
    running.poller.poll()
    assert running.services.troubles == {}
    assert running.switch("resume", 2).status_code == 200
    assert running.decide(transaction_id=2).get_json()["arrival"] == 2


def test_a_worker_that_slept_through_the_loss_changes_nothing(running, server):
    """It knows of commits that the accepted store does not have, so it has to open the store anew."""
    home = running.settings.home
    running.decide(transaction_id=1)
    with server.connect() as client:
        name = running.store._environment._server._name
        client.delete(f"antifraud:client:{name}")
    other = open_store(settings_of(home))
    assert running.decide(transaction_id=2).get_json()["type"].endswith("suspended")
    with pytest.raises(StoreForeign):
        commit(other, 3)
    other.close()
    assert manage_store(["accept"], environment_of(home)) == 0

    assert running.decide(transaction_id=2).get_json()["type"].endswith("suspended")
    fresh = open_store(settings_of(home))
    assert commit(fresh, 3) == 2
    fresh.close()


def test_a_change_waits_for_its_replicas(running, server, tmp_path_factory):
    """Without a replica nothing is acknowledged; with one, the replica has the decision."""
    home = running.settings.home
    strict = open_store(settings_of(home, store_replicas=1, store_wait_seconds=2.0))

    with pytest.raises(StoreBusy, match="0 of 1 replicas have the change: send the same again"):
        commit(strict, 7)
    replica = start_redis(tmp_path_factory.mktemp("replica"), replicaof=f"127.0.0.1 {server.port}")
    try:
        with replica.connect() as client:
            while client.info("replication")["master_link_status"] != "up":
                time.sleep(0.05)
            before = client.hlen("antifraud:values:stubs")
            while commit(strict, 8) is None:
                pass
            assert client.hlen("antifraud:values:stubs") == before + 1
        with pytest.raises(StoreError, match="Redis is a replica"):
            open_store(settings_of(home, store_url=replica.url))
    finally:
        strict.close()
        replica.stop()


def test_an_account_opens_a_redis_with_a_password(tmp_path, tmp_path_factory):
    """The password is in a file of its own; without it, and with another one, the store says what to correct."""
    account = new_account(tmp_path / "redis.account", "default")
    server = start_redis(tmp_path_factory.mktemp("redis"), requirepass=account.password)
    wrong = tmp_path / "wrong.account"
    new_account(wrong, "default")
    try:
        (tmp_path / REDIS).write_text(server.url)
        for given in ({}, {"store_account": wrong}):
            with pytest.raises(StoreError, match="correct the file of ANTIFRAUD_STORE_ACCOUNT") as raised:
                open_store(settings_of(tmp_path, **given))
            assert account.password not in str(raised.value)
        environ = environment_of(tmp_path, ANTIFRAUD_STORE_ACCOUNT=str(tmp_path / "redis.account"))
        (tmp_path / "releases").mkdir()
        assert manage_store(["init"], environ) == 0
        with server.connect() as client:
            rights = ("~antifraud:*", "+@read", "+@write", "+@scripting", "+info", "+wait")
            client.execute_command("ACL SETUSER", "scorer", "on", f">{account.password}", *rights)
        limited = tmp_path / "limited.account"
        limited.touch(0o600)
        limited.write_text(f"user=scorer\npassword={account.password}\n")
        store = open_store(settings_of(tmp_path, store_account=limited))
        assert (commit(store, 1), store.newest_arrival()) == (1, 1)
        store.close()
        with pytest.raises(StoreError, match="grant CONFIG GET to the user"):
            open_store(settings_of(tmp_path, store_account=limited, store_durability="power"))
    finally:
        server.stop()


def test_redis_is_reached_over_tls(tmp_path, tmp_path_factory, certificate):
    """The certificate is checked: without the authority that signed it, nothing is sent."""
    files = {"tls_cert_file": str(certificate.parent / "certificate"), "tls_key_file": str(certificate.parent / "key")}
    port = free_port()
    server = start_redis(tmp_path_factory.mktemp("redis"), tls_port=str(port), tls_auth_clients="no", **files)
    try:
        settings = {"store_url": f"rediss://127.0.0.1:{port}/0"}
        with pytest.raises(StoreError, match="Redis cannot be reached"):
            open_store(settings_of(tmp_path, **settings))
        with pytest.raises(StoreForeign, match="has no identity"):
            open_store(settings_of(tmp_path, store_ca=certificate.parent / "certificate", **settings))
    finally:
        server.stop()


def test_the_url_has_no_password(tmp_path):
    """A secret in a setting would show in process lists; the message does not repeat it."""
    with pytest.raises(SettingsError, match="ANTIFRAUD_STORE_URL has an account in it") as raised:
        settings_of(tmp_path, store_url="redis://:hunter2@db:6379/0")

    assert "hunter2" not in str(raised.value)
