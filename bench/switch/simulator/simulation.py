"""One life of a world, with or without disorder, and the verdict that it ends with."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.signals import SignalName
from antifraud.settings.serving import GuardSettings
from bench.switch.simulator.checks import Checks, require
from bench.switch.simulator.clients import Worker
from bench.switch.simulator.guards import Guards
from bench.switch.simulator.ledger import Ledger
from bench.switch.simulator.people import Admin, Shipper
from bench.switch.simulator.stage import LEASE_SECONDS, Disorder, Immediate, Stage
from bench.switch.simulator.world import DAYS, Event, Kind, World
from bench.switch.verdict import Verdict, find_differences, read_verdict
from serving.store.store import init_store

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 a folder for one run
IDENTITY: Final = "simulated"
QUIET: Final = ",".join(f"{name}=off" for name in (SignalName.SHIPPER_BEHIND, *AlarmName))
"""Policies of what warns sooner or later, as the guard looks sooner or later."""
DAYS_TO_TRIP: Final = 6
"""Bad days that have matured when the guard must have tripped; one seed in a thousand needs more than four."""


class Life(NamedTuple):
    """A verdict, the days on which the switch changed, and how much has gone wrong on the way."""

    verdict: Verdict
    days: list[int]
    trips: int
    kills: int
    stops: int


class Simulation:
    """A world that is lived through."""

    def __init__(self, stage: Stage) -> None:
        """Start all processes."""
        self._stage, self._ledger = stage, Ledger()
        self._events: Iterator[Event] = stage.world.events()
        self._worker = Worker(stage, self._ledger)
        self._admin, self._shipper = Admin(stage), Shipper(stage)
        self._guards = Guards(stage, self._next, self.report)
        self.checks = Checks(stage, self._ledger)

    def report(self) -> None:
        """Let all workers report."""
        self._worker.report()

    def run(self) -> Life:
        """Live through all days, and check all invariants.

        Raises:
            Violated: One does not hold.
        """
        while self._next():
            pass
        self.checks.finish()
        self._check_trips()
        checks, stops = self.checks, sum(self._guards.stops.values())
        return Life(read_verdict(checks.store), checks.seen_on, len(checks.trips), self._stage.kills, stops)

    def _next(self) -> bool:
        """Let the next event happen; return whether there was one."""
        event = next(self._events, None)
        if event is None:
            return False
        self._stage.go_to(event.time)
        self._happen(event)
        self.checks.look()
        return True

    def _happen(self, event: Event) -> None:
        world, stage, worker = self._stage.world, self._stage, self._worker
        match event.kind:
            case Kind.GUARD:
                self._let_guards_work()
            case Kind.LABEL:
                worker.label(world.said.get(event.time, []))
            case Kind.DECIDE:
                worker.decide(world.payments(event.time))
            case Kind.BEGIN_SLOWLY:
                stage.slow = world.payments(event.time)
                worker.begin_slowly(stage.slow)
            case Kind.FINISH_SLOWLY:
                worker.finish_slowly(stage.slow)
            case Kind.NIGHT:
                self._admin.promote()
            case Kind.ACT:
                self._admin.act()
            case Kind.SHIP:
                self._shipper.ship()
            case Kind.EXPIRE:
                self._shipper.expire()

    def _let_guards_work(self) -> None:
        stage = self._stage
        if stage.is_out:
            return
        # A trouble begins and ends in the morning, when no day closes, so that the order of changes is always the same.
        is_morning = stage.now % 86_400 == 7 * 3_600
        troubled = stage.day in stage.world.troubled_days if is_morning else stage.troubled
        changes, stage.troubled = troubled != stage.troubled, troubled
        self._guards.work(until_calm=changes)

    def _check_trips(self) -> None:
        """Check that a bad release trips in time, and a good one never."""
        world, trips = self._stage.world, self.checks.trips
        if not world.is_bad:
            require(not trips, f"a good service tripped at the epochs {trips}")
        elif not world.has_people:
            due = world.bad_days.start + DAYS_TO_TRIP + world.delay + 1
            days = [self.checks.seen_on[epoch] for epoch in trips]
            first = min(days, default=None)
            require(first is not None and first <= due, f"a bad release tripped on day {first} instead of {due}")
            require(first is None or first > world.bad_days.start + world.delay, "a trip before labels have come")


def live(world: World, disorder: Disorder) -> Life:
    """Live through a world in a store of its own.

    Raises:
        Violated: An invariant does not hold.
    """
    with open_stage(world, disorder) as stage:
        return Simulation(stage).run()


@contextmanager
def open_stage(world: World, disorder: Disorder) -> Iterator[Stage]:
    """Yield a stage with a new store."""
    with tempfile.TemporaryDirectory(prefix="simulated-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as home:
        settings = GuardSettings(
            home=Path(home), store_map_bytes=1 << 27, label_delay_days=world.delay,
            guard_lease_seconds=LEASE_SECONDS, signal_policies=QUIET,
        )  # fmt: skip
        init_store(settings, IDENTITY).close()
        environment = Immediate(
            settings.store_dir, settings.store_map_bytes, power_safe=False, wait_seconds=1.0, after_close=lambda: None
        )
        try:
            yield Stage(environment, settings, world, disorder)
        finally:
            environment.close()


def try_seed(seed: int, days: int = DAYS) -> Life:
    """Live through the world of a seed with and without disorder, and compare the verdicts.

    Raises:
        Violated: An invariant does not hold, or the verdicts differ.
    """
    world = World(seed, days)
    calm, disturbed = live(world, Disorder.none(world)), live(world, Disorder.of(world))
    differences = find_differences(calm.verdict, disturbed.verdict)
    require(not differences, f"the verdict is not that of a guard that nobody disturbs: {differences[:1]}")
    require(calm.days == disturbed.days, f"the switch changed on the days {disturbed.days} instead of {calm.days}")
    return disturbed
