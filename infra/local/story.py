"""Play the live part of a run: an ordinary day, then changed customers until the guard suspends the service.

The business clock steps: a day is decided when it is over, its labels come a week later, and then the guard closes it.
"""

import datetime as dt
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.client import ScorerClient, Suspended
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, BusinessClock, day_number
from antifraud.errors import PublishError
from antifraud.keys.pseudonym import load_active_key
from antifraud.transaction_id import IdScope
from infra.local.live_rows import LiveRow, changed, live_rows
from infra.local.plan import LABEL_DELAY_DAYS, Plan
from infra.local.progress import Progress
from infra.local.traffic import Tally, batches, post_labels, send
from infra.local.world import live_folder

SPEND_FACTOR: Final = 3
SHOW_EVERY: Final = 2_000
GUARD_SECONDS: Final = 60.0
"""Time for the guard to count a day and to close it."""
CLOSING_SECONDS: Final = 4 * HOUR_SECONDS
"""Business time after the end of the label delay: the guard closes a day three hours later."""
SUSPENDED_EVENT: Final = "antifraud.switch.suspended"
SERVING_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Scorer:
    """The running scorer: its clients by token, the folder of received webhooks, the scope of ids, and the clock."""

    client: ScorerClient
    admin: ScorerClient
    webhooks: Path
    id_scope: IdScope
    clock: BusinessClock

    @classmethod
    def connect(cls, home: Path, url: str, id_scope: IdScope, clock: BusinessClock) -> "Scorer":
        """Return clients with the key and the tokens in the files of `home`."""
        key = load_active_key(home / "raw" / "secrets" / "keyring.json")
        client, admin = (
            ScorerClient(url, (home / "secrets" / f"{name}.token").read_text().strip(), key)
            for name in ("client", "admin")
        )
        return cls(client, admin, home / "webhooks", id_scope, clock)


def begin(scorer: Scorer, progress: Progress) -> None:
    """Resume a new store, which is suspended until an admin says that the service may begin."""
    switch = scorer.client.status()["switch"]
    if (switch["mode"], switch["epoch"]) == ("SUSPENDED", 0):
        scorer.admin.resume("the first release has passed the gate", 0)
        progress.say("   an admin resumes the new store: the scorer may decide")


def wait_for_release(scorer: Scorer, release: str, progress: Progress) -> None:
    """Wait until every worker of the scorer serves `release`.

    Raises:
        PublishError: A worker serves another release after `SERVING_SECONDS`.
    """
    until = time.monotonic() + SERVING_SECONDS
    while time.monotonic() < until:
        workers = scorer.client.status()["workers"]
        if len(workers) >= WORKERS and all(worker["release"] == release for worker in workers):
            progress.say(f"   {len(workers)} workers of the scorer serve {release}")
            return
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"the scorer does not serve {release} after {SERVING_SECONDS:.0f} s: see its log")


