"""The world of a seed: releases, payments, their truth, labels and people, day by day. Nothing in it is an accident.

A world does not know whether processes crash, so that the same days can be lived through with and without crashes.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from random import Random
from typing import ClassVar, Final, NamedTuple

from antifraud.api.fields import LabelStatus
from antifraud.clock import DAY_SECONDS, HOUR_SECONDS
from serving.guard.known import CLOSING_SECONDS, NIGHT_SECONDS, SLACK_SECONDS

FIRST_DAY: Final = 20_000
DAYS: Final = 24
GOOD_RATE, BAD_RATE, CATCHES = 0.03, 0.75, 0.8
"""Shares of legitimate payments that a good and a bad release flags, and the share of the frauds that each catches."""
FRAUDS: Final = 0.05
SLOW: Final = 0.08
LABELLED_AT: Final = (0, 9 * HOUR_SECONDS, 15 * HOUR_SECONDS, DAY_SECONDS - 1)
"""Seconds of a day at which clients send labels; the first and the last are on both sides of a day's close."""
LONGEST_LAG: Final = 6
"""Days between an event and its late decision."""


class Kind(Enum):
    """Something that happens: the number says in which order at the same second."""

    LABEL, GUARD, SHIP, JUDGE, BEGIN_NIGHT, NIGHT, EXPIRE, RECOVER, DECIDE, BEGIN_SLOWLY, ACT, FINISH_SLOWLY = range(12)


class Event(NamedTuple):
    """Something that happens at a time, in seconds of business time."""

    time: int
    kind: Kind


class Payment(NamedTuple):
    """A payment; its release flags it if `draw` lies below the release's share."""

    name: str
    time: int
    terminal: str
    is_fraud: bool
    draw: float
    is_complete: bool


class Word(NamedTuple):
    """A label that a client sends about a payment."""

    name: str
    status: LabelStatus
    learned_at: int
    propensity: float


