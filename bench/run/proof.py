"""The long proofs: ``make prove`` runs them and records the commit that passed, ``make test`` tells how old that is.

``python -m bench.run.proof`` runs; ``python -m bench.run.proof --age`` prints one line and always succeeds.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path
from typing import Final

from bench.record import RESULTS, record

ROOT: Final = Path(__file__).resolve().parents[2]
FIGURE: Final = "prove.minutes"
OLD_AFTER_COMMITS: Final = 30
SECONDS_A_MINUTE: Final = 60


def git(*arguments: str) -> str | None:
    """Return what git prints; None if it fails, as in a copy without history."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def prove(command: list[str]) -> None:
    """Run the proofs on a commit and record their minutes with it.

    Raises:
        SystemExit: There is no commit to record: the tree holds changes, or has no history. Or a proof failed.
    """
    changes = git("status", "--porcelain")
    if changes is None:
        raise SystemExit("make prove records which commit passed, but this copy has no history: clone the repository")
    if changes:
        raise SystemExit("make prove records which commit passed, but this tree has other content: commit first")
    began = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        raise SystemExit(code)
    minutes = (time.monotonic() - began) / SECONDS_A_MINUTE
    record(FIGURE, minutes, "min", "make prove", commit=git("rev-parse", "HEAD"))


def age() -> str:
    """Tell when the proofs passed last, and what to do if that was long ago."""
    figure = next((each for each in json.loads(RESULTS.read_text()) if each["name"] == FIGURE), None)
    if figure is None:
        return "make prove has never passed: run it before a release"
    commits = git("rev-list", "--count", f"{figure['commit']}..HEAD")
    last = f"make prove passed last on {figure['date']} ({figure['commit'][:7]})"
    if commits is None:
        return f"{last}, a commit that this copy does not have: run it before a release"
    if int(commits) > OLD_AFTER_COMMITS:
        return f"{last}, {commits} commits ago, more than {OLD_AFTER_COMMITS}: run it again"
    return f"{last}, {commits} commits ago"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--age", action="store_true", help="only tell when the proofs passed last")
    if parser.parse_args().age:
        print(age())
    else:
        prove(["make", "proofs"])
