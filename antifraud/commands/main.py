"""``python -m antifraud``: find the commands of this package, and run the one that was asked for."""

import argparse
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any, Final

from antifraud import commands
from antifraud.commands.command import COMMANDS, Command
from antifraud.commands.terminal import align_columns
from antifraud.exit_codes import returns_exit_code

PROGRAM: Final = "python -m antifraud"
ABOUT: Final = """\
Make keys and access tokens, manage releases, and show what a release does.

{commands}

Files with secrets get mode 0600; their paths are shown, never their contents. An expected failure prints one line and
ends with an exit code of its own (docs/errors.md)."""


def find_commands() -> list[Command]:
    """Return the commands of all modules in this package, sorted by name."""
    for module in pkgutil.iter_modules(commands.__path__):
        # The import runs the decorators, which enter the commands of the module.
        importlib.import_module(f"{commands.__name__}.{module.name}")
    return [COMMANDS[name] for name in sorted(COMMANDS)]


def _make_parser(known: Sequence[Command]) -> argparse.ArgumentParser:
    lines = align_columns([(f"  {each.name}", each.summary) for each in known])
    about = ABOUT.format(commands="\n".join(lines))
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=PROGRAM, description=about, formatter_class=formatter, allow_abbrev=False)
    topics = parser.add_subparsers(required=True, metavar="command", help="one of the commands above")
    actions: dict[str, Any] = {}
    for each in known:
        topic, _, action = each.name.partition(" ")
        if action and topic not in actions:
            actions[topic] = topics.add_parser(topic, allow_abbrev=False).add_subparsers(
                required=True, metavar="action"
            )
        if action:
            _add_command(actions[topic], action, each, help=each.summary)
        else:
            _add_command(topics, topic, each)  # without a help of its own, because `about` lists every command
    return parser


def _add_command(parsers: Any, name: str, command: Command, **options: str) -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = parsers.add_parser(
        name, description=command.help, formatter_class=formatter, allow_abbrev=False, **options
    )
    for add_argument in command.arguments:
        add_argument(parser)
    parser.set_defaults(run=command.run)


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run one command."""
    options = _make_parser(find_commands()).parse_args(arguments)
    options.run(options, environ)
