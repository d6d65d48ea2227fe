"""Kill -9 of real guards and workers at random moments, and compare the verdict: ``make bench-switch-kills``.

The same days are lived through twice, with a scorer under Gunicorn and clients that ask over HTTP. The first time one
guard runs, and nothing is killed. The second time two guards run at once, with clocks that are two hours apart. Guards,
workers or all of the scorer are killed then, in the middle of decisions, of labels and of the closing of days.
"""

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from antifraud.clock import HOUR_SECONDS, BusinessClock
from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.signals import SignalName
from antifraud.settings.serving import GuardSettings
from bench.record import record
from bench.serving.processes import NOON, ROOT, ScorerProcess, Version, prepare_home, running, wait_for
from bench.switch.kill_days import DELAY, PATIENCE, Days, Plan
from bench.switch.verdict import Verdict, find_differences

COMMAND: Final = "make bench-switch-kills"
KILLS: Final = 200
WORKERS, HOST = 2, "127.0.0.1"
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
OFFSET: Final = "ANTIFRAUD_CLOCK_OFFSET_SECONDS"
QUIET: Final = (
    "error_share",
    "p99",
    "stale_state",
    "parity_share",
    "store_fill",
    "shipper_behind",
    "release_unreadable",
)


class GuardProcess:
    """One of several real guards; its clock is `apart` seconds from that of the scorer."""

    def __init__(self, scorer: ScorerProcess, number: int, apart: int) -> None:
        self._scorer, self._log = scorer, scorer.home.with_name(f"{scorer.home.name}-guard-{number}.log")
        offset = int(scorer.changes[OFFSET]) + apart
        self._environment = {**scorer.version.environment(scorer.home), **scorer.changes, OFFSET: str(offset)}
        self.start()

    def start(self) -> None:
        """Start the guard; its log begins anew."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._scorer.version.python, "-m", "serving.guard"],
                cwd=self._scorer.version.checkout, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """Kill the guard once it works, and start it again."""
        wait_for(lambda: b'"watching"' in self._log.read_bytes(), "a guard that works", PATIENCE)
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill the guard for good."""
        self._process.kill()
        self._process.wait()


@dataclass
class Killer:
    """Kills one process, or several, at random moments."""

    dice: Random
    scorer: ScorerProcess
    guards: list[GuardProcess]
    kills: dict[str, int] = field(default_factory=dict)

    def strike(self) -> None:
        """Wait for a moment, and kill."""
        kinds: dict[str, tuple[int, Callable[[], None]]] = {
            "guard": (8, lambda: self.dice.choice(self.guards).kill()),
            "worker": (5, self._kill_worker),
            "both guards": (2, self._kill_guards),
            "scorer": (1, self._kill_scorer),
        }
        (name,) = self.dice.choices(list(kinds), [share for share, _ in kinds.values()])
        time.sleep(self.dice.random() * 0.3)
        kinds[name][1]()
        self.kills[name] = self.kills.get(name, 0) + 1

    def _kill_worker(self) -> None:
        pids = wait_for(self.scorer.workers, "a worker", PATIENCE)
        os.kill(self.dice.choice(pids), signal.SIGKILL)

    def _kill_guards(self) -> None:
        for guard in self.guards:
            guard.kill()

    def _kill_scorer(self) -> None:
        self.scorer.kill()
        self.scorer.start()


class Outcome(NamedTuple):
    """The differences that kills have made, the kills by their kind, and the trips of the undisturbed run."""

    differences: list[str]
    kills: dict[str, int]
    trips: int


def compare(folder: Path, plan: Plan, seed: int) -> Outcome:
    """Live through a plan without and with kills."""
    version = Version()
    homes = [folder / "undisturbed", folder / "disturbed"]
    version.require(homes[0], "-P", str(WORLD), str(homes[0]))
    shutil.copytree(homes[0], homes[1])
    expected, _ = live(version, homes[0], plan, None)
    found, kills = live(version, homes[1], plan, Random(seed))  # noqa: S311 a simulation
    return Outcome(find_differences(expected, found), kills, expected.trips)


def live(version: Version, home: Path, plan: Plan, dice: Random | None) -> tuple[Verdict, dict[str, int]]:
    """Live through all days; return the verdict, and how often what was killed."""
    prepare_home(version, home)
    clock = BusinessClock(int(NOON - time.time()), home / "clock")
    (home / "clock").write_text("0\n")
    changes = {
        OFFSET: str(clock.offset_seconds),
        "ANTIFRAUD_CLOCK_FILE": str(home / "clock"),
        "ANTIFRAUD_LABEL_DELAY_DAYS": str(DELAY),
        "ANTIFRAUD_GUARD_LEASE_SECONDS": "0.5",
        "ANTIFRAUD_SIGNAL_POLICIES": ",".join(f"{name}=off" for name in (*SignalName, *AlarmName)),
    }
    with running(ScorerProcess(version, home, workers=WORKERS, now=NOON, host=HOST, **changes)) as scorer:
        scorer.start()
        with run_guards(scorer, (0,) if dice is None else (-HOUR_SECONDS, HOUR_SECONDS)) as guards:
            killer = None if dice is None else Killer(dice, scorer, guards)
            settings = GuardSettings.from_environment({**version.environment(home), **changes})
            days = Days(scorer, clock, plan, killer.strike if killer else lambda: None)
            return days.live(settings), killer.kills if killer else {}


@contextmanager
def run_guards(scorer: ScorerProcess, apart: tuple[int, ...]) -> Iterator[list[GuardProcess]]:
    """Run guards, and stop them at the end."""
    guards = [GuardProcess(scorer, number, seconds) for number, seconds in enumerate(apart)]
    try:
        yield guards
    finally:
        for guard in guards:
            guard.stop()


def main(arguments: argparse.Namespace) -> None:
    """Kill, compare and record."""
    plan = Plan(arguments.kills // 10, 10)
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        differences, kills, trips = compare(Path(scratch), plan, arguments.seed)
    for difference in differences:
        print(difference)
    what = ", ".join(f"{count} x {name}" for name, count in sorted(kills.items()))
    about = f"{sum(kills.values())} kills ({what}) on {plan.days} days with {trips} trips, seed {arguments.seed}"
    print(about)
    if sum(kills.values()) >= KILLS:
        record("switch.kill_verdict_differs", len(differences), "differences", COMMAND, about)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
