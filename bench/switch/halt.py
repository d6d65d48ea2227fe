"""Measure how long answers of the old state go on after a change of the switch: ``make bench-switch-halt``.

Four workers decide 400 transactions a second. A hundred times, a trip of the guard suspends the service. A hundred
times, a standing judgement lets the trip roll it back to another release. The last answer that a client gets of the
old state is timed from the moment at which the trip began.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antifraud.artifacts.judgement import JUDGEMENT, write_judgement
from antifraud.artifacts.pointer import activate
from antifraud.clock import date_of, day_of
from antifraud.keys.signing import PublicKey
from antifraud.killswitch.judgement import Judged, Judgement, Outcome, Role, Standing, Terms
from antifraud.killswitch.machine import Mode, Order, trip
from antifraud.settings.serving import GuardSettings
from bench.record import record
from bench.serving.crash import transaction
from bench.serving.load import Attempt, Load, percentile
from bench.serving.processes import NOON, ROOT, ScorerProcess, Version, prepare_home, running
from serving.guard.tripping import follow_trip
from serving.store.port import DecisionStore, Inspection
from serving.store.store import open_store
from serving.worker.reports import WALL_CLOCK

COMMAND: Final = "make bench-switch-halt"
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
WORKERS, RATE, CLIENTS, TRIPS = 4, 400.0, 16, 100
ENTITIES, TREES = 10_000, 500
SECONDS: Final = 0.5
"""Time after each change; answers that come later would be missed."""
POINTED, EARLIER = "first", "second"
"""The release of the pointer, and one to go back to."""
DONE: Final = 200


def judgement() -> Judgement:
    """Return a standing judgement in which the earlier release passes both tests."""
    # Without closed days, the day of the trip counts as the onset.
    passed = Outcome(verdict=Standing.PASS, sentence="It meets both limits.", last=date_of(day_of(NOON)))
    return Judgement(
        made_at=NOON,
        as_of_day=date_of(day_of(NOON) - 1),
        switch_epoch=None,
        terms=Terms(fpr_limit=0.05, loss_limit_minor=50_000_000, delta=0.01, onset_delta=0.05),
        releases=(Judged.of_tests(EARLIER, Role.LADDER, date_of(day_of(NOON) - 30), passed, passed),),
    )


def trip_guard(store: DecisionStore, settings: GuardSettings, expected: Mode) -> None:
    """Trip as the guard does, which reads the standing judgement and verifies the bundle to go back to.

    Raises:
        RuntimeError: The consequence is another one, or somebody else has changed the switch.
    """
    before = store.switch()
    tripped = trip(before, release=POINTED, reason="a trip of the benchmark", at=NOON, evidence={})
    after = follow_trip(before, tripped, POINTED, settings, store.reports(), closed=(), wall=WALL_CLOCK.now())
    if after is None or after.mode is not expected:
        raise RuntimeError(f"the trip leads to {after}, {expected} was expected")
    if not store.commit_inspection(Inspection(closed_before=store.closed_day(), suspend=after)):
        raise RuntimeError(f"the guard's change was not made at {before}")


def resume(store: DecisionStore) -> None:
    """Let the pointer's release serve again, whatever the evidence says."""
    order = Order(
        mode=Mode.SERVING, expected_epoch=store.switch().epoch, reason="a change of the benchmark", by="admin", at=NOON,
        release=POINTED, forced=True,
    )  # fmt: skip
    store.change_switch(order)


def timed(make: Callable[[], None]) -> tuple[float, float]:
    """Make a change; return when it began, and when nothing of the old state is expected any more."""
    began = time.monotonic()
    make()
    time.sleep(SECONDS)
    return began, time.monotonic()


def last_answer(load: Load, span: tuple[float, float], is_old: Callable[[Attempt], bool]) -> float:
    """Return the seconds from the beginning of a span to the last answer of the old state in it; 0 without one."""
    began, ended = span
    return (
        max((each.ended for each in load.notes.every() if began < each.ended <= ended and is_old(each)), default=began)
        - began
    )


def is_decision(attempt: Attempt) -> bool:
    """Return whether a decision was answered."""
    return attempt.status == DONE


def is_of_pointer(attempt: Attempt) -> bool:
    """Return whether a decision of the pointer's release was answered."""
    return is_decision(attempt) and json.loads(attempt.body)["release"] == POINTED


def make_changes(
    store: DecisionStore, settings: GuardSettings, load: Load, trips: int
) -> tuple[list[float], list[float]]:
    """Return the seconds to the last answer of each trip that suspends, and of each that rolls back."""
    halts, rollbacks = [], []
    for _ in range(trips):
        (settings.releases_dir / JUDGEMENT).unlink(missing_ok=True)
        halts.append(timed(lambda: trip_guard(store, settings, Mode.SUSPENDED)))
        timed(lambda: resume(store))
        write_judgement(settings.releases_dir, judgement())
        rollbacks.append(timed(lambda: trip_guard(store, settings, Mode.ROLLED_BACK)))
        timed(lambda: resume(store))
    for each in rollbacks:
        require_answers(load, each)
    return [last_answer(load, each, is_decision) for each in halts], [
        last_answer(load, each, is_of_pointer) for each in rollbacks
    ]


def require_answers(load: Load, span: tuple[float, float]) -> None:
    """Refuse a roll-back after which the other release has not answered.

    Raises:
        RuntimeError: There was no such answer.
    """
    began, ended = span
    if not any(
        began < each.ended <= ended and is_decision(each) and not is_of_pointer(each) for each in load.notes.every()
    ):
        raise RuntimeError(f"no decision of release {EARLIER} in {SECONDS} s after a roll-back")


def measure(home: Path, trips: int) -> tuple[list[float], list[float]]:
    """Build a world, load it, and change its switch again and again."""
    version = Version()
    version.require(home, "-P", str(WORLD), str(home), "--entities", str(ENTITIES), "--trees", str(TREES))
    prepare_home(version, home)
    # Promoted one after the other, so that every worker keeps the earlier one loaded.
    for release in (EARLIER, POINTED):
        activate(home / "releases", release, PublicKey.read(home / "secrets" / "release.pub"))
    scorer = ScorerProcess(version, home, workers=WORKERS)
    with running(scorer):
        scorer.start()
        settings = GuardSettings.from_environment(version.environment(home))
        store = open_store(settings)
        try:
            with Load(scorer, transaction, rate=RATE, clients=CLIENTS) as load:
                time.sleep(SECONDS)
                return make_changes(store, settings, load, trips)
        finally:
            store.close()


def main(arguments: argparse.Namespace) -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(prefix="halt-") as scratch:
        halts, rollbacks = measure(Path(scratch), arguments.trips)
    for name, seconds in (("switch.halt_p99_s", halts), ("switch.rollback_p99_s", rollbacks)):
        about = f"{len(seconds)} trips at {RATE:.0f} decisions a second, {WORKERS} workers"
        record(name, percentile(seconds, 0.99), "s", COMMAND, about, (min(seconds), max(seconds)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=TRIPS)
    main(parser.parse_args())
