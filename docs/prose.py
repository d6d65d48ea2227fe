"""Find sentences that break the mechanical rules of prose: ``python -m docs.prose [path ...]``.

The rules hold for documents (Markdown), and in Python files for docstrings, comments and the texts of raised errors.
`tests/docs/test_prose.py` checks the whole project.
"""

import ast
import inspect
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LONGEST_SENTENCE: Final = 35
OPENINGS: Final = ("Who", "What", "Of", "That")
PHRASES: Final = (
    r"\blest\b",
    r"\bwhose\b[^.;]{1,60}\bis\b",
    r"\bthose that\b",
    r"\b(?:is|are) let be\b",
    r"\bgive or take\b",
)
PLACEHOLDER: Final = "x"
MARKER: Final = re.compile(r"^(?:[-*]|\d+\.)\s+")
CODE_INDENT: Final = " " * 4
DIRECTIVES: Final = re.compile(r"^(?:noqa|type:|pragma|fmt:|mypy:|ruff:|!/)")
SECTIONS: Final = re.compile(r"^(?:Args|Returns|Raises|Yields|Attributes|Example|Examples|Note|References?|Source):$")


@dataclass(frozen=True)
class Violation:
    """A rule that a text breaks.

    Attributes:
        path: File of the text.
        line: First line of the text.
        rule: Name of the rule.
        text: The sentence, or its beginning.
    """

    path: Path
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        """Spell file, line, rule and text in one line."""
        return f"{self.path}:{self.line}: {self.rule}: {self.text[:160]}"


class Role(Enum):
    """Role of a line in the text around it."""

    NO_TEXT = auto()
    ROW = auto()
    BEGINS = auto()
    CONTINUES = auto()


def violations(path: Path) -> list[Violation]:
    """Return all violations in one file, in the order of its lines."""
    found = []
    for line, text in texts_of(path):
        for sentence in sentences(text):
            found += [Violation(path, line, rule, sentence) for rule in broken_rules(sentence)]
    return found


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of everything in a file that people read."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from blocks(source, 1)
    else:
        yield from _docstrings(source)
        yield from _comments(source)
        yield from _error_texts(source)


def blocks(text: str, first: int) -> Iterator[tuple[int, str]]:
    r"""Yield paragraphs, items of lists, entries of sections and cells of tables; leave out code and drawings.

    >>> list(blocks("Args:\n    day: A date.\n        Never null.\n    rows: How many.", 1))
    [(1, 'Args:'), (2, 'day: A date. Never null.'), (4, 'rows: How many.')]
    """
    paragraph: list[str] = []
    began = first
    for number, line, role in _roles(text, first):
        if role is not Role.CONTINUES:
            yield from _whole(began, paragraph)
            paragraph, began = [], number
        if role is Role.ROW:
            yield from ((number, cell.strip()) for cell in line.strip("|").split("|"))
        elif role is not Role.NO_TEXT:
            paragraph.append(re.sub(MARKER, "", line))
    yield from _whole(began, paragraph)


def _roles(text: str, first: int) -> Iterator[tuple[int, str, Role]]:
    """Yield number, content and role of each line."""
    fenced = in_section = in_example = False
    role = Role.NO_TEXT
    for number, raw in enumerate(text.splitlines(), first):
        line = raw.strip()
        fence = line.startswith("```")
        fenced ^= fence
        in_example = line.startswith(">>>") or (in_example and bool(line))
        headed = SECTIONS.match(line) is not None
        in_section = headed or (in_section and bool(line))
        indented = role is Role.NO_TEXT and not in_section and raw.startswith(CODE_INDENT)
        if not line or fence or fenced or in_example or indented or line.startswith("#"):
            role = Role.NO_TEXT
        elif line.startswith("|"):
            role = Role.ROW
        elif role is not Role.CONTINUES and role is not Role.BEGINS:
            role = Role.BEGINS
        else:
            new = headed or re.match(MARKER, line) or (in_section and re.match(r"\w+: ", line))
            role = Role.BEGINS if new else Role.CONTINUES
        yield number, line, role


def _whole(line: int, paragraph: list[str]) -> Iterator[tuple[int, str]]:
    if paragraph:
        yield line, " ".join(paragraph)


def sentences(text: str) -> list[str]:
    """Split a text at the ends of its sentences; inline code and links count as one word.

    >>> sentences("Read `a.b(c. D)`. See [the page](x.md)! Done.")
    ['Read x.', 'See the page!', 'Done.']
    """
    plain = re.sub(r"``[^`]+``|`[^`]+`", PLACEHOLDER, text)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    plain = re.sub(r"\b(?:e\.g|i\.e|et al|cf|vs|ch|no|p)\.", PLACEHOLDER, plain)
    ended = re.sub(r"([.!?][\"')*]*)\s+(?=[\"'(*]*[A-Z0-9x])", r"\1\n", plain)
    return [each.strip() for each in ended.splitlines() if each.strip()]


def broken_rules(sentence: str) -> Iterator[str]:
    """Yield the name of each rule that a sentence breaks.

    >>> list(broken_rules("What stays is told, lest it gets lost."))
    ["opens with 'What'", "says 'lest'"]
    """
    words = re.findall(r"[\w'-]*\w[\w'-]*(?:[.,/]\w+)*", sentence)
    if len(words) > LONGEST_SENTENCE:
        yield f"{len(words)} words"
    if words and words[0] in OPENINGS and not sentence.endswith("?"):
        yield f"opens with {words[0]!r}"
    for phrase in PHRASES:
        said = re.search(phrase, sentence)
        if said:
            yield f"says {said[0]!r}"


def _docstrings(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from blocks(inspect.cleandoc(node.value.value), node.lineno)


def _comments(source: str) -> Iterator[tuple[int, str]]:
    paragraph: list[str] = []
    began = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = token.string.lstrip("#").strip()
        if token.type != tokenize.COMMENT or DIRECTIVES.match(text):
            continue
        alone = token.line.strip().startswith("#")
        if not alone or token.start[0] != last + 1:
            yield from _whole(began, paragraph)
            paragraph, began = [], token.start[0]
        paragraph.append(text)
        last = token.start[0] if alone else 0
    yield from _whole(began, paragraph)


def _error_texts(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for argument in node.exc.args:
                text = _spelled(argument)
                if text:
                    yield node.lineno, text


def _spelled(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_spelled(part) or PLACEHOLDER for part in node.values)
    return ""


def project_files() -> list[Path]:
    """Return every document and Python file that git knows."""
    listed = subprocess.run(["git", "ls-files", "*.md", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def main(arguments: list[str]) -> int:
    """Print the violations below some paths, by default of the whole project; return 1 if there are any."""
    wanted = [Path(each).resolve() for each in arguments] or [ROOT]
    files = [path for path in project_files() if any(path.is_relative_to(each) for each in wanted)]
    found = [each for path in files for each in violations(path)]
    for each in found:
        sys.stdout.write(f"{each}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
