"""Commands about releases: list and check them, choose the one that serves, remove old ones."""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from antifraud.artifacts.bundle import open_release, require_feature_set
from antifraud.artifacts.pointer import Pointer, activate, pin, read_pointer
from antifraud.artifacts.shelf import Entry, collect, find_bundles, list_entries, roles_of
from antifraud.client.errors import ClientError
from antifraud.client.switch import read_switch
from antifraud.clock import ONE_DAY, date_of, day_of
from antifraud.commands.command import Environ, argument, command
from antifraud.commands.terminal import align_columns, say
from antifraud.errors import ReleaseError, SettingsError
from antifraud.keys.signing import PublicKey
from antifraud.settings.core import JobSettings, Settings

COLUMNS: Final = ("release", "role", "as of", "verdict", "threshold", "state")
SHORTEST_REASON: Final = 10
KEPT: Final = 10

RELEASE = argument("release", help="id of the release")
DRY_RUN = argument(
    "--dry-run",
    action=argparse.BooleanOptionalAction,
    default=True,
    help="only show what would happen (the default); --no-dry-run does it",
)
REASON = argument("--reason", required=True, help="why, in a sentence; kept in the pointer")
EXPECT_CHANGE = argument(
    "--expect-change",
    type=int,
    help="move only if the pointer is still at this change, as the dry run showed it",
)


@command("release list")
def list_releases(_options: argparse.Namespace, environ: Environ) -> None:
    """List the bundles, newest first.

    Columns are role, day of training, verdict, threshold (ppm) and whether the bundle verifies.
    """
    settings = Settings.from_environment(environ)
    # Asked before the public key is read: a new installation has neither releases nor keys.
    if not any(find_bundles(settings.releases_dir)):
        say(f"no release in {settings.releases_dir}: jobs/promote.py makes one from a candidate that passed")
        return
    rows = [_describe_entry(entry) for entry in list_entries(settings.releases_dir, _read_key(settings))]
    for line in align_columns([COLUMNS, *rows]):
        say(line)
    say(f"\n{_describe_pointer(read_pointer(settings.releases_dir))}")


def _describe_entry(entry: Entry) -> Sequence[str]:
    shown = {name: str(entry.manifest.get(name, "-")) for name in ("as_of", "verdict")}
    threshold = entry.manifest.get("threshold")
    flagged = f"{threshold:,}" if isinstance(threshold, int) else "-"
    roles = ", ".join(entry.roles) or "-"
    return entry.release, roles, shown["as_of"], shown["verdict"], flagged, "BROKEN" if entry.trouble else "verified"


def _describe_pointer(pointer: Pointer | None) -> str:
    if pointer is None:
        return "nothing serves: the pointer was never set"
    why = f' ("{pointer.reason}")' if pointer.reason else ""
    return f"{pointer.release} serves; the pointer is at change {pointer.sequence}{why}"


@command("release show", RELEASE)
def show_release(options: argparse.Namespace, environ: Environ) -> None:
    """Print a bundle's manifest and its roles as JSON."""
    settings = Settings.from_environment(environ)
    bundle = open_release(settings, _require_one_folder(options.release))
    roles = roles_of(bundle.release, read_pointer(settings.releases_dir))
    say(json.dumps({"release": bundle.release, "roles": roles, **bundle.manifest}, indent=2, sort_keys=True))


@command("release verify", RELEASE)
def verify_release(options: argparse.Namespace, environ: Environ) -> None:
    """Check the signature and every file of a bundle."""
    bundle = open_release(Settings.from_environment(environ), _require_one_folder(options.release))
    say(f"{bundle.release} is signed and is what its manifest says")


@command("release activate", RELEASE, DRY_RUN, REASON, EXPECT_CHANGE)
def activate_release(options: argparse.Namespace, environ: Environ) -> None:
    """Let a verified bundle serve without asking the gate; dry by default.

    A dry run shows what would change; --no-dry-run moves the pointer. If there is time, prefer
    `python -m jobs.promote --release`, which judges the release on today's data first. MLflow's aliases do not change
    here: `python -m jobs.promote --aliases` brings them up to date with the pointer.
    """
    settings, now, seen = _check_choice(options, environ)
    say(f"serves now: {now.release if now else 'nothing'} (change {now.sequence if now else 0})")
    if options.dry_run:
        say(f"would serve: {options.release}; {_describe_dry_run(seen)}")
        return
    key = _read_key(settings)
    after = activate(settings.releases_dir, options.release, key, reason=options.reason, expected_sequence=seen)
    say(f"serves: {after.release} (change {after.sequence}), before it {after.previous}")


