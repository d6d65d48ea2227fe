"""Play the live part of a run: an ordinary day, then changed customers until the guard suspends the service."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antifraud.client import ScorerClient, Suspended
from antifraud.errors import PublishError
from antifraud.keys.pseudonym import load_active_key
from antifraud.transaction_id import IdScope
from infra.local.live_rows import LiveRow, changed, live_rows
from infra.local.plan import Plan
from infra.local.progress import Progress
from infra.local.traffic import LABELS_AT_ONCE, Tally, batches, post_labels, send
from infra.local.world import live_folder

SPEND_FACTOR: Final = 3
SHOW_EVERY: Final = 2_000
GUARD_SECONDS: Final = 20.0
"""Time for the guard to read the last labels."""
SERVING_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Scorer:
    """The running scorer: a client for each of the two tokens, the folder of received webhooks, the scope of ids."""

    client: ScorerClient
    admin: ScorerClient
    webhooks: Path
    id_scope: IdScope

    @classmethod
    def connect(cls, home: Path, url: str, id_scope: IdScope) -> "Scorer":
        """Return clients with the key and the tokens in the files of `home`."""
        key = load_active_key(home / "raw" / "secrets" / "keyring.json")
        client, admin = (
            ScorerClient(url, (home / "secrets" / f"{name}.token").read_text().strip(), key)
            for name in ("client", "admin")
        )
        return cls(client, admin, home / "webhooks", id_scope)


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
    tally, rows = Tally(), live_rows(live_folder(home), plan.live[0])
    for batch in batches(rows, SHOW_EVERY):
        send(scorer.client, batch, tally, scorer.id_scope)
        progress.say(f"   {plan.live[0]}: {tally.decided:,} of {len(rows):,} decisions, {_rates(tally)}")
    post_labels(scorer.client, rows, tally, scorer.id_scope)
    time.sleep(GUARD_SECONDS / 2)
    if _mode(scorer) != "SERVING":
        raise PublishError("the guard suspended the service on an ordinary day: its log has the evidence")
    progress.say(f"   {tally.labels:,} labels posted, the guard stays quiet")
    return _result(tally)


def changed_days(scorer: Scorer, home: Path, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Send the other live days with multiplied honest amounts, and their labels, until the guard suspends.

    Raises:
        PublishError: The guard did not suspend the service.
    """
    tally = Tally()
    for day in plan.live[1:]:
        progress.say(f"   {day}: honest customers now spend {SPEND_FACTOR} times more")
        for batch in batches(list(changed(live_rows(live_folder(home), day), SPEND_FACTOR)), LABELS_AT_ONCE):
            try:
                send(scorer.client, batch, tally, scorer.id_scope)
            except Suspended:
                return _tripped(scorer, tally, batch, progress)
            post_labels(scorer.client, batch, tally, scorer.id_scope)
            progress.say(f"   {tally.labels:,} labels since the change, {_rates(tally)}")
    raise PublishError(f"the guard did not suspend the service after {tally.labels:,} labels: its log has the evidence")


def _tripped(scorer: Scorer, tally: Tally, batch: list[LiveRow], progress: Progress) -> dict[str, Any]:
    switch = scorer.client.status()["switch"]
    progress.say(f"   suspended by {switch['by']} after {tally.labels:,} labels: {switch['reason']}")
    refused = _is_refused(scorer, batch[-1])
    event = _webhook(scorer, progress)
    scorer.admin.resume("the change was understood", switch["epoch"])
    answer = Tally()
    send(scorer.client, batch[-1:], answer, scorer.id_scope)
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
    """Wait for the newest webhook; the receiver keeps only webhooks with a valid signature."""
    until = time.monotonic() + GUARD_SECONDS
    while time.monotonic() < until:
        if kept := sorted(scorer.webhooks.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            event: dict[str, Any] = json.loads(kept[-1].read_text())
            progress.say(f"   webhook received, its signature verifies: {json.dumps(event['data'])}")
            return event
        time.sleep(LOOK_SECONDS)
    raise PublishError(f"no webhook arrived within {GUARD_SECONDS:.0f} s: see the logs of guard and webhook")


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
