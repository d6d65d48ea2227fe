"""Load from programs of others: wrk, as fast as the server answers, and vegeta, at a steady rate.

vegeta sends a request when it is due, on a further connection if the others still wait, so a server that stalls is
charged for every request of that time.
"""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from antifraud.errors import SettingsError
from bench.serving.edge.candidates import Candidate, lines
from bench.serving.processes import ROOT
from infra.setup.packages import ensure

VEGETA: Final = "github.com/tsenart/vegeta/v12@v12.13.0"
CACHE: Final = ROOT / ".cache" / "vegeta-12.13.0"
SCRIPT: Final = Path(__file__).with_name("wrk.lua")
CONNECTIONS: Final = 16
NANOSECONDS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers of 200 a second, other answers, and microseconds of the server's processor time for each answer."""

    rate: float
    failed: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Tail:
    """Seconds that 50 % and 99 % of the requests did not exceed, and how many had no answer of 200."""

    median: float
    p99: float
    failed: int


def find_wrk() -> Path:
    """Return the path of wrk.

    Raises:
        SettingsError: It is not installed.
    """
    if (path := shutil.which("wrk")) is None:
        raise SettingsError("wrk, which sends requests, is not installed: apt-get install wrk")
    return Path(path)


def build_vegeta() -> Path:
    """Return the path of vegeta, which Go builds once into the project's cache.

    Raises:
        SettingsError: Go is not installed, or the build failed.
    """
    if (CACHE / "vegeta").is_file():
        return CACHE / "vegeta"
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise SettingsError("Go, which builds vegeta, is not installed: apt-get install golang-go")
    done = subprocess.run(
        [go, "install", VEGETA], env={**os.environ, "GOBIN": str(CACHE)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SettingsError(f"go install {VEGETA} failed: {done.stderr.strip()[-500:]}")
    return CACHE / "vegeta"


def send_as_fast_as_answered(
    candidate: Candidate, process: psutil.Process, folder: Path, *, seconds: int, first: int, count: int
) -> Throughput:
    """Keep some connections busy; `count` bodies must be enough, as a repeated one would be answered from the store."""
    headers, bodies = folder / "headers", folder / "bodies"
    # A command line, which everybody can read, is no place for a token.
    headers.write_text("".join(f"{name} {value}\n" for name, value in candidate.headers.items()))
    bodies.write_text("".join(f"{line}\n" for line in lines(candidate, first, count)))
    options = [
        "--threads",
        "1",
        "--connections",
        str(CONNECTIONS),
        "--duration",
        f"{seconds}s",
        "--script",
        str(SCRIPT),
    ]
    before = cpu_seconds(process)
    printed = run([str(ensure(find_wrk, "wrk")), *options, candidate.url, str(headers), str(bodies)])
    spent = cpu_seconds(process) - before
    said = json.loads(re.findall(r"^result (.*)$", printed, re.MULTILINE)[-1])
    if said["sent"] > count:
        raise RuntimeError(f"{candidate.name} answered {said['sent']} requests, but only {count} were prepared")
    return Throughput(said["answered"] / said["seconds"], said["failed"], spent / max(1, said["answered"]) * 1e6)


def send_at_a_rate(candidate: Candidate, folder: Path, *, rate: int, seconds: int, first: int) -> Tail:
    """Send requests at a steady rate."""
    targets, results = folder / "targets", folder / "results"
    with targets.open("w") as file:
        file.writelines(target_lines(candidate, lines(candidate, first, rate * seconds)))
    vegeta = str(build_vegeta())
    options = [f"-rate={rate}", f"-duration={seconds}s", "-timeout=30s", "-workers=64", "-max-workers=2000"]
    run([vegeta, "attack", "-format=json", "-lazy", f"-targets={targets}", f"-output={results}", *options])
    said = json.loads(run([vegeta, "report", "-type=json", str(results)]))
    answered = said["status_codes"].get("200", 0)
    return Tail(
        said["latencies"]["50th"] / NANOSECONDS, said["latencies"]["99th"] / NANOSECONDS, said["requests"] - answered
    )


def target_lines(candidate: Candidate, bodies: Iterable[str]) -> Iterable[str]:
    """Yield requests as vegeta reads them."""
    common: dict[str, Any] = {
        "method": "POST", "url": candidate.url, "header": {name: [value] for name, value in candidate.headers.items()},
    }  # fmt: skip
    for body in bodies:
        yield json.dumps({**common, "body": base64.b64encode(body.encode()).decode()}) + "\n"


def cpu_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process and of all that it has started."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def run(command: list[str]) -> str:
    """Run a program to its end and return what it prints.

    Raises:
        RuntimeError: It failed.
    """
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{command[0]} ended with code {ended.returncode}: {ended.stderr[-500:]}")
    return ended.stdout