class World:
    """The world of a seed.

    Attributes:
        seed: Everything follows from it.
        days: Days with payments; the guard lives on until their labels have come.
        delay: Label delay in days.
        is_bad: Whether there are releases that flag far too much, or days on which every release does.
        has_people: Whether an admin suspends, resumes, rolls back, observes and exercises.
        nights: Days between two promotions.
        drifts: Whether every release is bad on bad days, or those releases that were promoted on them.
        bad_days: See `drifts`.
        troubled_days: Days on which no worker can read a release.
        has_bundles: Whether releases are signed bundles that are judged, so that the service comes back by itself.
        hours: Hours of a day at which something happens.
        looks: Seconds of a day at which the guards work.
        said: Labels by the time at which clients send them.
    """

    has_bundles = False
    hours: ClassVar[Mapping[Kind, Sequence[float]]] = {
        Kind.SHIP: (2.0,), Kind.NIGHT: (3.0,), Kind.EXPIRE: (4.0,), Kind.DECIDE: (6.0, 14.0, 22.0),
        Kind.BEGIN_SLOWLY: (11.9,), Kind.ACT: (12.0,), Kind.FINISH_SLOWLY: (12.6,),
    }  # fmt: skip
    # A day closes by a fast clock after the night, by a right one after the slack, and then by a slow one.
    looks: Sequence[float] = (
        NIGHT_SECONDS + 1, CLOSING_SECONDS, CLOSING_SECONDS + SLACK_SECONDS, 7 * 3_600, 12.5 * 3_600, 22.5 * 3_600,
    )  # fmt: skip

    def __init__(self, seed: int, days: int = DAYS) -> None:
        """Draw what lasts for the whole world."""
        self.seed, self.days = seed, days
        self.said: dict[int, list[Word]] = {}
        self._draw(self.dice("world"))
        for day in range(FIRST_DAY, FIRST_DAY + days):
            self._plan_labels(day)

    def _draw(self, dice: Random) -> None:
        """Draw delay, releases, bad days, and who is there."""
        seed, days = self.seed, self.days
        self.delay = dice.choice((2, 3, 5))
        self.is_bad, self.has_people = seed % 4 >= 2, seed % 2 == 1
        # The last choice is a single release for the whole time.
        self.nights = dice.choice((1, 1, 5, days))
        self.drifts = self.nights == days or dice.random() < 0.3
        begin = FIRST_DAY + dice.randint(4, 10)
        self.bad_days = range(begin, begin + self.delay + 6) if self.is_bad else range(0)
        troubled = dice.sample(range(3, days), 2) if self.has_people and not self.is_bad else ()
        self.troubled_days = frozenset(FIRST_DAY + day for day in troubled)

    def dice(self, purpose: str, day: int = 0) -> Random:
        """Return dice of their own for a purpose, so that a change of one part of the world leaves the others alone."""
        return Random(f"{self.seed}/{purpose}/{day}")  # noqa: S311 a simulation

    @property
    def last_day(self) -> int:
        """The day on which the last labels have closed."""
        return FIRST_DAY + self.days + self.delay + 2

    def events(self) -> Iterator[Event]:
        """Yield everything that happens, in order."""
        seconds = [(int(hour * HOUR_SECONDS), kind) for kind, of in self.hours.items() for hour in of]
        seconds += [(second, Kind.LABEL) for second in LABELLED_AT]
        seconds += [(int(second), Kind.GUARD) for second in self.looks]
        for day in range(FIRST_DAY, self.last_day + 1):
            for second, kind in sorted(seconds, key=lambda each: (each[0], each[1].value)):
                yield Event(day * DAY_SECONDS + second, kind)
        yield Event((self.last_day + 1) * DAY_SECONDS, Kind.GUARD)

    def payments(self, time: int) -> list[Payment]:
        """Return the payments that are decided at a time; some have happened days before."""
        day = time // DAY_SECONDS
        if day >= FIRST_DAY + self.days:
            return []
        dice = self.dice("payments", time)
        return [self._pay(dice, f"{time}-{number}", time) for number in range(dice.randint(8, 16))]

    def _pay(self, dice: Random, name: str, time: int) -> Payment:
        lag = dice.randint(1, LONGEST_LAG) if dice.random() < 0.04 else 0
        event_time = max(FIRST_DAY * DAY_SECONDS, time - dice.randint(0, 5 * HOUR_SECONDS) - lag * DAY_SECONDS)
        terminal, is_fraud = f"k1.t{dice.randint(0, 9)}", dice.random() < FRAUDS
        return Payment(name, event_time, terminal, is_fraud, dice.random(), dice.random() < 0.97)

    def flags(self, release: str, payment: Payment) -> bool:
        """Return whether a release flags a payment."""
        if payment.is_fraud:
            return payment.draw < CATCHES
        is_bad = payment.time // DAY_SECONDS in self.bad_days if self.drifts else promoted_on(release) in self.bad_days
        return payment.draw < (BAD_RATE if is_bad else GOOD_RATE)

    def is_slow_to_load(self, worker: str, day: int) -> bool:
        """Return whether a worker loads no release to go back to on a day."""
        return self.dice(f"slow/{worker}", day).random() < SLOW

    def _plan_labels(self, day: int) -> None:
        for event in (6.0, 11.9, 14.0, 22.0):
            time = day * DAY_SECONDS + int(event * HOUR_SECONDS)
            for payment in self.payments(time):
                self._plan_words(payment, time)

    def _plan_words(self, payment: Payment, decided_at: int) -> None:
        """Plan what clients say about a payment: late, corrected, contradicted, in another order, or twice."""
        dice = self.dice("labels/" + payment.name)
        truth: LabelStatus = "fraud" if payment.is_fraud else "legitimate"
        other: LabelStatus = "legitimate" if payment.is_fraud else "fraud"
        propensity = 0.5 if dice.random() < 0.1 else 1.0
        closes = (payment.time // DAY_SECONDS + self.delay + 1) * DAY_SECONDS
        early = decided_at + dice.randint(0, max(0, closes - decided_at))
        late = closes + dice.randint(0, 4 * DAY_SECONDS)
        story = dice.choices(("plain", "none", "corrected", "late", "disordered", "unknown"), (70, 8, 9, 6, 5, 2))[0]
        stories: dict[str, list[tuple[int, LabelStatus, int]]] = {
            "plain": [(early, truth, 1)],
            "none": [],
            "corrected": [(early, other, 1), (dice.choice((early, late)), truth, 2)],
            "late": [(late, truth, 1)],
            # The older word arrives last.
            "disordered": [(early, truth, 2), (early + DAY_SECONDS, other, 1)],
            "unknown": [(early, "unknown", 1), (early, truth, 2)],
        }
        for sent_at, status, order in stories[story]:
            word = Word(payment.name, status, payment.time + order, propensity)
            self._say(max(sent_at, decided_at), word)
            if dice.random() < 0.1:
                self._say(max(sent_at, decided_at) + dice.randint(0, 2 * DAY_SECONDS), word)

    def _say(self, earliest: int, word: Word) -> None:
        """Plan a label for the next time at which clients send some."""
        day = earliest // DAY_SECONDS
        times = [each * DAY_SECONDS + second for each in (day, day + 1) for second in LABELLED_AT]
        self.said.setdefault(next(time for time in times if time >= earliest), []).append(word)


def name_release(day: int) -> str:
    """Return the name of the release that is promoted on a day."""
    return f"n{day}"


def promoted_on(release: str) -> int:
    """Return the day on which a release was promoted."""
    return int(release[1:])
