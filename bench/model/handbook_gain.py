"""Compare ranking with that of commit b393281, week by week on the same raw files.

    make bench-handbook-gain DATA=folder BEFORE=checkout

Both versions make their features from the raw files, and train on all history before each of the last six weeks
(`bench/model/handbook.py`). The older version runs in a checkout of its own, with the environment of that checkout. The
output of such a run can be given instead.
"""

import argparse
import ast
import datetime as dt
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from antifraud.settings.core import JobSettings
from bench.model.handbook import WEEKS, all_history, build_features
from bench.model.protocol import FIGURES, last_weeks
from bench.model.rows import load_rows
from bench.record import record

COMMAND: Final = "make bench-handbook-gain DATA=folder BEFORE=checkout"
BEFORE: Final = "b393281"
CONTESTANT: Final = "all history"
RECALL: Final = "tpr5"
NAMES: Final = {RECALL: "recall", "auc": "auc", "ap": "ap"}
LINE: Final = re.compile(rf"(?P<week>\d{{4}}-\d\d-\d\d) {CONTESTANT} +(?P<figures>\{{.*\}})")

Weeks = Mapping[dt.date, Mapping[str, float]]
"""Figures by name, by the first day of each week."""


def weeks_in(lines: Iterable[str]) -> Weeks:
    """Return the figures of "all history" that a run of the benchmark has printed.

    Raises:
        SystemExit: A week is incomplete, or there are fewer weeks than a whole run prints.
    """
    found = [match for line in lines if (match := LINE.fullmatch(line.strip()))]
    weeks = {dt.date.fromisoformat(match["week"]): ast.literal_eval(match["figures"]) for match in found}
    if len(weeks) < WEEKS or any(set(figures) != set(FIGURES) for figures in weeks.values()):
        raise SystemExit(
            f"the earlier run printed {len(weeks)} weeks of {CONTESTANT!r} instead of {WEEKS} with "
            f"{', '.join(FIGURES)}: give the output of a whole run"
        )
    return weeks


def paired(now: Weeks, before: Weeks, figure: str) -> list[float]:
    """Return how much higher a figure is now, week by week.

    Raises:
        SystemExit: The weeks are not the same.
    """
    if set(now) != set(before):
        here, there = (", ".join(map(str, sorted(weeks))) for weeks in (now, before))
        raise SystemExit(f"weeks from {here} cannot be paired with weeks from {there}: test both on the same raw files")
    return [now[week][figure] - before[week][figure] for week in sorted(now)]


def measured(data: Path, settings: JobSettings) -> Weeks:
    """Return the figures of this version."""
    build_features(data, settings)
    rows = load_rows(settings)
    weeks = last_weeks(rows, WEEKS)
    return {week.first: week.figures(rows, all_history(rows, week, settings.seed)) for week in weeks}


def printed_by(checkout: Path, data: Path) -> str:
    """Run the older version in its checkout; return what it prints. The run changes the results of that checkout.

    Raises:
        SystemExit: The checkout has no environment, or the run failed.
    """
    # Not resolved: a virtual environment is known by the path of its link.
    interpreter = checkout.absolute() / ".venv/bin/python"
    if not interpreter.exists():
        raise SystemExit(f"{checkout} has no environment: run `make setup` in it")
    command = [str(interpreter), "-m", "bench.handbook", str(data.resolve())]
    run = subprocess.run(command, cwd=checkout, check=False, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {run.returncode}: see its messages above")
    return run.stdout


def record_gains(now: Weeks, before: Weeks) -> None:
    """Record the means of the paired differences, and in how many weeks the recall is higher."""
    for figure, name in NAMES.items():
        gains = paired(now, before, figure)
        means = (sum(week[figure] for week in weeks.values()) / len(weeks) for weeks in (now, before))
        about = "{:.4f} on all history, {:.4f} at commit {}; the same {} weeks in pairs"
        baseline = about.format(*means, BEFORE, len(gains))
        mean = sum(gains) / len(gains)
        record(f"model.handbook_{name}_gain", mean, "1", COMMAND, baseline, (min(gains), max(gains)))
    gains = paired(now, before, RECALL)
    better = sum(gain > 0 for gain in gains)
    baseline = f"of {len(gains)} weeks, those with a higher recall at 5 % FPR than commit {BEFORE}"
    record("model.handbook_weeks_better", better, "weeks", COMMAND, baseline)


def main(arguments: argparse.Namespace) -> None:
    """Measure both versions and record."""
    data: Path = arguments.data
    # The older version first: if its output is of no use, the command ends before ours has begun.
    before = weeks_in((arguments.log.read_text() if arguments.log else printed_by(arguments.before, data)).splitlines())
    with tempfile.TemporaryDirectory(prefix="handbook-") as scratch:
        now = measured(data, JobSettings(home=arguments.home or Path(scratch)))
    record_gains(now, before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of raw files")
    earlier = parser.add_mutually_exclusive_group(required=True)
    earlier.add_argument("--before", type=Path, help=f"checkout of commit {BEFORE} with its environment")
    earlier.add_argument("--log", type=Path, help="output of its benchmark on the same raw files")
    parser.add_argument("--home", type=Path, help="keep the lake here and use it again")
    main(parser.parse_args())