def ordinary_day(scorer: Scorer, home: Path, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Send the first live day and its labels, and require that the guard stays quiet.

    Raises:
        PublishError: The guard suspended the service.
    """
    tally, day = Tally(), plan.live[0]
    rows = live_rows(live_folder(home), day)
    _decide(scorer, day, rows, tally, progress)
    _learn(scorer, day, rows, tally)
    if _mode(scorer) != "SERVING":
        raise PublishError("the guard suspended the service on an ordinary day: its log has the evidence")
    progress.say(f"   a week later: {tally.labels:,} labels posted, the day is closed, the guard stays quiet")
    return _result(tally)


def changed_days(scorer: Scorer, home: Path, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Send the other live days with multiplied honest amounts, and their labels, until the guard suspends.

    Raises:
        PublishError: The guard did not suspend the service.
    """
    tally = Tally()
    for day in plan.live[1:]:
        progress.say(f"   {day}: honest customers now spend {SPEND_FACTOR} times more")
        *rows, last = changed(live_rows(live_folder(home), day), SPEND_FACTOR)
        _decide(scorer, day, rows, tally, progress)
        _learn(scorer, day, rows, tally)
        if _mode(scorer) == "SUSPENDED":
            return _tripped(scorer, tally, last, progress)
        progress.say(f"   a week later: {tally.labels:,} labels since the change, {_rates(tally)}")
    raise PublishError(f"the guard did not suspend the service after {tally.labels:,} labels: its log has the evidence")


def _decide(scorer: Scorer, day: dt.date, rows: list[LiveRow], tally: Tally, progress: Progress) -> None:
    """Send the rows of a day when it is over; several days can wait for the same hour."""
    scorer.clock.step_to(_after(day, days=1))
    decided = 0
    for batch in batches(rows, SHOW_EVERY):
        send(scorer.client, batch, tally, scorer.id_scope)
        decided += len(batch)
        progress.say(f"   {day}: {decided:,} of {len(rows):,} decisions, {_rates(tally)}")


def _learn(scorer: Scorer, day: dt.date, rows: list[LiveRow], tally: Tally) -> None:
    """Step to the last hour of the label delay and post the labels, then step on until the guard closes the day.

    Raises:
        PublishError: The guard does not close it.
    """
    before = _closed_days(scorer)
    scorer.clock.step_to(_after(day, days=LABEL_DELAY_DAYS + 1) - HOUR_SECONDS // 2)
    post_labels(scorer.client, rows, tally, scorer.id_scope)
    scorer.clock.step_to(_after(day, days=LABEL_DELAY_DAYS + 1) + CLOSING_SECONDS)
    until = time.monotonic() + GUARD_SECONDS
    while time.monotonic() < until:
        if _closed_days(scorer) > before:
            return
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"the guard did not close {day} within {GUARD_SECONDS:.0f} s: see its log")


def _after(day: dt.date, days: int) -> int:
    """Return the beginning of the day that comes so many days after `day`, UTC seconds."""
    return (day_number(day) + days) * DAY_SECONDS


def _closed_days(scorer: Scorer) -> int:
    """Return how many days the service's evidence has counted, in all its eras."""
    return sum(each["days"] for each in scorer.client.status()["evidence"] if each["subject"] == "service")


def _tripped(scorer: Scorer, tally: Tally, row: LiveRow, progress: Progress) -> dict[str, Any]:
    switch = scorer.client.status()["switch"]
    progress.say(f"   suspended by {switch['by']} after {tally.labels:,} labels: {switch['reason']}")
    refused = _is_refused(scorer, row)
    event = _webhook(scorer, progress)
    scorer.admin.resume("the change was understood", switch["epoch"])
    answer = Tally()
    send(scorer.client, [row], answer, scorer.id_scope)
    progress.say("   resumed by an admin; the next transaction is decided again")
    return {
        **_result(tally),
        "labels_until_trip": tally.labels,
        "by": switch["by"],
        "reason": switch["reason"],
        "refused_while_suspended": refused,
        "webhook": {"type": event["type"], "id": event["id"], "signature_verified": True},
        "decided_after_resume": answer.decided,
    }


def _is_refused(scorer: Scorer, row: LiveRow) -> bool:
    try:
        send(scorer.client, [row], Tally(), scorer.id_scope)
    except Suspended:
        return True
    return False


def _webhook(scorer: Scorer, progress: Progress) -> dict[str, Any]:
    """Wait for the webhook of the suspension; the receiver keeps only webhooks with a valid signature."""
    until = time.monotonic() + GUARD_SECONDS
    while time.monotonic() < until:
        kept = sorted(scorer.webhooks.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        if found := [event for event in map(_read_event, kept) if event["type"] == SUSPENDED_EVENT]:
            event = found[-1]
            progress.say(f"   webhook received, its signature verifies: {json.dumps(event['data'])}")
            return event
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"no webhook arrived within {GUARD_SECONDS:.0f} s: see the logs of guard and webhook")


def _read_event(path: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text())
    return event


def _mode(scorer: Scorer) -> str:
    return str(scorer.client.status()["switch"]["mode"])


def _rates(tally: Tally) -> str:
    return f"false-positive rate {tally.false_positive_rate:.1%}, p50 {tally.latency_ms(0.5):.1f} ms"


def _result(tally: Tally) -> dict[str, Any]:
    return {
        "decided": tally.decided,
        "flagged": tally.flagged,
        "labels": tally.labels,
        "false_positive_rate": round(tally.false_positive_rate, 4),
        "p50_ms": tally.latency_ms(0.5),
        "p99_ms": tally.latency_ms(0.99),
    }
