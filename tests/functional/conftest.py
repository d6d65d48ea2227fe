"""One whole run of a small world, with an accident in the middle; every functional test looks at it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.supervisor import processes_of

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 1_500
ACCIDENT = "lake.ingest {day}: running"


@dataclass(frozen=True)
class FinishedRun:
    """What a run left: its home, what it printed, its summary, and the pid that was killed."""

    home: Path
    output: str
    summary: dict[str, Any]
    killed: int | None


def run_path(home: Path, accident: str | None = None) -> FinishedRun:
    """Run ``--once``; kill the scheduler when a line that holds `accident` is printed."""
    command = [sys.executable, "-m", "infra.local.run", "--once", "--preset", "small", "--home", str(home)]
    lines, killed, until = [], None, time.monotonic() + RUN_SECONDS
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            lines.append(line)
            if accident and killed is None and accident in line:
                killed = kill_scheduler(home)
            if time.monotonic() > until:
                process.terminate()
    output = "".join(lines)
    assert process.returncode == 0, output[-4_000:]
    return FinishedRun(home, output, json.loads((home / "summary.json").read_text()), killed)


def kill_scheduler(home: Path) -> int:
    """SIGKILL the scheduler of the run in `home`, as a machine that runs out of memory would."""
    leaders = [process for process in processes_of(home) if os.getsid(process.pid) == process.pid]
    [scheduler] = [process for process in leaders if "scheduler" in process.cmdline()]
    scheduler.send_signal(signal.SIGKILL)
    return scheduler.pid


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> FinishedRun:
    """The whole path once, from nothing; the Airflow scheduler is killed while the backfill loads its second day."""
    home = tmp_path_factory.mktemp("functional") / "home"
    return run_path(home, accident=ACCIDENT.format(day="2026-04-09"))
