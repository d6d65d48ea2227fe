"""How long `make run` takes on a fresh machine, and how long the second time: ``python -m bench.run_figures``.

Clones the last commit into a temporary folder, so environment, jars and state are made anew. Takes about 25 minutes.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from bench.record import record

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python -m bench.run_figures"
SECONDS_A_MINUTE = 60


def timed_run(clone: Path) -> float:
    """Minutes of one ``make run``, set-up included."""
    began = time.monotonic()
    subprocess.run(["make", "run", "RUN_ARGS=--once"], cwd=clone, check=True)
    return round((time.monotonic() - began) / SECONDS_A_MINUTE, 2)


def main() -> None:
    """Measure both runs and record them, with the leaks that the first one's scan found."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first = timed_run(clone)
        summary = json.loads((clone / "var" / "summary.json").read_text())
        again = timed_run(clone)
    record("run.first_minutes", first, "min", COMMAND)
    record("run.again_minutes", again, "min", COMMAND)
    record("run.leaks", len(summary["leaks"]["findings"]), "findings", COMMAND)
    for title, seconds in summary["parts"].items():
        print(f"{seconds:8.1f} s  {title}")


if __name__ == "__main__":
    main()
