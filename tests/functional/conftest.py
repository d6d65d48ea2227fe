"""One whole run of a small world with an accident in the middle, which every functional test looks at."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.airflow_api import AirflowApi
from infra.local.pipeline import Pipeline
from infra.local.record import only_run_of
from infra.local.run import Run, parse
from infra.local.services import services, wait_ready
from infra.local.supervisor import processes_of
from infra.setup.browser import find_chromium

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 3_000
ACCIDENT = "lake.ingest {day}: running"


@dataclass(frozen=True)
class World:
    """A run's history: its length, how many of its last days are backfilled, and the day of the accident.

    `way_back` says whether the run goes on after the trip, until a training resumes the service.
    """

    days: int
    backfilled: int
    killed_at: str
    way_back: bool

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of the command line."""
        size = ["--preset", "small", "--days", str(self.days), "--backfill-days", str(self.backfilled)]
        return ["--once", *size, "--way-back" if self.way_back else "--no-way-back"]


SHORT_RUN = pytest.param(World(50, 1, "2026-02-19", way_back=False), id="short")
LONG_RUN = pytest.param(World(100, 3, "2026-04-09", way_back=True), id="long", marks=pytest.mark.prove)
SHORT_RUN_ONLY = pytest.mark.parametrize("finished_run", [SHORT_RUN], indirect=True)
LONG_RUN_ONLY = pytest.mark.parametrize("finished_run", [LONG_RUN], indirect=True)


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: its home, its world, its output, its summary, and the pid that was killed."""

    home: Path
    world: World
    output: str
    summary: dict[str, Any]
    killed: int | None


def run_path(home: Path, world: World, accident: str | None = None) -> FinishedRun:
    """Run ``--once``, and kill the scheduler when a line that holds `accident` is printed."""
    command = [sys.executable, "-m", "infra.local.run", *world.arguments, "--home", str(home)]
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
    return FinishedRun(home, world, output, json.loads((home / "summary.json").read_text()), killed)


def kill_scheduler(home: Path) -> int:
    """Kill the scheduler of the run in `home` with SIGKILL, as a machine does that runs out of memory."""
    leaders = [process for process in processes_of(home) if os.getsid(process.pid) == process.pid]
    [scheduler] = [process for process in leaders if "scheduler" in process.cmdline()]
    scheduler.send_signal(signal.SIGKILL)
    return scheduler.pid


@pytest.fixture(scope="session", params=[SHORT_RUN, LONG_RUN])
def finished_run(request, tmp_path_factory) -> FinishedRun:
    """Return the finished run of the whole path, in which the scheduler was killed while the backfill loaded a day."""
    home = tmp_path_factory.mktemp("functional") / "home"
    return run_path(home, request.param, accident=ACCIDENT.format(day=request.param.killed_at))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the browser's program.

    Tests ask for it first, so that a machine without a browser fails before the run.
    """
    return find_chromium()


@pytest.fixture(scope="module")
def airflow(finished_run) -> Iterator[AirflowApi]:
    """Start the finished run's Airflow again, without the other services."""
    home = finished_run.home
    with only_run_of(home):
        run = Run(parse([*finished_run.world.arguments, "--home", str(home)]))
        api = run.airflow
        try:
            run.supervisor.start(
                [each for each in services(home, run.record.ports) if each.name.startswith("airflow-")]
            )
            wait_ready("airflow-api-server", f"{api.url}/api/v2/monitor/health", run.supervisor)
            Pipeline(api, run.supervisor, run.progress, home / "logs" / "airflow").wait_ready()
            yield api
        finally:
            run.stop()
