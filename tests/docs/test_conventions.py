"""The project keeps the house rules that no linter checks."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
FILES = [ROOT / name for name in TRACKED.split() if (ROOT / name).exists()]
TESTS = [path for path in FILES if path.name.startswith("test_")]
CODE = [path for path in FILES if "tests" not in path.relative_to(ROOT).parts]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40


def functions(path):
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_test_says_what_it_shows(path):
    """Every test function has a docstring."""
    silent = [node.name for node in functions(path) if node.name.startswith("test_") and not ast.get_docstring(node)]

    assert silent == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    """No file of code has more than 300 lines, and no function more than 40."""
    long = [node.name for node in functions(path) if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION]

    assert long == []
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_test_files_have_names_of_their_own():
    """No two test files share a name, because they would shadow each other in reports."""
    names = [path.name for path in TESTS]

    assert sorted(set(names)) == sorted(names)


def test_the_drawing_of_packages_is_the_tree():
    """ARCHITECTURE.md draws exactly the packages of core, jobs and serving that exist."""
    block = (ROOT / "ARCHITECTURE.md").read_text().partition("## Where things live")[2].split("```")[1]
    drawn, top = set(), ""
    for line in filter(None, block.splitlines()):
        name = line.split()[0].rstrip("/")
        top = top if line.startswith(" ") else name
        drawn.add(f"{top}/{name}" if line.startswith(" ") else name)
    tops = ("antifraud", "jobs", "serving")
    found = {str(path.parent.relative_to(ROOT)) for path in CODE if path.name == "__init__.py"}

    assert drawn == {name for name in found if name.split("/")[0] in tops}


def test_unit_tests_lie_as_the_packages_do():
    """Every folder of unit tests has the path of a folder of code, below the core or the project's root."""
    folders = {path.parent.relative_to(ROOT / "tests" / "unit") for path in TESTS if "unit" in path.parts}
    strange = [folder for folder in folders if not any((ROOT / top / folder).is_dir() for top in ("antifraud", "."))]

    assert strange == []
