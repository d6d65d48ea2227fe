"""Commands for a person: list dead letters, send them again, try a subscriber, mark a drill."""

import argparse
import asyncio
import datetime as dt
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

from antifraud.api.fields import MAX_REASON
from antifraud.commands.terminal import align_columns, say
from antifraud.errors import SettingsError
from antifraud.keys.subscribers import load_subscribers
from antifraud.killswitch.machine import Note
from antifraud.settings.serving import GuardSettings
from serving.guard.events import PING, build_event, sign
from serving.guard.sending import send
from serving.store.records import Delivery
from serving.store.registration import require_registered
from serving.store.store import Store, open_store

DEAD_LETTERS: Final = "dead-letters"
REDELIVER: Final = "redeliver"
OPERATOR: Final = "operator"
"""The author of a change by a command: whoever may read the store's folder."""


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the parser of the guard; each has the function that runs it."""
    commands = parser.add_subparsers(metavar="command")
    listing = commands.add_parser(DEAD_LETTERS, help="list the deliveries that were given up", allow_abbrev=False)
    listing.set_defaults(run=list_dead_letters)
    again = commands.add_parser(REDELIVER, help="queue dead letters again", allow_abbrev=False)
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="all dead letters")
    which.add_argument("--notification", help="id of one, as `dead-letters` shows it")
    again.add_argument("--subscriber", help="only those of this subscriber")
    again.set_defaults(run=redeliver)
    ping = commands.add_parser("ping", help="send a subscriber a test event at once", allow_abbrev=False)
    ping.add_argument("subscriber", help="name of the subscriber")
    ping.set_defaults(run=ping_subscriber)
    drill = commands.add_parser("drill", help="mark a drill and tell subscribers; nothing else", allow_abbrev=False)
    drill.add_argument("--end", action="store_true", help="end the drill that is under way")
    drill.add_argument("--reason", required=True, help="a sentence for subscribers and the audit trail")
    drill.set_defaults(run=mark_drill)


def list_dead_letters(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Print the subscriber, id, time of queueing, attempts and last failure of every dead letter."""
    with closing(_open_store(GuardSettings.from_environment(environ))) as store:
        letters = store.outbox.dead_letters()
    for line in align_columns([_describe(letter) for letter in letters]):
        say(line)


def redeliver(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Queue dead letters again; the running guard sends them.

    Raises:
        SettingsError: There is no such dead letter.
    """
    with closing(_open_store(GuardSettings.from_environment(environ))) as store:
        chosen = _choose(store.outbox.dead_letters(), options)
        count = store.outbox.redeliver(chosen, time.time())
    if not count and not options.all:
        raise SettingsError(f"there is no such dead letter: `python -m serving.guard {DEAD_LETTERS}` lists them")
    say(f"queued {count} again")


def ping_subscriber(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Send a test event, once and without the outbox.

    Raises:
        SettingsError: There is no such subscriber.
        NotTaken: It did not take the event.
    """
    settings = GuardSettings.from_environment(environ)
    subscriber = load_subscribers(settings.subscribers_path, settings.networks).get(options.subscriber)
    if subscriber is None:
        raise SettingsError("there is no such subscriber: `python -m antifraud subscribers list` lists them")
    now, event_id = time.time(), f"ping-{uuid.uuid4().hex}"
    body = build_event(event_id, PING, int(now), {})
    headers = sign(subscriber.secrets, event_id, body, now)
    asyncio.run(send(subscriber, headers, body, settings.networks))
    say(f"{subscriber.name} took the test event {event_id}")


def mark_drill(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Mark a drill that begins or ends; decisions and evidence go on as before.

    Raises:
        SettingsError: The reason is empty or too long.
        TransitionRefused: A drill is under way already, or none is.
    """
    if not 0 < len(options.reason) <= MAX_REASON:
        raise SettingsError(f"--reason has {len(options.reason)} characters: expected 1 to {MAX_REASON}")
    settings = GuardSettings.from_environment(environ)
    note = Note(options.reason, OPERATOR, settings.clock.now())
    with closing(_open_store(settings)) as store:
        switch = store.mark_drill(begins=not options.end, note=note)
    say(f"the drill has {'ended' if options.end else 'begun'}: the switch is {switch.mode} at epoch {switch.epoch}")


def _open_store(settings: GuardSettings) -> Store:
    store = open_store(settings)
    try:
        require_registered(store, settings.releases_dir)
    except BaseException:
        store.close()
        raise
    return store


def _choose(letters: Sequence[Delivery], options: argparse.Namespace) -> list[Delivery]:
    return [
        letter
        for letter in letters
        if options.subscriber in (None, letter.subscriber)
        and (options.all or options.notification == letter.notification)
    ]


def _describe(letter: Delivery) -> tuple[str, ...]:
    queued = dt.datetime.fromtimestamp(letter.queued_at, tz=dt.UTC).isoformat(timespec="seconds")
    return letter.subscriber, letter.notification, queued, f"{letter.attempts} attempts", letter.reason
