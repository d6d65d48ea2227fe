"""Guards of a simulation: the real loop with lease, signals and evidence, under clocks that are stepped."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from antifraud.errors import NotLeading
from bench.switch.simulator.processes import Killed, Process
from bench.switch.simulator.stage import LEASE_SECONDS, Silence, Stage, Violated
from serving.guard.lead import Leader
from serving.guard.loop import Clocks, Loop
from serving.store.lease import read_lease
from serving.store.port import DecisionStore
from serving.store.records import Lease
from serving.store.switchboard import read_switch
from serving.store.view import View

ROUND_SECONDS, CALM_SECONDS, CALM_ROUNDS = 3.0, 110.0, 4
"""Seconds of a round; rounds in which a change of a technical signal comes to rest are longer."""
MOST_ROUNDS: Final = 2_000
SUBSCRIBER: Final = "ops"


class Guard(Process):
    """A guard process; `meanwhile` is called with it where it is stopped, `before_operation` before each operation.

    `on_change` is called with the epoch of the switch in the transaction of a change.
    """

    def __init__(self, stage: Stage, offset: int, meanwhile: Callable[["Guard"], None]) -> None:
        self._offset, self._meanwhile = offset, meanwhile
        self.is_stopped, self._epoch = False, 0
        self.before_operation: Callable[[], None] = lambda: None
        self.on_change: Callable[[int], None] = lambda _: None
        super().__init__(stage)

    def start(self) -> None:
        """Open the store and begin with an empty memory."""
        self._epoch = 0
        super().start()
        stage = self.stage
        clocks = Clocks(lambda: stage.now + self._offset, lambda: stage.wall, lambda: stage.elapsed)
        self._leader = Leader(self.store, LEASE_SECONDS, Silence(), clocks.monotonic)
        self._loop = Loop(self.store, stage.settings, self._leader, Silence(), clocks)

    def live_on(self) -> None:
        """Come to the beginning of an operation, perhaps after having been stopped for a while."""
        super().live_on()
        self.before_operation()
        disorder = self.stage.disorder
        if disorder.stops and disorder.dice.random() < disorder.stops:
            self._meanwhile(self)

    def step(self) -> bool:
        """Make one step; return whether this guard leads, and found nothing more to do."""
        try:
            more = self._loop.step()
            if (led := self._leader.led) is None:
                return False
            self._deliver(led)
        except Killed:
            self.restart()
            return False
        except NotLeading as error:
            self._leader.give_way(error)
            return False
        return not more

    def end(self) -> None:
        """End as a deployment ends it (SIGTERM), and start again."""
        # A kill in between ends it as well.
        with suppress(Killed):
            self._leader.resign()
        self.restart()

    def _deliver(self, led: DecisionStore) -> None:
        outbox, now = led.outbox, float(self.stage.wall)
        if outbox.notifications():
            outbox.queue_notifications([SUBSCRIBER], now)
        for delivery in outbox.deliveries():
            if begun := outbox.begin_attempt(delivery, now):
                self.stage.told.append((begun.notification, begun.switch))
                outbox.settle(begun, given_up_because=None)

    def before(self, view: View) -> Lease:
        """Return the lease before a change."""
        return read_lease(view)

    def after(self, view: View, before: Any) -> None:
        """Require that only the guard with the lease changes anything but the lease.

        Raises:
            Violated: Another guard has.
        """
        lease = read_lease(view)
        if lease != before:
            self._epoch = lease.epoch if lease.holder else 0
        elif view.changed and lease.epoch != self._epoch:
            raise Violated(f"a guard of epoch {self._epoch} has changed the store in epoch {lease.epoch}")
        if view.changed:
            self.on_change(read_switch(view).epoch)


class Guards:
    """All guards, and how they take turns."""

    def __init__(self, stage: Stage, next_event: Callable[[], bool], report: Callable[[], None]) -> None:
        self._stage, self._next_event, self._report = stage, next_event, report
        self.stops: Counter[str] = Counter()
        self.all: list[Guard] = []
        self.all += [Guard(stage, offset, self._stop) for offset in stage.disorder.offsets]

    def work(self, *, until_calm: bool = False) -> None:
        """Let all guards work until one of them leads and finds nothing more to do.

        Raises:
            Violated: They do not come to rest.
        """
        disorder, seconds = self._stage.disorder, CALM_SECONDS if until_calm else ROUND_SECONDS
        if disorder.kills and disorder.dice.random() < disorder.kills:
            disorder.dice.choice(self._awake).end()
        calm = 0
        for _ in range(MOST_ROUNDS):
            self._stage.wait(seconds)
            self._report()
            calm = calm + 1 if self._take_turns() else 0
            if calm == (CALM_ROUNDS if until_calm else 1):
                return
        raise Violated("the guards do not come to rest")

    @property
    def _awake(self) -> list[Guard]:
        return [guard for guard in self.all if not guard.is_stopped]

    def _take_turns(self) -> bool:
        awake = self._awake
        self._stage.disorder.dice.shuffle(awake)
        steps = [guard.step() for guard in awake]
        return any(steps)

    def _stop(self, guard: Guard) -> None:
        """Stop a guard for a moment, until another one leads, or for hours of events; then it wakes up."""
        if len(self._awake) < 2:
            return
        guard.is_stopped = True
        length = self._stage.disorder.dice.choice(("moment", "moment", "lease", "lease", "hours"))
        self.stops[length] += 1
        if length == "moment":
            self._take_turns()
            self._take_turns()
        else:
            self._stage.wait(LEASE_SECONDS + 1)
            self.work()
        if length == "hours":
            left = self._stage.disorder.dice.randint(1, 40)
            # Nobody wakes up in an outage.
            while (left > 0 or self._stage.is_out) and self._next_event():
                left -= 1
        guard.is_stopped = False
