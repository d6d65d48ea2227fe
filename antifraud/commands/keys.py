"""``python -m antifraud keys``: the life of the key ring. Keys are made, listed by id and removed, never shown."""

import argparse
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from antifraud.errors import SettingsError
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.keys.pseudonym import generate_keyring, load_keyring, retire_key, rotate_keyring
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.key_use import days_under
from antifraud.lake.schemas import CLEAN, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.lake.storage import remove_bridges
from antifraud.settings.core import JobSettings

NEEDED: Final = (CLEAN, TOTALS_CUSTOMER, TOTALS_TERMINAL)
"""Tables of which the newest state's whole reach must be under the keys that stay."""
SHOWN: Final = 3


def generate_keys(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Make a key ring for pseudonyms."""
    path = JobSettings.from_environment(environ).keyring_path
    try:
        generate_keyring(path)
    except FileExistsError:
        raise SettingsError(f"{path} exists: another key ring would orphan every token made with it") from None
    say(f"wrote {path}")


def list_keys(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """List the ids of the keys, and which one is active."""
    ring = load_keyring(JobSettings.from_environment(environ).keyring_path)
    for key_id in sorted(ring.keys, key=lambda known: int(known[1:])):
        say(f"{key_id}  {'active' if key_id == ring.active else ''}".rstrip())


def rotate_keys(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Add a new key and make it active; the lake follows when jobs/rotate_keys.py has run."""
    key_id = rotate_keyring(JobSettings.from_environment(environ).keyring_path)
    say(f"{key_id} is active; the lake stays under its key until jobs/rotate_keys.py has run")


def retire_keys(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Remove a key that the lake's recent days no longer need, and the bridges from its tokens."""
    settings = JobSettings.from_environment(environ)
    load_keyring(settings.keyring_path).without(options.key)
    if used := _recent_days_under(settings, options.key):
        shown = ", ".join(used[:SHOWN]) + (", ..." if len(used) > SHOWN else "")
        raise SettingsError(
            f"{len(used)} days of the lake that are still needed are under {options.key} ({shown}): "
            "run jobs/rotate_keys.py first"
        )
    # In this order, so that a kill in between leaves no bridge for which there is no key to retire again.
    remove_bridges(settings, options.key)
    retire_key(settings.keyring_path, options.key)
    say(f"{options.key} is removed from {settings.keyring_path}: remove it from the clients and from backups, too")


def _recent_days_under(settings: JobSettings, key_id: str) -> list[str]:
    """Days under a key among those that the newest state, and the next one, look back on; and that state itself."""
    if settings.catalog_uri is None and not settings.under_home("lake").exists():
        return []
    catalog = open_catalog(settings)
    known = published(catalog, CLEAN, dt.date.min, dt.date.max)
    if not known:
        return []
    last = max(known)
    first = last - dt.timedelta(days=settings.label_delay_days + LONGEST_WINDOW_DAYS - 1)
    return days_under(catalog, NEEDED, key_id, first, last) + days_under(catalog, [STATE], key_id, last, last)


def say(line: str) -> None:
    """Print a line for the person who called."""
    print(line)  # noqa: T201 a command talks to a person


KEY_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Mapping[str, str]], None]]] = {
    "generate": generate_keys,
    "list": list_keys,
    "rotate": rotate_keys,
    "retire": retire_keys,
}
