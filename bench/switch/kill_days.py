"""The days that clients, an admin and a guard live through while something is killed: `bench/switch/kills.py`."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from antifraud.client import ScorerClient
from antifraud.client.calls import Label
from antifraud.client.errors import Refused
from antifraud.client.payments import Payment
from antifraud.clock import DAY_SECONDS, BusinessClock, day_of
from antifraud.keys.pseudonym import Key
from antifraud.settings.serving import GuardSettings
from bench.serving.processes import NOON, ScorerProcess, wait_for
from bench.switch.verdict import Verdict, read_verdict
from serving.store.store import open_store

KEY: Final = Key("k1", bytes(32))
"""The key of the world's state."""
DELAY: Final = 1
"""Label delay in days."""
LARGE, SMALL = 39_000, 5_000
"""Amounts that the world's release flags, and passes."""
PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Plan:
    """Days, kills a day, and payments between two kills."""

    days: int
    kills: int
    payments: int = 20

    def payments_of(self, day: int, portion: int) -> list[Payment]:
        """Return the payments of a portion of a day; on two of four days, far too many legitimate ones are flagged."""
        numbers = range(portion * self.payments, (portion + 1) * self.payments)
        every = 2 if day % 4 >= 2 else 40
        return [
            Payment(_name(day, number), _noon(day) - number, number % 50, 1_000 + number % 20, _amount(number, every))
            for number in numbers
        ]

    def labels_of(self, day: int, portion: int) -> list[Label]:
        """Return the labels that clients send in a portion of a day: of the day before, and late ones."""
        numbers = range(portion * self.payments, (portion + 1) * self.payments)
        return [_label(day - 1, number) for number in numbers if number % 7] + [
            _label(day - 3, number) for number in numbers if number % 7 == 0
        ]


def _name(day: int, number: int) -> str:
    return f"{day}:{number}"


def _noon(day: int) -> int:
    return NOON + day * DAY_SECONDS


def _amount(number: int, every: int) -> int:
    return LARGE if number % every == 0 else SMALL


def _label(day: int, number: int) -> Label:
    return Label(_name(day, number), "fraud" if number % 9 == 0 else "legitimate", _noon(day) + 60)


class Days:
    """The days of a plan, which clients and an admin live through; `strike` is called in the middle of everything."""

    def __init__(self, scorer: ScorerProcess, clock: BusinessClock, plan: Plan, strike: Callable[[], None]) -> None:
        self._clock, self._plan, self._strike = clock, plan, strike
        self._client = ScorerClient(scorer.url, scorer.token(), KEY)
        self._admin = ScorerClient(scorer.url, scorer.token("admin"))

    def live(self, settings: GuardSettings) -> Verdict:
        """Live through all days until their labels have come, and return the verdict."""
        with (
            closing(open_store(settings)) as store,
            closing(self._client),
            closing(self._admin),
            ThreadPoolExecutor(1) as pool,
        ):
            self._closed = store.closed_day
            for day in range(self._plan.days):
                self._while_killed(pool.submit(self._begin, day))
                for portion in range(1, self._plan.kills):
                    self._while_killed(pool.submit(self._send, day, portion))
            for day in range(self._plan.days, self._plan.days + DELAY + 1):
                self._begin(day)
            return read_verdict(store)

    def _while_killed(self, work: Future[Any]) -> None:
        """Wait for some work, in the middle of which something is killed."""
        self._strike()
        work.result()

    def _begin(self, day: int) -> None:
        """Step to the noon of a day, wait until the guard has closed what is due, and resume after a trip."""
        self._clock.step_to(_noon(day))
        due = day - DELAY - 1
        if due >= 0:
            wait_for(lambda: self._closed() >= day_of(NOON) + due, f"day {due} to close", PATIENCE)
        switch = self._admin.status(seconds=PATIENCE)["switch"]
        if switch["mode"] == "SUSPENDED":
            self._resume(day, switch["epoch"])

    def _resume(self, day: int, epoch: int) -> None:
        try:
            self._admin.resume(f"day {day}", epoch, force=True, seconds=PATIENCE)
        except Refused:
            # The answer to an earlier attempt was lost with a worker.
            if self._admin.status(seconds=PATIENCE)["switch"]["reason"] != f"day {day}":
                raise

    def _send(self, day: int, portion: int) -> None:
        answers = self._client.decide_all(self._plan.payments_of(day, portion), seconds=PATIENCE)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        if labels := self._plan.labels_of(day, portion):
            self._client.label(labels, seconds=PATIENCE)
