"""``python -m antifraud``: make keys and access tokens, look at releases and what they do.

    keys generate              a key ring for pseudonyms, in the raw zone
    keys list|rotate|retire    which keys there are; a new active one; an old one away
    access generate            bearer tokens, their hashes, the webhook secret
    release-key generate       the pair of keys that releases are signed and checked with
    release list|show|verify   what was promoted, and whether it is still what it was
    release activate|pin|gc    point to another release, choose the anchor, remove old ones; all dry by default
    replay                     what a release would have done on past days
    explain                    why a release scores a transaction as it does

Files with secrets are made with mode 0600 and named, never shown. Errors are one line and an exit code
(`antifraud/errors.py`).
"""

import argparse
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from antifraud.commands import release as release_commands
from antifraud.commands.keys import KEY_COMMANDS, retire_keys, say
from antifraud.commands.model import add_model_commands
from antifraud.errors import SettingsError, returns_exit_code
from antifraud.keys.access import generate_access
from antifraud.keys.signing import generate_signing_keys
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import ScorerSettings

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


def _generate_release_key(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Make the key pair of releases: the private one signs (promotion only), the public one checks."""
    settings = JobSettings.from_environment(environ)
    try:
        written = generate_signing_keys(settings.release_signing_key_path, settings.release_public_key_path)
    except FileExistsError as error:
        raise SettingsError(str(error)) from None
    for path in written:
        say(f"wrote {path}")


ACTIONS: Final[Mapping[str, Mapping[str, Command]]] = {
    "keys": KEY_COMMANDS,
    "access": {"generate": _generate_access},
    "release-key": {"generate": _generate_release_key},
    "release": release_commands.ACTIONS,
}


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__, formatter_class=formatter, allow_abbrev=False)
    topics = parser.add_subparsers(required=True, metavar="topic")
    for topic, actions in ACTIONS.items():
        choices = topics.add_parser(topic, allow_abbrev=False).add_subparsers(required=True, metavar="action")
        for name, command in actions.items():
            action = choices.add_parser(
                name, help=_first_line(command), description=inspect.getdoc(command), allow_abbrev=False
            )
            action.set_defaults(command=command)
            if topic == "release":
                release_commands.add_arguments(name, action)
            if command is retire_keys:
                action.add_argument("key", help="id of the key, such as k1")
    add_model_commands(topics)
    return parser


def _first_line(command: Command) -> str:
    return (inspect.getdoc(command) or "").partition("\n")[0]


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run one command."""
    options = _parser().parse_args(arguments)
    options.command(options, environ)
