"""Compare the cost of `make test` with an earlier commit: ``python -m bench.run.suite_cost``, about half an hour.

Each commit is cloned and its environment made. Then ``make test`` alone is measured: wall time, and CPU seconds of all
processes that it started. A measurement is kept for the day, so that an interrupted pair goes on where it stopped.
"""

import argparse
import datetime as dt
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.record import machine, record
from infra.local.contained import adopt_orphans, end_leftovers, wait_and_reap

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ROOT / "var" / "bench" / "suite_cost"
COMMAND: Final = "python -m bench.run.suite_cost"
BASE: Final = "b393281"
SECONDS_A_MINUTE: Final = 60


def cpu_seconds() -> float:
    """Return user and system seconds of all descendants that were waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def prepare(commit: str, clone: Path) -> None:
    """Check `commit` out in a new folder and make everything that its tests need but do not measure."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=clone, check=True)
    subprocess.run(["make", "setup", "servers", "browser"], cwd=clone, check=True)
    (spark35,) = clone.glob("infra/**/spark35/setup.sh")  # its place differs between commits
    subprocess.run(["sh", str(spark35)], cwd=clone, check=True)


def run_tests(clone: Path) -> float:
    """Run ``make test`` and return its wall seconds; end what it leaves behind.

    Raises:
        SystemExit: The tests failed.
    """
    began = time.monotonic()
    code = wait_and_reap(subprocess.Popen(["make", "test"], cwd=clone).pid)
    wall = time.monotonic() - began
    for left in end_leftovers():
        print(f"left behind: {left}")
    if code:
        raise SystemExit(f"make test ended with code {code}: a suite that fails has no cost to compare")
    return wall


def measure(commit: str) -> dict[str, float]:
    """Return wall and CPU seconds of ``make test`` at `commit`, from today's measurement if there is one."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    kept = KEPT / f"{commit}-{today}-{machine().replace(' ', '')}.json"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as scratch:
            clone = Path(scratch) / "clone"
            prepare(commit, clone)
            spent = cpu_seconds()
            measured = {"wall": run_tests(clone), "cpu": cpu_seconds() - spent}
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(measured))
    found: dict[str, float] = json.loads(kept.read_text())
    return found


def short_hash(commit: str) -> str:
    """Resolve a branch, tag or short hash to its commit's short hash."""
    command = ["git", "rev-parse", "--short=7", commit]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def main(base: str, commit: str) -> None:
    """Measure both commits and record the ratios."""
    adopt_orphans()
    before, after = (measure(short_hash(each)) for each in (base, commit))
    for name in ("cpu", "wall"):
        beside = f"{short_hash(base)}, {before[name] / SECONDS_A_MINUTE:.1f} min"
        record(f"test.{name}_ratio", after[name] / before[name], "1", COMMAND, baseline=beside)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE, help=f"commit to measure beside (default {BASE})")
    parser.add_argument("--commit", default="HEAD", help="commit to measure (default HEAD)")
    arguments = parser.parse_args()
    main(arguments.base, arguments.commit)
