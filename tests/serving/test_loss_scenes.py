"""Missed fraud and flagged shares through the real guard, its store, and the scorer that tells of them."""

import dataclasses
import json

import pytest

from antifraud.api.state import parse_state
from antifraud.keys.pseudonym import tokenise
from antifraud.killswitch.machine import Level, Mode, Order
from antifraud.settings.serving import GuardSettings
from serving.guard.watch import inspect_evidence
from tests.serving.cohort_scene import DELAY, FIRST_DAY, decide_day, label, look
from tests.serving.scene import CUSTOMER, KEY, NOON, make_model, make_release, promote

EPISODE_DAYS = 28


@pytest.fixture
def settings(home):
    """A guard with a loss limit of 60 RUB a month, which 100 decisions a day may miss: 2 RUB a day."""
    return GuardSettings(home=home, store_map_bytes=1 << 26, loss_limit_minor=6_000)


def live(store, settings, days, missed, *, release="first", a_day=lambda _: 100):
    """Live through days: some of the decisions turn out to be missed frauds of 1 RUB two days later, all others not.

    `missed` says for each day how many. Return the number of the day of a trip.
    """
    for number in range(days):
        day = FIRST_DAY + number
        if look(store, settings, day):
            return number
        ids = decide_day(store, day, a_day(number), 0, release=release, alone=True)
        frauds = missed(number)
        label(store, ids[:frauds], "fraud", day, received=day + 2)
        label(store, ids[frauds:], "legitimate", day, received=day + 2)
    return None


def state(scorer):
    """The state as every answer carries it."""
    scorer.poller.poll()
    return parse_state(scorer.get("/healthz").headers["Antifraud-State"])


def test_missed_fraud_trips_by_its_own_evidence(scorer, settings):
    """Ten times the allowed amount: the first day of episodes closes on day 36, and a week of them is enough."""
    tripped = live(scorer.store, settings, 60, lambda _: 20)

    assert tripped in range(EPISODE_DAYS + DELAY + 1 + 4, EPISODE_DAYS + DELAY + 1 + 8)
    switch = scorer.store.switch()
    assert (switch.mode, switch.by, switch.cause, switch.tripped) == (Mode.SUSPENDED, "guard", "trip", ("first",))
    assert switch.reason.startswith("missed fraud is above its limit for the volume: episodes that began on the last ")
    assert switch.evidence["subject"] == "loss"
    assert switch.evidence["missed"] == 10 * switch.evidence["allowed"]
    assert scorer.decide(transaction_id="new").status_code == 503
    said = [each for each in scorer.get("/v1/status").json["evidence"] if each["subject"] == "loss"]
    assert [each["tripped"] for each in said] == [True]


def test_the_budget_warns_long_before_and_nothing_trips(scorer, settings):
    """Nine tenths of the budget: the warning is in switch, header, status and webhook; decisions go on."""
    tripped = live(scorer.store, settings, EPISODE_DAYS + DELAY + 8, lambda number: 2 if number % 5 else 1)

    assert (tripped, scorer.store.switch().mode) == (None, Mode.SERVING)
    assert dict(scorer.store.switch().warnings) == {"loss_budget": Level.WARN}
    assert state(scorer).warnings == ("loss_budget",)
    status = scorer.get("/v1/status").json
    assert (status["switch"]["warning"], len(status["warnings"])) == ("warn", 1)
    assert status["warnings"][0].endswith("are expected once all labels have come, and the budget is 60 RUB")
    assert [name for name in scorer.store.outbox.notifications() if name.startswith("switch-")]
    assert scorer.decide(transaction_id="new").status_code == 200


def test_growth_in_volume_pages_and_is_no_evidence(scorer, settings, home):
    """The gate has judged this release at 3,000 transactions a month; ten times as many miss ten times as much."""
    golden = make_model(home / "candidates" / "grown", seed=0)
    make_release(home / "releases", home / "candidates" / "grown", golden, "grown", transactions_a_month=3_000)
    tripped = live(
        scorer.store,
        settings,
        EPISODE_DAYS + DELAY + 8,
        lambda number: 2 if number < 10 else 20,
        release="grown",
        a_day=lambda number: 100 if number < 10 else 1_000,
    )

    assert (tripped, scorer.store.switch().mode) == (None, Mode.SERVING)
    assert {"loss_budget": Level.PAGE, "burn_rate": Level.PAGE}.items() <= scorer.store.switch().warnings.items()
    evidence = scorer.store.evidence()[0, ":loss"]
    assert (evidence["tripped"], {day[1] / day[2] for day in evidence["recent"]}) == (False, {1.0})


