"""Where the tests of an earlier commit are today: ``python -m bench.run.suite_inventory [--base commit] [--all]``.

Print each test of the base with its number of node ids and assertions then and now, and the circle that runs it:
`test`, `prove`, or both. Without ``--all`` only tests that are gone, or have fewer ids or assertions than before. The
exit code is 1 if there are any: each of these needs a reason.
"""

import argparse
import ast
import doctest
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BASE: Final = "b393281"
CIRCLES: Final = ("not prove", "prove")
FOLDERS: Final = ("antifraud", "jobs", "serving", "tests")
CHECKS: Final = frozenset({"raises", "warns", "fail"})


@dataclass(frozen=True)
class Place:
    """Where a test function is.

    Attributes:
        file: Path below the project's root.
        name: Function, or object that a doctest belongs to.
        assertions: Its assertions, with those of its file that stand in helpers and fixtures; of a doctest the examples
            with an expected output.
    """

    file: str
    name: str
    assertions: int

    def __str__(self) -> str:
        """Spell file and name as pytest does."""
        return f"{self.file}::{self.name}"


def node_ids(folder: Path, circle: str | None) -> list[str]:
    """Return the node ids that pytest collects in a checkout, of one circle or of all."""
    folders = [each for each in FOLDERS if (folder / each).is_dir()]
    selected = ["-m", circle] if circle else []
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *selected, *folders]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "::" in line]


def places(folder: Path, ids: list[str]) -> dict[Place, int]:
    """Return how many node ids each test has, with its place."""
    counted = Counter(each.partition("[")[0] for each in ids)
    by_file = {name.partition("::")[0] for name in counted}
    checks = {file: assertions_of(ast.parse((folder / file).read_text())) for file in by_file}
    found = {}
    for node, count in counted.items():
        file, _, name = node.partition("::")
        found[Place(file, name, checks[file].get(name.rpartition(".")[2], 0) + checks[file][""])] = count
    return found


def assertions_of(tree: ast.Module) -> dict[str, int]:
    """Count assertions by test, and examples by documented object; those of helpers are under the empty name."""
    found: dict[str, int] = defaultdict(int)
    for node in tree.body:
        test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        found[node.name if isinstance(node, ast.FunctionDef) and test else ""] += sum(map(_is_check, ast.walk(node)))
    for documented in ast.walk(tree):
        if isinstance(documented, ast.FunctionDef | ast.ClassDef):
            examples = doctest.DocTestParser().get_examples(ast.get_docstring(documented) or "")
            found[documented.name] += sum(bool(example.want) for example in examples)
    return found


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return (isinstance(node.func, ast.Attribute) and node.func.attr in CHECKS) or ast.unparse(node.func) == "expect"
    return isinstance(node, ast.Assert)


def match(base: Iterable[Place], today: Iterable[Place]) -> dict[Place, Place]:
    """Return today's place of each test that is still there: by its name, first in a file of its name.

    No place stands for two tests, so a test that is gone cannot hide behind another one of its name.
    """
    found: dict[Place, Place] = {}
    free = sorted(today, key=str)
    for is_it in (_same_file, _same_name):
        for place in sorted(set(base) - set(found), key=str):
            now = next((each for each in free if is_it(place, each)), None)
            if now:
                found[place] = now
                free.remove(now)
    return found


def _same_name(one: Place, other: Place) -> bool:
    return one.name.rpartition(".")[2] == other.name.rpartition(".")[2]


def _same_file(one: Place, other: Place) -> bool:
    return _same_name(one, other) and Path(one.file).name == Path(other.file).name


def compare(base: dict[Place, int], now: dict[str, dict[Place, int]], everything: bool) -> int:  # noqa: FBT001
    """Print the comparison; return how many tests are gone or have become smaller."""
    moved = match(base, {place for circle in now.values() for place in circle})
    smaller = 0
    for place, ids in sorted(base.items(), key=lambda item: str(item[0])):
        found = moved.get(place)
        counts = {circle: of_circle.get(found, 0) if found else 0 for circle, of_circle in now.items()}
        assertions = found.assertions if found else 0
        less = sum(counts.values()) < ids or assertions < place.assertions
        smaller += less
        if less or everything:
            circles = ", ".join(f"{'test' if name != 'prove' else name} {count}" for name, count in counts.items())
            was = f"{place}: {ids} ids, {place.assertions} assertions"
            print(f"{was} -> {found or 'GONE'}: {circles}; {assertions} assertions")
    return smaller


def main(base: str, everything: bool) -> int:  # noqa: FBT001
    """Compare the tests of a commit with those of this tree."""
    with tempfile.TemporaryDirectory() as scratch:
        earlier = Path(scratch) / "base"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(earlier), base], cwd=ROOT, check=True)
        try:
            before = places(earlier, node_ids(earlier, None))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(earlier)], cwd=ROOT, check=True)
    now = {circle: places(ROOT, node_ids(ROOT, circle)) for circle in CIRCLES}
    smaller = compare(before, now, everything)
    totals = ", ".join(f"{sum(found.values())} under -m {circle!r}" for circle, found in now.items())
    print(f"{sum(before.values())} node ids at {base}; today {totals}; {smaller} tests gone or smaller")
    return 1 if smaller else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE, help=f"commit to compare with (default {BASE})")
    parser.add_argument("--all", action="store_true", help="print every test, not only the smaller ones")
    arguments = parser.parse_args()
    sys.exit(main(arguments.base, arguments.all))
