"""Play the live part of a run: an ordinary day, then changed customers until the guard suspends the service.

The business clock steps: a day is decided when it is over, its labels come a week later, and then the guard closes it.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.client import ScorerClient, Suspended
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, BusinessClock, day_number
from antifraud.errors import PublishError
from antifraud.keys.pseudonym import load_active_key
from antifraud.killswitch.news import News
from antifraud.transaction_id import IdScope
from infra.local.events import PREFIX, Event, wait_for_event
from infra.local.live_rows import LiveRow, changed, live_rows
from infra.local.plan import LABEL_DELAY_DAYS, Plan
from infra.local.progress import Progress
from infra.local.record import RunRecord
from infra.local.traffic import Tally, batches, post_labels, send
from infra.local.waiting import wait_for
from infra.local.world import live_folder

SPEND_FACTOR: Final = 3
"""Factor of honest amounts after the change in own files; the simulator has a change of its own."""
SHOW_EVERY: Final = 2_000
CLOSING_SECONDS: Final = 4 * HOUR_SECONDS
"""Business time after the end of the label delay: the guard closes a day three hours later."""
WORKERS: Final = 2
ADMIN: Final = "admin"
"""Author of a resume by a person."""


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

    @property
    def switch(self) -> dict[str, Any]:
        """The switch as the scorer tells it now."""
        switch: dict[str, Any] = self.client.status()["switch"]
        return switch


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a part of the story needs; the record says what an earlier run has done already."""

    scorer: Scorer
    home: Path
    plan: Plan
    record: RunRecord
    progress: Progress

    def rows_of(self, day: dt.date) -> list[LiveRow]:
        """Return the payments of a day; since the onset, the honest customers of own files spend more."""
        rows = live_rows(live_folder(self.home), day)
        # The simulator has changed the customers of its own files.
        is_as_written = self.plan.is_simulated or day < self.plan.onset
        return rows if is_as_written else list(changed(rows, SPEND_FACTOR))


def begin(scorer: Scorer, progress: Progress) -> None:
    """Resume a new store, which is suspended until an admin says that the service may begin."""
    switch = scorer.switch
    if (switch["mode"], switch["epoch"]) == ("SUSPENDED", 0):
        scorer.admin.resume("the first release has passed the gate", 0)
        progress.say("   an admin resumes the new store: the scorer may decide")


def wait_for_release(scorer: Scorer, release: str, progress: Progress) -> None:
    """Wait until every worker of the scorer serves `release`.

    Raises:
        PublishError: A worker serves another release for too long.
    """

    def look() -> int | None:
        workers = scorer.client.status()["workers"]
        is_everywhere = all(worker["release"] == release for worker in workers)
        return len(workers) if is_everywhere and len(workers) >= WORKERS else None

    workers = wait_for(look, f"the scorer does not serve {release}")
    progress.say(f"   {workers} workers of the scorer serve {release}")


def decide_day(stage: Stage, day: dt.date) -> None:
    """Send the payments of a day when it is over, the last one excepted, and keep their figures.

    The last payment is sent while the service is suspended.
    """
    name = _decided(day)
    if name in stage.record.results:
        stage.progress.say(f"   {day}: done in an earlier run")
    else:
        stage.scorer.clock.step_to(after(day, days=1))
        stage.record.keep(name, {"day": str(day), **send_rows(stage, day, stage.rows_of(day)[:-1])})


def _decided(day: dt.date) -> str:
    """Return the name under which the record has the figures of a day."""
    return f"decided {day}"


def send_rows(stage: Stage, day: dt.date, rows: list[LiveRow]) -> dict[str, Any]:
    """Send payments of a day, show the progress, and return their figures."""
    tally = Tally()
    for batch in batches(rows, SHOW_EVERY):
        send(stage.scorer.client, batch, tally, stage.scorer.id_scope)
        rates = f"false-positive rate {tally.false_positive_rate:.1%}, p50 {tally.latency_ms(0.5):.1f} ms"
        stage.progress.say(f"   {day}: {tally.decided:,} of {len(rows):,} decisions, {rates}")
    return tally.figures()


