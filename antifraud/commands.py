"""``python -m antifraud``: make keys and access tokens, look at releases.

    keys generate              a key ring for pseudonyms, in the raw zone
    keys list|rotate|retire    which keys there are; a new active one; an old one away
    access generate            bearer tokens, their hashes, the webhook secret
    release list|show|verify   what was promoted, and whether it is still what it was

Files with secrets are made with mode 0600 and named, never shown. Errors are one line and an exit code
(`antifraud/errors.py`).
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from antifraud.access import generate_access
from antifraud.commands_keys import KEY_COMMANDS, retire_keys, say
from antifraud.errors import AntifraudError, ReleaseError, SettingsError
from antifraud.release import MANIFEST, read_pointer, verify_bundle
from antifraud.settings import ScorerSettings

PROGRAM: Final = "python -m antifraud"

Command: TypeAlias = Callable[[argparse.Namespace, Mapping[str, str]], None]


def _generate_access(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Make bearer tokens, their hashes and the webhook secret."""
    folder = ScorerSettings.from_environment(environ).access_path.parent
    try:
        written = generate_access(folder)
    except FileExistsError as error:
        raise SettingsError(str(error)) from None
    for path in written:
        say(f"wrote {path}")


def _list_releases(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """List the bundles, and which of them serves."""
    releases = ScorerSettings.from_environment(environ).releases_dir
    pointer = read_pointer(releases)
    roles = {pointer.previous: "previous", pointer.anchor: "anchor", pointer.release: "serves"} if pointer else {}
    for manifest in sorted(releases.glob(f"*/{MANIFEST}")):
        say(f"{manifest.parent.name}  {roles.get(manifest.parent.name, '')}".rstrip())


def _show_release(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Print a bundle's manifest."""
    bundle = verify_bundle(_bundle_folder(options, environ))
    say(json.dumps({"release": bundle.release, **bundle.manifest}, indent=2, sort_keys=True))


def _verify_release(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Check every file of a bundle against its manifest."""
    bundle = verify_bundle(_bundle_folder(options, environ))
    say(f"{bundle.release} is what its manifest says")


def _bundle_folder(options: argparse.Namespace, environ: Mapping[str, str]) -> Path:
    releases = ScorerSettings.from_environment(environ).releases_dir
    if Path(options.release).name != options.release:
        raise ReleaseError("a release id has no slashes: `release list` shows the ids")
    return releases / str(options.release)


ACTIONS: Final[Mapping[str, Mapping[str, Command]]] = {
    "keys": KEY_COMMANDS,
    "access": {"generate": _generate_access},
    "release": {"list": _list_releases, "show": _show_release, "verify": _verify_release},
}


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__, formatter_class=formatter, allow_abbrev=False)
    topics = parser.add_subparsers(required=True, metavar="topic")
    for topic, actions in ACTIONS.items():
        choices = topics.add_parser(topic, allow_abbrev=False).add_subparsers(required=True, metavar="action")
        for name, command in actions.items():
            action = choices.add_parser(name, help=command.__doc__, description=command.__doc__, allow_abbrev=False)
            action.set_defaults(command=command)
            if command in {_show_release, _verify_release}:
                action.add_argument("release", help="id of the release")
            if command is retire_keys:
                action.add_argument("key", help="id of the key, such as k1")
    return parser


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        options.command(options, environ)
    except AntifraudError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 a command talks to a person
        return error.exit_code
    return 0
