"""Measure how long `make run` and `make test` take on a fresh machine: ``make bench-run``, about 50 minutes.

The last commit is cloned into temporary folders, so environment, jars and state are made anew. One clone runs the whole
path twice, the other one the tests, then the quick checks.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

from bench.record import record

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "make bench-run"
SECONDS_A_MINUTE = 60


def fresh_clone(folder: Path) -> Path:
    """Clone the last commit into a new folder."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def minutes_of(clone: Path, *make: str) -> float:
    """Return the minutes of one ``make``, set-up included."""
    began = time.monotonic()
    subprocess.run(["make", *make], cwd=clone, check=True)
    return round((time.monotonic() - began) / SECONDS_A_MINUTE, 2)


def measure_run(clone: Path) -> None:
    """Record two runs of the whole path, and the leaks that the first run's scan found."""
    record("run.first_minutes", minutes_of(clone, "run", "RUN_ARGS=--once"), "min", COMMAND)
    summary = json.loads((clone / "var" / "summary.json").read_text())
    record("run.leaks", len(summary["leaks"]["findings"]), "findings", COMMAND)
    for title, seconds in summary["parts"].items():
        print(f"{seconds:8.1f} s  {title}")
    record("run.again_minutes", minutes_of(clone, "run", "RUN_ARGS=--once"), "min", COMMAND)


def measure_tests(clone: Path) -> None:
    """Record all tests from nothing, then the quick checks in the environment that is there by then."""
    record("test.minutes", minutes_of(clone, "test"), "min", COMMAND)
    record("check.minutes", minutes_of(clone, "check"), "min", COMMAND)


MEASURES = {"run": measure_run, "tests": measure_tests}


def main(parts: list[str]) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as scratch:
        for part in parts:
            MEASURES[part](fresh_clone(Path(scratch) / part))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=list(MEASURES), default=list(MEASURES), help="default: all")
    main(parser.parse_args().parts)
