"""Worlds whose service comes back by itself: releases are bundles, and nights judge them, not always well."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from random import Random
from typing import ClassVar, Final

from antifraud.clock import HOUR_SECONDS, Span, date_of
from antifraud.killswitch.judgement import Judged, Judgement, Outcome, Role, Standing, Terms
from bench.switch.simulator.world import FIRST_DAY, Kind, World, promoted_on
from serving.guard.known import CLOSING_SECONDS, SLACK_SECONDS

NIGHTS: Final = 24
TERMS: Final = Terms(fpr_limit=0.05, loss_limit_minor=10_000, delta=0.0025, onset_delta=0.05)
GOOD: Final = Outcome(verdict=Standing.PASS, sentence="It meets both limits.")
BAD: Final = Outcome(verdict=Standing.FAIL, sentence="It breaks a limit.")
CERTIFY_LENGTH: Final = 28


class Plan(StrEnum):
    """The fate of a night's judgement."""

    GOOD = "good"
    NONE = "none"
    GONE = "gone"
    OLD = "old"
    FUTURE = "future"
    DAMAGED = "damaged"
    VERSION = "version"
    FOREIGN = "foreign"


CHANCES: Final = {
    Plan.GOOD: 64, Plan.NONE: 6, Plan.GONE: 6, Plan.OLD: 6, Plan.FUTURE: 5, Plan.DAMAGED: 5, Plan.VERSION: 4,
    Plan.FOREIGN: 4,
}  # fmt: skip


class Nights(World):
    """A world with a bad release or bad days, a judgement and a candidate each night, and two workers."""

    has_bundles = True
    hours: ClassVar[Mapping[Kind, Sequence[float]]] = {
        Kind.BEGIN_NIGHT: (0.05,), Kind.JUDGE: (1.5,), Kind.SHIP: (2.0,), Kind.NIGHT: (3.0, 5.0), Kind.EXPIRE: (4.0,),
        Kind.RECOVER: (3.25, 3.25 + 1 / 12, 3.25 + 2 / 12, 7.1, 7.1 + 1 / 12, 13.0), Kind.DECIDE: (6.0, 14.0, 22.0),
        Kind.ACT: (12.0,),
    }  # fmt: skip
    looks = (CLOSING_SECONDS, CLOSING_SECONDS + SLACK_SECONDS, 7 * HOUR_SECONDS)

    def _draw(self, dice: Random) -> None:
        self.delay, self.is_bad, self.nights = dice.choice((2, 3)), True, 1
        self.has_people, self.drifts = dice.random() < 0.3, dice.random() < 0.5
        begin = FIRST_DAY + dice.randint(2, 4)
        self.bad_days = range(begin, begin + self.delay + dice.randint(2, 9))
        self.troubled_days = frozenset()

    def is_silent(self, worker: str, day: int) -> bool:
        """Return whether a worker is away on a day."""
        return self.dice(f"silent/{worker}", day).random() < 0.15

    def candidate_passes(self, day: int) -> bool:
        """Return whether the candidate of a night passes the gate, which is wrong on most of the bad days."""
        return self.dice("gate", day).random() < 0.9

    def certify_window(self, day: int) -> Span:
        """Return the certify window of a night's candidate: whole days whose labels have come."""
        last = date_of(day - 1 - self.delay)
        return Span(last - dt.timedelta(days=CERTIFY_LENGTH - 1), last)

    def plan(self, day: int) -> Plan:
        """Return what becomes of a night's judgement."""
        return self.dice("plan", day).choices(list(CHANCES), list(CHANCES.values()))[0]

    def judge(self, dice: Random, releases: Sequence[str], now: int) -> Judgement:
        """Return a judgement of releases at business time `now`, which is right about most of them."""
        as_of = now // 86_400 - 1
        # Some judgements know fewer days, as a late night does.
        last = date_of(as_of - self.delay - dice.choice((0, 0, 0, 2)))
        judged = [
            self._judge(dice, name, Role.LADDER if number else Role.CHAMPION, last)
            for number, name in enumerate(releases)
        ]
        return Judgement(made_at=now, as_of_day=date_of(as_of), switch_epoch=None, terms=TERMS, releases=tuple(judged))

    def _judge(self, dice: Random, release: str, role: Role, last: dt.date) -> Judged:
        day = promoted_on(release)
        is_bad = day in self.bad_days and not self.drifts
        passes = dice.random() < (0.15 if is_bad else 0.25 if self.drifts else 0.7)
        return Judged.of_tests(release, role, date_of(day), GOOD, replace(GOOD if passes else BAD, last=last))
