"""A drill marks the switch and tells subscribers; decisions, evidence and eras go on as before."""

import json

import pytest

from antifraud.client import verify_webhook
from antifraud.errors import SettingsError, TransitionRefused
from antifraud.killswitch.machine import Mode, trip
from antifraud.settings.serving import GuardSettings
from serving.guard.__main__ import main
from serving.store.store import open_store
from tests.receivers import receiver
from tests.serving.processes import wait_for
from tests.serving.scene import NOON
from tests.serving.test_guard import new_store
from tests.serving.test_webhooks import SECRET, Couriers, idle, subscriber_at

QUIET = {"ANTIFRAUD_STORE_MAP_BYTES": str(1 << 28)}


def drill(home, *arguments):
    """Run the command in this process, whose store must be closed."""
    return main(["drill", *arguments], {"ANTIFRAUD_HOME": str(home), **QUIET})


@pytest.fixture
def home(tmp_path):
    new_store(tmp_path).close()
    return tmp_path


def switch_and_evidence(home):
    store = new_open(home)
    try:
        return store.switch(), store.evidence(), store.outbox.notifications()
    finally:
        store.close()


def new_open(home):
    """Open the store of a home that has one."""
    return open_store(GuardSettings(home=home, store_map_bytes=1 << 28))


def test_a_drill_changes_the_mark_only(home, capsys):
    """Mode, release, cause and evidence stay; the reason and the author are noted."""
    before, evidence, _ = switch_and_evidence(home)
    assert drill(home, "--reason", "we try our webhooks") == 0
    during, same, told = switch_and_evidence(home)

    assert (during.drill, during.epoch, during.mode, during.at, during.began) == (
        True, before.epoch + 1, before.mode, before.at, before.began,
    )  # fmt: skip
    assert (during.drilled.reason, during.drilled.by, same) == ("we try our webhooks", "operator", evidence)
    assert told == [f"switch-{during.epoch:08}-{during.at}"]
    assert drill(home, "--end", "--reason", "they work") == 0
    assert capsys.readouterr().out == (
        f"the drill has begun: the switch is SERVING at epoch {before.epoch + 1}\n"
        f"the drill has ended: the switch is SERVING at epoch {before.epoch + 2}\n"
    )


def test_a_drill_begins_and_ends_once(home, capsys):
    """A second beginning and an end of none are refused in one line; so is an empty reason."""
    assert drill(home, "--end", "--reason", "over") == TransitionRefused.exit_code
    assert drill(home, "--reason", "") == SettingsError.exit_code
    assert drill(home, "--reason", "we try it") == 0
    assert drill(home, "--reason", "we try it") == TransitionRefused.exit_code

    assert capsys.readouterr().err.splitlines() == [
        "error: no drill is under way: `GET /v1/status` shows the switch",
        "error: --reason has 0 characters: expected 1 to 500",
        "error: a drill is under way already: `GET /v1/status` shows the switch",
    ]


def test_subscribers_hear_of_drills_suspensions_and_warnings_by_type(home):
    """A suspension as an exercise is told as both; each webhook verifies, and its data is the switch."""
    drill(home, "--reason", "we try our webhooks")
    store = new_open(home)
    couriers = Couriers(store)
    try:
        with receiver() as ops:
            store.commit_signals(b"{}", [trip(store.switch(), release="a", reason="bad", at=NOON, evidence={})])
            couriers.start(subscriber_at(ops.url))
            wait_for(idle(store), "all deliveries", 20)
    finally:
        for courier in couriers.all:
            courier.stop()
        store.close()

    events = [verify_webhook(SECRET, *each) for each in ops.received]
    assert [(event.type, event.switch["drill"]) for event in events] == [
        ("antifraud.switch.drill", True),
        ("antifraud.switch.drill", False),
        ("antifraud.switch.suspended", False),
    ]
    assert len({event.id for event in events}) == 3
    assert {event.switch["mode"] for event in events[1:]} == {Mode.SUSPENDED}
    assert "news" not in json.loads(ops.received[0][1])["data"]
