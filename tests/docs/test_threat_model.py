"""The threat model names tests that exist, and says openly what none covers."""

import ast
import re

import pytest

from docs.generate import ROOT

PAGE = (ROOT / "docs" / "threat_model.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.partition("## Threats")[2], re.MULTILINE)[2:]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_covers_a_threat_exists(path, name):
    """Each named test is a function of its file."""
    functions = [
        node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
    ]

    assert name in functions


def test_every_threat_has_a_test_or_says_that_it_has_none():
    """The last cell of a threat holds tests, or begins with "not covered"."""
    unclear = [threat for threat, _, test in ROWS if not test.startswith(("`tests/", "not covered"))]

    assert len(ROWS) > 20
    assert unclear == []
