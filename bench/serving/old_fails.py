"""Try the black-box tests with the scorer of commit b393281 and with this one, and write which fail where.

    make bench-serving-old-fails BEFORE=checkout

The older scorer runs in a checkout of its own, with the environment of that checkout. The command fails if a part of
the table has no test that fails there, or if a test fails here.
"""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.serving.processes import ROOT, Version

BEFORE: Final = "b393281"
TESTED: Final = "BLACKBOX_CHECKOUT"
TESTS: Final = ROOT / "tests" / "blackbox"
PAGE: Final = Path(__file__).with_name("OLD_FAILS.md")
HEAD: Final = f"""# What failed at commit {BEFORE}

`make bench-serving-old-fails BEFORE=checkout` runs the tests of `tests/blackbox` with both versions, and writes this
page. Never edit it by hand. A test that passes with both guards what was right already.

| part | test | {BEFORE} | now |
| --- | --- | --- | --- |
"""
PASSES, FAILS, SKIPPED = "passes", "**fails**", "skipped"

Outcomes = Mapping[str, str]
"""How each test function ended, by ``module::function``."""


@dataclass(frozen=True, slots=True)
class Described:
    """A test function: its key in `Outcomes`, the part that its module is about, and what it shows."""

    key: str
    part: str
    shows: str


def outcomes_in(report: Path) -> Outcomes:
    """Return the outcomes in a JUnit report; a function fails if it does with any of its parameters."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 pytest has written this file
        key = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case}
        outcome = FAILS if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSES
        found[key] = max(found.get(key, outcome), outcome, key=(PASSES, SKIPPED, FAILS).index)
    return found


def described_tests(folder: Path = TESTS) -> Iterator[Described]:
    """Yield the test functions of a folder in their order, with the words of their docstrings."""
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text())
        part = (ast.get_docstring(tree) or "").partition(":")[0]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield Described(f"{path.stem}::{node.name}", part, " ".join((ast.get_docstring(node) or "").split()))


def run_tests(checkout: Path | None) -> Outcomes:
    """Run the tests with the scorer of a checkout, or with this one."""
    with tempfile.TemporaryDirectory(prefix="blackbox-") as scratch:
        report = Path(scratch) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--basetemp={scratch}/tests", f"--junitxml={report}"]
        environment = {**os.environ, **({TESTED: str(checkout.absolute())} if checkout else {})}
        command = [sys.executable, "-m", "pytest", *options, str(TESTS)]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)
        return outcomes_in(report)


def page_of(tests: list[Described], before: Outcomes, now: Outcomes) -> str:
    """Return the page."""
    rows = (f"| {t.part} | {t.shows} | {before.get(t.key, '-')} | {now.get(t.key, '-')} |\n" for t in tests)
    return HEAD + "".join(rows)


def find_faults(tests: list[Described], before: Outcomes, now: Outcomes) -> list[str]:
    """Return what is not as it should be: parts that do not fail there, and tests that fail here."""
    failed_before = {test.part for test in tests if before.get(test.key) == FAILS}
    parts = dict.fromkeys(test.part for test in tests if test.part not in failed_before)
    faults = [f"no test of {part!r} fails at {BEFORE}" for part in parts]
    return faults + [
        f"{test.key} {now.get(test.key, 'did not run')} now" for test in tests if now.get(test.key) != PASSES
    ]


def main(arguments: argparse.Namespace) -> None:
    """Try both versions and write the page.

    Raises:
        SystemExit: A part does not fail there, or a test fails here.
    """
    Version.of(arguments.before)  # a checkout without an environment ends the command before any test
    tests = list(described_tests())
    before, now = run_tests(arguments.before), run_tests(None)
    PAGE.write_text(page_of(tests, before, now))
    if faults := find_faults(tests, before, now):
        raise SystemExit("\n".join(faults))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help=f"checkout of commit {BEFORE} with its environment")
    main(parser.parse_args())
