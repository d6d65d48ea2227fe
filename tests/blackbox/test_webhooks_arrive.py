"""Webhooks: a subscriber that is slow, away or malformed costs neither news, nor other subscribers, nor the guard."""

import shutil
import time
from contextlib import contextmanager

import pytest

from antifraud.client import verify_webhook
from bench.serving.processes import ScorerProcess, wait_for
from infra.local.ports import free_port
from tests.blackbox.subscribing import LIMIT_SECONDS, Subscribing, guard_log, wait_until_told
from tests.receivers import dripping, receiver, seconds_of

OUTAGE_SECONDS = 190
SLOW_START = b"HTTP/1.1 200 OK\r\nX-Slow: "


@pytest.fixture(scope="module")
def begun(build, scorer_of):
    """A home whose service has begun, with nothing left to tell about that."""
    home = build()
    with scorer_of(home) as scorer:
        scorer.start_guard()
        wait_until_told(scorer)
    return home


@pytest.fixture
def home(begun, tmp_path):
    """A copy of that home."""
    return shutil.copytree(begun, tmp_path / "home")


@pytest.fixture
def subscribing(version, home):
    """Ways to say who gets the webhooks of the home."""
    return Subscribing(version, home)


@pytest.fixture
def told(subscribing, home, scorer_of):
    """Return a context manager that runs scorer and guard with a subscriber at a URL."""

    @contextmanager
    def run(url, name="ops"):
        secret = subscribing.add(name, url)
        with scorer_of(home, **subscribing.settings(url)) as scorer:
            scorer.start_guard()
            yield scorer, secret

    return run


def test_a_dripping_subscriber_does_not_hold_up_sigterm(told):
    """The guard ends within seconds, though an answer is on its way byte by byte."""
    with dripping(SLOW_START) as slow, told(slow.url) as (scorer, _):
        scorer.switch("suspend")
        wait_for(lambda: slow.connections, "an attempt", 20)
        scorer.guard.terminate()

        assert seconds_of(lambda: scorer.guard.wait(timeout=LIMIT_SECONDS)) < LIMIT_SECONDS


def test_an_attempt_is_cut_as_a_whole(told):
    """A server that sends a byte now and then loses the connection, so that the delivery can be tried again."""
    with dripping(SLOW_START) as slow, told(slow.url) as (scorer, _):
        scorer.switch("suspend")
        wait_for(lambda: slow.cut, "the end of the attempt", 2 * LIMIT_SECONDS)


@pytest.mark.parametrize("url", ["http://[", "ops.example", "http://ops.example/", "https://169.254.169.254/latest"])
def test_a_url_that_may_not_be_used_is_a_configuration_error(subscribing, url):
    """Malformed, unencrypted and private URLs are refused in one line, before anything is sent or lost."""
    code, errors = subscribing.refusal(url)

    assert (code, errors.startswith("error: "), errors.count("\n")) == (10, True, 1)


def test_two_guards_send_once(told, version, home, subscribing):
    """A second guard, such as that of a deployment under way, does not repeat what the first sends."""
    with receiver(delay=1.0) as ops, told(ops.url) as (scorer, secret):
        with beside(ScorerProcess(version, home, **subscribing.settings(ops.url))):
            time.sleep(2)  # both guards are up
            scorer.switch("suspend")
            wait_until_told(scorer)
            time.sleep(2)

        assert [verify_webhook(secret.read_text().strip(), *each).switch["mode"] for each in ops.received] == [
            "SUSPENDED"
        ]


@pytest.mark.prove
def test_an_outage_of_three_minutes_loses_no_news(told):
    """The subscriber is away until ten quick attempts would be over, and then learns of the suspension."""
    port = free_port()
    with told(f"http://127.0.0.1:{port}/hook") as (scorer, secret):
        scorer.switch("suspend")
        time.sleep(OUTAGE_SECONDS)
        with receiver(port=port) as ops:
            wait_for(lambda: ops.received, "the news", 200)
        assert verify_webhook(secret.read_text().strip(), *ops.received[0]).switch["mode"] == "SUSPENDED"


@contextmanager
def beside(other):
    """Run the guard of another process."""
    other.start_guard()
    try:
        yield
    finally:
        other.stop()


def test_nothing_is_called_delivered_without_a_subscriber(home, scorer_of):
    """The log does not claim what did not happen."""
    with scorer_of(home) as scorer:
        scorer.start_guard()
        scorer.switch("suspend")
        wait_until_told(scorer)

    assert "webhook delivered" not in guard_log(home)


def test_subscribers_have_queues_and_secrets_of_their_own(told, subscribing, version, home):
    """One that takes nothing delays no other; during a rotation both secrets of a subscriber sign."""
    with dripping(SLOW_START) as slow, receiver() as good:
        subscribing.add("good", good.url)
        old = (home / "secrets" / "webhook-good.secret").read_text().strip()
        version.require(home, "-m", "antifraud", "subscribers", "rotate", "good")
        new = (home / "secrets" / "webhook-good.secret").read_text().strip()
        with told(slow.url, name="slow") as (scorer, _):
            scorer.switch("suspend")
            wait_for(lambda: good.received, "the delivery", 2 * LIMIT_SECONDS)

    assert [verify_webhook(secret, *good.received[0]).switch["mode"] for secret in (old, new)] == ["SUSPENDED"] * 2


def test_a_dead_letter_is_sent_again_by_a_command(told, version, home):
    """News for a subscriber that was removed is kept; when it is back, a command tries it, and another sends it."""
    with receiver(503, 204) as ops, told(ops.url) as (scorer, _):
        scorer.switch("suspend")
        wait_for(lambda: ops.received, "the first attempt", 20)
        version.require(home, "-m", "antifraud", "subscribers", "remove", "ops")
        wait_for(lambda: scorer.status()["counts"]["dead"] == 1, "the dead letter", 20)
        epoch = scorer.status()["switch"]["epoch"]
        assert f"ops  switch-{epoch:08}-" in version.require(home, "-m", "serving.guard", "dead-letters")

        version.require(home, "-m", "antifraud", "subscribers", "add", "ops", "--url", ops.url)
        assert version.require(home, "-m", "serving.guard", "ping", "ops").startswith("ops took the test event ping-")
        version.require(home, "-m", "serving.guard", "redeliver", "--all")
        wait_until_told(scorer)

    first, ping, again = (headers["webhook-id"] for headers, _ in ops.received)
    assert (first == again, ping.startswith("ping-")) == (True, True)
