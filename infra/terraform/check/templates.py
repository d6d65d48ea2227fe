"""Split templates, in heredocs and in files, into the expressions that they hold."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from infra.terraform.check.syntax import SyntaxProblem

OPENING: Final = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
LOOP: Final = re.compile(r"for\s+(\w+)\s*(?:,\s*(\w+)\s*)?in\s+(.*)", re.DOTALL)


class Part(NamedTuple):
    """An expression in a template.

    Attributes:
        kind: ``value``, ``if``, ``for``, ``end`` (of a loop) or ``other`` (``else``, ``endif``).
        names: What a loop binds.
        expression: The expression; empty if there is none.
        line: Line of the template, from 0.
    """

    kind: str
    names: tuple[str, ...]
    expression: str
    line: int


def parts_of(text: str) -> Iterator[Part]:
    """Yield the expressions of a template, in their order.

    >>> [part.expression for part in parts_of("%{ for n in names ~}a ${n} $${no}%{ endfor }")]
    ['names', 'n', '']
    """
    found = OPENING.search(text)
    while found:
        end = _closing(text, found.end())
        inner = text[found.end() : end].strip().strip("~").strip()
        line = text.count("\n", 0, found.start())
        yield _directive(inner, line) if found[0].startswith("%") else Part("value", (), inner, line)
        found = OPENING.search(text, end)


def _closing(text: str, start: int) -> int:
    depth, quoted = 1, False
    for position in range(start, len(text)):
        letter = text[position]
        if letter == '"' and text[position - 1] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            return position
    raise SyntaxProblem(text.count("\n", 0, start) + 1, "a template's brace is not closed")


def _directive(inner: str, line: int) -> Part:
    loop = LOOP.match(inner)
    if loop:
        return Part("for", tuple(filter(None, loop.group(1, 2))), loop[3].rstrip("~ "), line)
    if inner.startswith("if "):
        return Part("if", (), inner.removeprefix("if "), line)
    return Part("end" if inner == "endfor" else "other", (), "", line)