def learn_day(stage: Stage, day: dt.date) -> int:
    """Step to the last hour of the label delay and post the labels of a day; return their number.

    Labels that come after the delay do not count for the evidence, so nothing may step further before.
    """
    name = f"labels {day}"
    if name not in stage.record.results:
        rows = stage.rows_of(day)[:-1]
        stage.scorer.clock.step_to(after(day, days=LABEL_DELAY_DAYS + 1) - HOUR_SECONDS // 2)
        post_labels(stage.scorer.client, rows, stage.scorer.id_scope)
        stage.record.keep(name, len(rows))
    return int(stage.record.results[name])


def close_day(stage: Stage, day: dt.date) -> int:
    """Post the labels of a day, then step on until the guard closes it; return their number.

    Raises:
        PublishError: The guard does not close it.
    """
    labels, wanted = learn_day(stage, day), stage.plan.live.index(day) + 1
    stage.scorer.clock.step_to(after(day, days=LABEL_DELAY_DAYS + 1) + CLOSING_SECONDS)
    wait_for(lambda: closed_days(stage.scorer.client) >= wanted or None, f"the guard did not close {day}")
    return labels


def require_quiet(stage: Stage) -> dict[str, Any]:
    """Close the ordinary day and require that the guard stays quiet; return its figures.

    Raises:
        PublishError: The guard suspended the service.
    """
    day = stage.plan.live[0]
    labels = close_day(stage, day)
    if stage.scorer.switch["mode"] != "SERVING":
        raise PublishError("the guard suspended the service on an ordinary day: its log has the evidence")
    stage.progress.say(f"   {day}: {labels:,} labels a week later, the day is closed, the guard stays quiet")
    return {**stage.record.results[_decided(day)], "labels": labels}


def await_trip(stage: Stage) -> dict[str, Any]:
    """Close changed days until the guard suspends the service; return what happened.

    Raises:
        PublishError: The guard did not suspend the service.
    """
    labels = 0
    for day in stage.plan.live[1:]:
        labels += close_day(stage, day)
        if (switch := stage.scorer.switch)["mode"] == "SUSPENDED":
            figures = stage.record.results[_decided(day)]
            return {**figures, "labels": labels, **_look_around(stage, switch, stage.rows_of(day)[-1])}
        stage.progress.say(f"   {day}: {labels:,} labels since the change, the guard waits for more")
    raise PublishError(f"the guard did not suspend the service after {labels:,} labels: its log has the evidence")


def _look_around(stage: Stage, switch: dict[str, Any], row: LiveRow) -> dict[str, Any]:
    """Return what a client sees of a suspension: the switch, a refused payment, the webhook."""
    say = stage.progress.say
    say(f"   suspended by {switch['by']}: {switch['reason']}")
    say(f"   why nothing else serves: {switch['evidence'].get('consequence', 'nobody knows')}")
    refused = _is_refused(stage.scorer, row)
    event = wait_for_event(stage.scorer.webhooks, News.SUSPENDED, switch["began"])
    say(f"   webhook received, its signature verifies: {json.dumps(event.data)}")
    return {
        **{name: switch[name] for name in ("by", "at", "epoch", "reason", "trip")},
        "consequence": switch["evidence"].get("consequence"),
        "refused_while_suspended": refused,
        "webhook": describe_webhook(event),
    }


def describe_webhook(event: Event) -> dict[str, Any]:
    """Return what the summary tells of a webhook that the receiver has kept, so its signature verifies."""
    return {"type": PREFIX + event.kind, "id": event.id, "signature_verified": True}


def resume_after_trip(stage: Stage) -> dict[str, Any]:
    """Resume as a person and decide the payment that was refused."""
    day = dt.date.fromisoformat(stage.record.results["guard"]["day"])
    return resume_as_admin(stage, day, stage.rows_of(day)[-1:])


def resume_as_admin(stage: Stage, day: dt.date, rows: list[LiveRow]) -> dict[str, Any]:
    """Resume as a person and decide payments of a day."""
    if (switch := stage.scorer.switch)["mode"] == "SUSPENDED":
        stage.scorer.admin.resume("the change was understood", switch["epoch"])
    stage.progress.say("   resumed by an admin: payments are decided again")
    return {"by": ADMIN, **send_rows(stage, day, rows)}


def after(day: dt.date, days: int) -> int:
    """Return the beginning of the day that comes so many days after `day`, UTC seconds."""
    return (day_number(day) + days) * DAY_SECONDS


def closed_days(client: ScorerClient) -> int:
    """Return how many days the service's evidence has counted, in all its eras."""
    return sum(each["days"] for each in client.status()["evidence"] if each["subject"] == "service")


def _is_refused(scorer: Scorer, row: LiveRow) -> bool:
    try:
        send(scorer.client, [row], Tally(), scorer.id_scope)
    except Suspended:
        return True
    return False
