"""The definition of a command: a decorated function, its arguments in the decorator, its help in the docstring."""

import argparse
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Environ: TypeAlias = Mapping[str, str]
Run: TypeAlias = Callable[[argparse.Namespace, Environ], None]
AddArgument: TypeAlias = Callable[[argparse.ArgumentParser], object]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that people call.

    Attributes:
        name: One word, or a topic and an action, such as ``keys retire``.
        run: Does the work; the docstring is the command's help.
        arguments: Functions that each add an argument, or several, to the command's parser.
    """

    name: str
    run: Run
    arguments: tuple[AddArgument, ...]

    @property
    def help(self) -> str:
        """The whole help of the command."""
        return inspect.getdoc(self.run) or ""

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.help.partition("\n")[0]


COMMANDS: Final[dict[str, Command]] = {}
"""Every command that a module of this package has defined so far, by name."""


def command(name: str, *arguments: AddArgument) -> Callable[[Run], Run]:
    """Make the decorated function a command of ``python -m antifraud``."""

    def register(run: Run) -> Run:
        COMMANDS[name] = Command(name, run, arguments)
        return run

    return register


def argument(*names: str, **options: Any) -> AddArgument:
    """Describe an argument of a command, in the terms of `argparse.ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*names, **options)