def test_missed_fraud_of_a_retired_release_acquits_its_successor(scorer, settings, home):
    """A week of ten times the allowed amount, then a month without any by the next release, which goes on to serve."""
    store = scorer.store
    assert live(store, settings, 8, lambda _: 20) is None
    promote(home, "second")
    for number in range(8, EPISODE_DAYS + DELAY + 12):
        day = FIRST_DAY + number
        assert look(store, settings, day) is None
        label(store, decide_day(store, day, 100, 0, release="second", alone=True), "legitimate", day, received=day + 2)
    assert look(store, settings, FIRST_DAY + EPISODE_DAYS + DELAY + 12) is None

    assert store.switch().mode is Mode.SERVING
    assert store.evidence()[0, ":loss"]["cleared_on"] is not None


def flag(scorer, count, seconds=0, **changes):
    """Let the real model flag so many payments."""
    scorer.clock.time = NOON + seconds
    for number in range(count):
        tokens = {kind: tokenise(KEY, kind, 1_000 * seconds + number) for kind in ("customer", "terminal")}
        answer = scorer.decide(transaction_id=f"{seconds}-{number}", amount=39_000, **{**tokens, **changes})
        assert (answer.status_code, answer.json["decision"]) == (200, "flag")


def inspect(scorer, settings, seconds):
    """Let the guard look once, and again as long as it has work."""
    while inspect_evidence(scorer.store, settings, NOON + seconds).more:
        pass


def test_a_flagged_share_pages_within_minutes_and_suspends_nothing(scorer, settings):
    """Ten payments of ten customers, all flagged: rate and fraud explain 6.9 %."""
    flag(scorer, 10)
    inspect(scorer, settings, 61)

    switch = scorer.store.switch()
    assert (switch.mode, dict(switch.warnings)) == (Mode.SERVING, {"flagged_share": Level.PAGE})
    assert switch.warned.reason.startswith("10 of 10 decisions of the last 5 minutes were flagged")
    assert state(scorer).warnings == ("flagged_share",)
    assert scorer.get("/v1/status").json["warnings"] == [switch.warned.reason]
    (name,) = scorer.store.outbox.notifications()
    scorer.store.outbox.queue_notifications(["ops"], 100.0)
    (delivery,) = scorer.store.outbox.deliveries()
    assert (delivery.notification, json.loads(delivery.switch)["news"]) == (name, "warning")

    inspect(scorer, settings, 61 * 60)
    assert dict(scorer.store.switch().warnings) == {}


def test_one_customers_burst_warns_of_nothing(scorer, settings):
    """Thirty flagged payments of one customer at thirty terminals count as two."""
    flag(scorer, 30, customer=CUSTOMER)
    inspect(scorer, settings, 61)

    assert dict(scorer.store.switch().warnings) == {}
    assert [minute.flagged for minute in scorer.store.minutes().values()] == [2]


def test_a_suspended_service_is_warned_about_too(scorer, settings):
    """An admin has suspended it as a drill; the warning changes neither mode nor author."""
    flag(scorer, 10)
    epoch = scorer.store.switch().epoch
    scorer.store.change_switch(
        Order(mode=Mode.SUSPENDED, expected_epoch=epoch, reason="a drill", by="boss", at=NOON, drill=True)
    )
    inspect(scorer, settings, 61)

    switch = scorer.store.switch()
    assert (switch.mode, switch.by, dict(switch.warnings)) == (Mode.SUSPENDED, "boss", {"flagged_share": Level.PAGE})


def test_a_warning_that_is_off_is_not_raised(scorer, settings):
    """The same ten payments, and a policy that wants to know nothing of them."""
    flag(scorer, 10)
    inspect(scorer, dataclasses.replace(settings, signal_policies="flagged_share=off"), 61)

    assert dict(scorer.store.switch().warnings) == {}
