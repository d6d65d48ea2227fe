"""Two scorers on two hosts, each with a home of its own, over one Redis."""

import json

import pytest

from serving.store.__main__ import main as manage_store
from tests.serving.scene import (
    CUSTOMER,
    DAY,
    NO_LABELS,
    NOON,
    Scorer,
    empty_state,
    environment_of,
    export_state,
    promote,
    stored,
)

NAMES = ("alpha", "beta")


class Host:
    """A scorer that reports as a host of its own."""

    def __init__(self, name, home, monkeypatch):
        self.name, self._monkeypatch = name, monkeypatch
        self.scorer = Scorer(home)
        self.poll()

    def poll(self):
        """Poll once under the name of this host."""
        with self._monkeypatch.context() as patch:
            patch.setattr("socket.gethostname", lambda: self.name)
            self.scorer.poller.poll()

    def status(self):
        """The status as this host answers it."""
        return self.scorer.get("/v1/status", caller="watcher").get_json()


@pytest.fixture
def hosts(redis_service, second_host, monkeypatch):
    """Two hosts that have polled."""
    both = [Host(name, home, monkeypatch) for name, home in zip(NAMES, (redis_service, second_host), strict=True)]
    both[0].poll()
    yield both
    for host in both:
        host.scorer.close()


def test_each_host_counts_what_the_other_has_decided(hosts):
    """Arrival numbers have one order, and the second payment's features count the first."""
    alpha, beta = (host.scorer for host in hosts)

    answers = [alpha.decide(transaction_id=1), beta.decide(transaction_id=2, event_time=NOON + 60)]

    assert [answer.get_json()["arrival"] for answer in answers] == [1, 2]
    first, second = (stored(beta.store, number)[1].vector for number in (1, 2))
    assert first != second
    assert alpha.store.sizes()["decisions"] == 2


def test_a_repeat_at_the_other_host_gets_the_same_bytes(hosts):
    """A client that is sent to another host by its proxy gets the stored answer."""
    alpha, beta = (host.scorer for host in hosts)

    assert alpha.decide().data == beta.decide().data
    assert beta.decide(amount=1).status_code == 409
    assert beta.store.newest_arrival() == 1


def test_the_switch_holds_on_every_host_at_once(hosts):
    """The other host refuses its next request, before it has polled; both have converged after the next polls."""
    alpha, beta = hosts

    assert alpha.scorer.switch("suspend", 1).status_code == 200

    assert beta.scorer.decide().get_json()["type"].endswith("suspended")
    assert not alpha.status()["converged"]
    for host in hosts:
        host.poll()
    assert alpha.status()["converged"]
    assert beta.status()["converged"]
    assert beta.scorer.switch("resume", 1).status_code == 409
    assert beta.scorer.switch("resume", 2).status_code == 200
    assert alpha.scorer.decide().status_code == 200


def test_a_release_has_converged_when_all_hosts_have_it(hosts, redis_service, second_host):
    """Workers are known by host and pid, so one process number on two hosts is two workers."""
    alpha, beta = hosts
    promote(redis_service, "second")
    alpha.poll()

    status = alpha.status()
    assert sorted((worker["host"], worker["release"]) for worker in status["workers"]) == [
        ("alpha", "second"),
        ("beta", "first"),
    ]
    assert len({worker["pid"] for worker in status["workers"]}) == 1
    assert not status["converged"]
    assert alpha.scorer.decide(transaction_id=1).get_json()["release"] == "second"
    assert beta.scorer.decide(transaction_id=2).get_json()["release"] == "first"
    promote(second_host, "second")
    beta.poll()
    assert alpha.status()["converged"]


def test_a_host_that_restarts_keeps_to_the_newest_state_of_the_other(hosts, redis_service, second_host, monkeypatch):
    """A state that has not reached a host yet must not move its live days back."""
    alpha, beta = hosts
    export_state(redis_service / "state", DAY, {CUSTOMER: ({}, {}, NO_LABELS)}, sequence=2)
    alpha.poll()
    assert alpha.status()["converged"] is False
    beta.scorer.close()

    again = Host("beta", second_host, monkeypatch)

    try:
        assert "state" in again.scorer.services.troubles
        empty_state(second_host, DAY)
        again.poll()
    finally:
        again.scorer.close()


def test_a_second_host_joins_and_initialises_nothing(second_host, redis_service, capsys, tmp_path_factory):
    """Its registration names the same store; another `init` is refused, and a folder cannot be joined."""
    mine, other = (json.loads((home / "releases" / "store.json").read_text()) for home in (second_host, redis_service))
    assert mine["identity"] == other["identity"]
    third = tmp_path_factory.mktemp("third")
    url = environment_of(second_host)["ANTIFRAUD_STORE_URL"]

    assert manage_store(["init"], environment_of(third, ANTIFRAUD_STORE_URL=url)) == 80
    assert "it was initialised before" in capsys.readouterr().err
    assert manage_store(["join"], environment_of(third)) == 80
    assert "a folder cannot be shared by two hosts" in capsys.readouterr().err
    (third / "releases").mkdir()
    (third / "releases" / "store.json").write_text(json.dumps({"identity": "another", "arrival": 0}))
    assert manage_store(["join"], environment_of(third, ANTIFRAUD_STORE_URL=url)) == 80
    assert "this host's store is another" in capsys.readouterr().err


def test_a_store_in_redis_is_verified(redis_service, capsys):
    """Records that contradict each other are found."""
    assert manage_store(["verify"], environment_of(redis_service)) == 0
    assert "is sound" in capsys.readouterr().out
    scorer = Scorer(redis_service)
    scorer.poller.poll()
    scorer.decide()
    scorer.store._environment.write(lambda view: view.delete("entries", (1).to_bytes(8, "big")))
    scorer.close()

    assert manage_store(["verify"], environment_of(redis_service)) == 81
    assert "0 entries for decisions 1 to 1" in capsys.readouterr().err
