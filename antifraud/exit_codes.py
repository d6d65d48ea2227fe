"""The end of a process by an expected failure: one line, and the exit code of its class."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from antifraud.errors import AntifraudError

Parameters = ParamSpec("Parameters")


def returns_exit_code(main: Callable[Parameters, None]) -> Callable[Parameters, int]:
    """Let `main` return the exit code of its process: 0, or that of an expected failure, after one line on stderr.

    >>> from antifraud.errors import MissingDay
    >>> @returns_exit_code
    ... def main():
    ...     raise MissingDay("no such day: deliver it")
    >>> main()
    22
    """

    @functools.wraps(main)
    def main_with_exit_code(*arguments: Parameters.args, **options: Parameters.kwargs) -> int:
        try:
            main(*arguments, **options)
        except AntifraudError as error:
            sys.stderr.write(f"error: {error}\n")
            return error.exit_code
        return 0

    return main_with_exit_code
