"""Commands that make and keep secrets: the key ring, access tokens, and the keys that releases are signed with.

Secrets are written to files and never shown; keys of the key ring are listed by their id.
"""

import argparse
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from antifraud.commands.command import Environ, argument, command
from antifraud.commands.terminal import say
from antifraud.errors import SettingsError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.keys.access import generate_access
from antifraud.keys.pseudonym import generate_keyring, load_keyring, retire_key, rotate_keyring
from antifraud.keys.signing import generate_signing_keys
from antifraud.lake.bridges import remove_bridges
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.key_use import days_under
from antifraud.lake.schemas import CLEAN, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import ScorerSettings

NEEDED: Final = (CLEAN, TOTALS_CUSTOMER, TOTALS_TERMINAL)
"""Tables whose recent days make the newest state; all of those days must be under keys that stay."""
SHOWN: Final = 3


@command("keys generate")
def generate_keys(_options: argparse.Namespace, environ: Environ) -> None:
    """Make a key ring for pseudonyms."""
    path = JobSettings.from_environment(environ).keyring_path
    try:
        generate_keyring(path)
    except FileExistsError:
        raise SettingsError(f"{path} exists: another key ring would orphan every token made with it") from None
    say(f"wrote {path}")


@command("keys list")
def list_keys(_options: argparse.Namespace, environ: Environ) -> None:
    """List the ids of the keys and mark the active one."""
    ring = load_keyring(JobSettings.from_environment(environ).keyring_path)
    for key_id in sorted(ring.keys, key=lambda known: int(known[1:])):
        say(f"{key_id}  {'active' if key_id == ring.active else ''}".rstrip())


@command("keys rotate")
def rotate_keys(_options: argparse.Namespace, environ: Environ) -> None:
    """Add a new key and make it active.

    Tokens in the lake stay under the old key until jobs/rotate_keys.py has run.
    """
    key_id = rotate_keyring(JobSettings.from_environment(environ).keyring_path)
    say(f"{key_id} is active; the lake stays under its key until jobs/rotate_keys.py has run")


@command("keys retire", argument("key", help="id of the key, such as k1"))
def retire_keys(options: argparse.Namespace, environ: Environ) -> None:
    """Remove a key that the lake no longer needs, and its bridges.

    A key is refused while days that the newest state looks back on are under it.
    """
    settings = JobSettings.from_environment(environ)
    load_keyring(settings.keyring_path).without(options.key)
    if used := _recent_days_under(settings, options.key):
        shown = ", ".join(used[:SHOWN]) + (", ..." if len(used) > SHOWN else "")
        raise SettingsError(
            f"{len(used)} days of the lake that are still needed are under {options.key} ({shown}): "
            "run jobs/rotate_keys.py first"
        )
    # Bridges first: after a kill in between, the key is still there and the command can be repeated.
    remove_bridges(settings, options.key)
    retire_key(settings.keyring_path, options.key)
    say(f"{options.key} is removed from {settings.keyring_path}: remove it from the clients and from backups, too")


def _recent_days_under(settings: JobSettings, key_id: str) -> list[str]:
    """Return the days under a key that the newest or the next state looks back on, and that state's own day."""
    # A key ring can be older than its lake: without a lake, no day is under any key.
    if settings.catalog_uri is None and not settings.under_home("lake").exists():
        return []
    catalog = open_catalog(settings)
    known = published(catalog, CLEAN, dt.date.min, dt.date.max)
    if not known:
        return []
    last = max(known)
    first = last - dt.timedelta(days=settings.label_delay_days + LONGEST_WINDOW_DAYS - 1)
    return days_under(catalog, NEEDED, key_id, first, last) + days_under(catalog, [STATE], key_id, last, last)


@command("access generate")
def make_access(_options: argparse.Namespace, environ: Environ) -> None:
    """Make bearer tokens and their hashes."""
    folder = ScorerSettings.from_environment(environ).access_path.parent
    try:
        _name_files(generate_access(folder))
    except FileExistsError as error:
        raise SettingsError(str(error)) from None


@command("release-key generate")
def make_release_keys(_options: argparse.Namespace, environ: Environ) -> None:
    """Make the key pair that releases are signed with.

    Promotion signs with the private key, every other process checks with the public one.
    """
    settings = JobSettings.from_environment(environ)
    try:
        _name_files(generate_signing_keys(settings.release_signing_key_path, settings.release_public_key_path))
    except FileExistsError as error:
        raise SettingsError(str(error)) from None


def _name_files(written: Iterable[Path]) -> None:
    for path in written:
        say(f"wrote {path}")
