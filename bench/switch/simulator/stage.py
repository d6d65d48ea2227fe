"""The stage of a simulation: the one store, its time, and what shall go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from antifraud.artifacts.pointer import Pointer
from antifraud.killswitch.machine import Switch
from antifraud.settings.serving import GuardSettings
from bench.switch.simulator.world import FIRST_DAY, Payment, World
from serving.guard.known import SLACK_SECONDS
from serving.store.committer import Job
from serving.store.lmdb import Environment
from serving.store.view import View

T = TypeVar("T")
LEASE_SECONDS: Final = 10.0


class Violated(Exception):
    """An invariant does not hold; the message says which one, and what was found."""


@dataclass
class Disorder:
    """Everything that shall go wrong. The same seed always gives the same.

    Attributes:
        dice: What is drawn as the simulation goes on.
        kills: Share of the store's operations at which the process is killed.
        stops: Share of the operations of a guard before which it is stopped (SIGSTOP), while the other one goes on.
        offsets: Seconds by which the clock of each guard is ahead.
        outage: Days on which no guard runs.
    """

    dice: Random
    kills: float = 0.0
    stops: float = 0.0
    offsets: tuple[int, ...] = (0,)
    outage: range = range(0)

    @classmethod
    def none(cls, world: World) -> "Disorder":
        """Return no disorder: one guard, which nobody disturbs."""
        return cls(world.dice("order"), outage=_outage(world) if world.is_bad and world.has_people else range(0))

    @classmethod
    def of(cls, world: World) -> "Disorder":
        """Return the disorder of a world's seed."""
        dice = world.dice("disorder")
        slack = SLACK_SECONDS - 1
        offsets = tuple(
            dice.choice((0, -slack, slack, dice.randint(-slack, slack))) for _ in range(dice.choice((1, 2, 2)))
        )
        # An outage delays a trip, and so changes what happens after it, unless there is none.
        is_out = world.is_bad == world.has_people
        stops = dice.choice((0.0, 0.01, 0.03)) if len(offsets) > 1 else 0.0
        return cls(dice, dice.choice((0.003, 0.01, 0.03)), stops, offsets, _outage(world) if is_out else range(0))


def _outage(world: World) -> range:
    dice = world.dice("outage")
    begin = FIRST_DAY + dice.randint(5, 20)
    return range(begin, begin + dice.randint(1, 9))


class Immediate(Environment):
    """The environment of the store, without a thread for its changes: a simulation waits for each of them anyway."""

    def write(self, work: Callable[[View], T], *, size: int = 1, spare: float = 0, urgent: bool = False) -> T:
        """Return what `work` returns, once its changes are committed; if it raises, it has changed nothing."""
        job = Job(work, size=size, spare=spare, urgent=urgent)
        self._commit([job])
        return job.wait(0)


@dataclass
class Stage:
    """The store that all processes share, and the time.

    Attributes:
        whole: The environment of the store.
        settings: Settings of the guards.
        world: What happens.
        disorder: What goes wrong.
        now: Business time.
        elapsed: Seconds since the beginning by a clock that nobody sets.
        told: Ids and texts of the notifications that a subscriber got.
        troubled: Whether no worker can read a release at present.
        kills: Number of kills so far.
        refused: Number of changes of the switch that were refused.
        slow: Payments that are decided slowly just now.
        pointed: The pointer when a payment was decided, by the payment's name.
        reported: Wall time and loaded releases of the last report of each worker.
        pointers: The switch at each change of the pointer, the release, and the reason to resume, if there was one.
    """

    whole: Environment
    settings: GuardSettings
    world: World
    disorder: Disorder
    now: int = FIRST_DAY * 86_400
    elapsed: float = 0.0
    told: list[tuple[str, bytes]] = field(default_factory=list)
    troubled: bool = False
    kills: int = 0
    refused: int = 0
    slow: list[Payment] = field(default_factory=list)
    pointed: dict[str, Pointer] = field(default_factory=dict)
    reported: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)
    pointers: list[tuple[Switch, str, str]] = field(default_factory=list)

    def go_to(self, time: int) -> None:
        """Let time pass until an event."""
        self.elapsed = max(self.elapsed, float(time - FIRST_DAY * 86_400))
        self.now = time

    def wait(self, seconds: float) -> None:
        """Let seconds pass."""
        self.elapsed += seconds

    @property
    def wall(self) -> int:
        """Wall time."""
        return FIRST_DAY * 86_400 + int(self.elapsed)

    @property
    def day(self) -> int:
        """The day of business time."""
        return self.now // 86_400

    @property
    def is_out(self) -> bool:
        """Whether no guard runs today."""
        return self.day in self.disorder.outage


class StageClock:
    """The business clock of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def now(self) -> int:
        """Return business time in UTC seconds."""
        return self._stage.now


class Silence:
    """A log that nobody reads."""

    def __getattr__(self, level: str) -> Callable[..., None]:
        """Return a method that forgets what it is told."""
        return lambda *_, **__: None