@command("release pin", RELEASE, DRY_RUN, REASON, EXPECT_CHANGE)
def pin_release(options: argparse.Namespace, environ: Environ) -> None:
    """Make a verified bundle the anchor; dry by default.

    The anchor is the long-proven release to go back to. The release that serves does not change.
    `python -m jobs.promote --aliases` brings MLflow's aliases up to date with the pointer.
    """
    settings, now, seen = _check_choice(options, environ)
    say(f"anchor now: {now.anchor if now else 'none'} (change {now.sequence if now else 0})")
    if options.dry_run:
        say(f"would be the anchor: {options.release}; {_describe_dry_run(seen)}")
        return
    key = _read_key(settings)
    after = pin(settings.releases_dir, options.release, key, reason=options.reason, expected_sequence=seen)
    say(f"anchor: {after.anchor} (change {after.sequence}), {after.release} serves")


def _check_choice(options: argparse.Namespace, environ: Environ) -> tuple[Settings, Pointer | None, int]:
    """Check reason and release; return settings, pointer, and the change of the pointer that the person has seen."""
    if len(options.reason) < SHORTEST_REASON:
        raise ReleaseError(f"the reason has {len(options.reason)} characters: {SHORTEST_REASON} or more are expected")
    settings = Settings.from_environment(environ)
    require_feature_set(open_release(settings, _require_one_folder(options.release)))
    now = read_pointer(settings.releases_dir)
    found = now.sequence if now else 0
    # Without --expect-change, the change that was just read is expected: another process may move the pointer.
    return settings, now, found if options.expect_change is None else options.expect_change


def _describe_dry_run(seen: int) -> str:
    return f"dry run, the pointer stays: add --no-dry-run --expect-change {seen}"


@command(
    "release gc",
    DRY_RUN,
    argument("--keep", type=int, default=KEPT, help=f"newest bundles to keep (default {KEPT})"),
)
def collect_releases(options: argparse.Namespace, environ: Environ) -> None:
    """Remove old bundles that nobody needs; dry by default.

    Champion, previous release, anchor, the newest bundles, those of the ladder and what the scorer's switch names
    stay. If the scorer does not tell its switch, nothing is removed. A dry run shows what would be removed;
    --no-dry-run removes it.
    """
    settings = JobSettings.from_environment(environ)
    going = collect(
        settings.releases_dir,
        _read_key(settings),
        keep=options.keep,
        today=date_of(day_of(settings.clock.now())) - ONE_DAY,
        find_in_use=partial(_find_in_use, settings),
        dry_run=options.dry_run,
    )
    for release in going:
        say(f"{'would remove' if options.dry_run else 'removed'} {release}")
    if not going:
        say(f"nothing to remove: every bundle is needed or among the {options.keep} newest")
    elif options.dry_run:
        say("dry run, nothing was removed: add --no-dry-run")


def _find_in_use(settings: JobSettings) -> set[str]:
    """Return the releases that the scorer's switch names, beyond those of the pointer.

    Raises:
        ReleaseError: A scorer uses these releases, and its switch cannot be read.
    """
    try:
        switch = read_switch(settings)
    except (SettingsError, ClientError) as error:
        raise ReleaseError(f"nothing was removed, because the switch may name a release: {error}") from error
    if switch is not None and switch.epoch is None:
        raise ReleaseError("nothing was removed: the scorer has no decision store, whose switch may name a release")
    return switch.releases if switch else set()


def _read_key(settings: Settings) -> PublicKey:
    return PublicKey.read(settings.release_public_key_path)


def _require_one_folder(release: str) -> str:
    if Path(release).name != release or release.startswith("."):
        raise ReleaseError("a release id has no slashes and no dot in front: `release list` shows the ids")
    return release
