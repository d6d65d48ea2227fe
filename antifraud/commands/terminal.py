"""Output of the commands: lines for a person, and tables of aligned columns."""

from collections.abc import Sequence


def say(line: str) -> None:
    """Print a line for the person who called."""
    print(line)  # noqa: T201 a command talks to a person


def align_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with columns of equal width.

    >>> align_columns([("a", "n"), ("bb", "1,000")])
    ['a   n', 'bb  1,000']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
