"""The standing judgement of a simulated night: the tests of production on what the releases would have flagged.

A release flags by one threshold, so its score table has two scores: flagged and passed.
"""

import datetime as dt
from pathlib import Path
from typing import Final

import numpy as np

from antifraud.clock import DAY_SECONDS, Span, date_of, day_number
from antifraud.errors import NotEnoughRows
from antifraud.gate.certify import Certify, Demand
from antifraud.gate.judge import check_threshold
from antifraud.gate.limits import Limits
from antifraud.gate.standing import Evidence, choose_days, judge_long, judge_onset, without_onset
from antifraud.killswitch.judgement import Judged, Judgement, Outcome, Role, Standing, Terms
from antifraud.killswitch.ladder import Kept, choose_ladder, find_needed
from antifraud.settings.core import JobSettings
from antifraud.stats.episodes import Frauds
from antifraud.stats.score_tables import MONTH_DAYS, ScoreTable, merge
from antifraud.stats.threshold import LegitBlocks
from bench.switch.streams import Days, Ints
from bench.switch.troubles import USUAL_LOSS, WORSE_LOSS, Trouble, name_of
from bench.switch.years import certify
from jobs.judging.limits import limits_of
from jobs.judging.standing import share_out
from jobs.judging.standing_list import long_span
from jobs.rows.windows import windows_of

BASE: Final = day_number(dt.date(2026, 1, 5))
"""The calendar day of day 0, a Monday."""
PASSED, THRESHOLD, FLAGGED = 100, 500, 900
FRAUD_SHARE, MISSED_SHARE = 0.02, 0.2
SETTINGS: Final = JobSettings(home=Path())


class Nights:
    """The judgements of a trouble's nights."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble, self.limits = trouble, limits_of(SETTINGS)
        frauds = trouble.rows * FRAUD_SHARE * MISSED_SHARE * MONTH_DAYS
        self.amount = round(self.limits.loss_limit_minor * USUAL_LOSS / frauds)
        """Amount of each fraud, so that a good release misses `USUAL_LOSS` of the limit a month; minor units."""

    def kept(self, as_of: int) -> list[int]:
        """Return the releases that the clean-up of every night has left, oldest first."""
        kept: list[int] = []
        for trained in self.trouble.promoted:
            if trained <= as_of:
                needed = find_needed([_kept(each) for each in [*kept, trained]], date_of_day(trained), self.anchor)
                kept = [each for each in [*kept, trained] if name_of(each) in needed]
        return kept

    @property
    def anchor(self) -> str:
        """The first release that was promoted."""
        return name_of(self.trouble.promoted[0])

    def judge(self, as_of: int, onset: int | None = None) -> Judgement:
        """Return the judgement of a night, as `jobs/judge.py` makes it; with an `onset` that of the recovery."""
        kept = self.kept(as_of)
        ladder = choose_ladder(map(_kept, kept), date_of_day(as_of), self.anchor)
        serving = self.trouble.serving(as_of + 1)
        named = dict.fromkeys(ladder, Role.LADDER) | {name_of(serving): Role.CHAMPION}
        cases = [each for each in (*kept, serving) if name_of(each) in named]
        limits = share_out(self.limits, len(set(cases)))
        releases = [self._judged(each, named[name_of(each)], as_of, onset, limits) for each in sorted(set(cases))]
        return Judgement(
            made_at=(BASE + as_of + 1) * DAY_SECONDS,
            as_of_day=date_of_day(as_of),
            switch_epoch=None,
            terms=Terms(
                fpr_limit=limits.fpr_limit, loss_limit_minor=limits.loss_limit_minor, delta=limits.delta,
                onset_delta=0.05,
            ),
            releases=tuple(releases[::-1]),
        )  # fmt: skip

    def _judged(self, trained: int, role: Role, as_of: int, onset: int | None, limits: Limits) -> Judged:
        name, day = name_of(trained), date_of_day(trained)
        try:
            span = long_span(windows_of(SETTINGS, day), date_of_day(as_of), SETTINGS)
        except NotEnoughRows as error:
            young = Outcome(verdict=Standing.NOT_JUDGEABLE, sentence=str(error))
            return Judged.of_tests(name, role, day, young, None)
        noise = certify(self.trouble.counts[False], trained + 1).noise
        evidence = Evidence(self._certify(trained, span), (), THRESHOLD, noise, Demand())
        long = judge_long(evidence, check_threshold(evidence.certify, THRESHOLD, limits, demand=Demand()), span)
        began = None if onset is None else BASE + onset
        days = choose_days(evidence.certify, span, began)
        after = judge_onset(evidence, limits, days) if days else without_onset(began or 0, span)
        return Judged.of_tests(name, role, day, long, after)

    def _certify(self, trained: int, span: Span) -> Certify:
        first, last = (day_number(day) - BASE for day in (span.first, span.last))
        seen = self.trouble.seen_by(trained)
        frauds = self._frauds(trained, first, last)
        return Certify(
            merge(_legitimate(seen, first, last), _table_of(frauds)),
            frauds,
            [_by_terminal(seen, first, last)],
            as_of=BASE + last,
        )

    def _frauds(self, trained: int, first: int, last: int) -> Frauds:
        """Return frauds of one row each, the share of missed ones as the trouble makes it."""
        rng = np.random.default_rng([self.trouble.seed, trained, last])
        count = round(self.trouble.rows * FRAUD_SHARE)
        days = np.repeat(np.arange(first, last + 1), count)
        worse = (self.trouble.kind == "missed") & (days >= self.trouble.onset)
        missed = rng.random(days.size) < np.where(worse, MISSED_SHARE * WORSE_LOSS / USUAL_LOSS, MISSED_SHARE)
        codes = np.arange(days.size)
        return Frauds(
            np.where(missed, PASSED, FLAGGED), np.full(days.size, self.amount), codes, codes, last - first + 1,
            day=BASE + days, delay=np.ones_like(days), first_day=BASE + first,
        )  # fmt: skip


def _kept(trained: int) -> Kept:
    return Kept(name_of(trained), date_of_day(trained))


def date_of_day(day: int) -> dt.date:
    """Return the calendar day of a day of a trouble."""
    return date_of(BASE + day)


def _legitimate(seen: Days, first: int, last: int) -> ScoreTable:
    rows, flagged = (each[first : last + 1].sum(axis=1) for each in (seen.rows, seen.flagged))
    day = BASE + np.arange(first, last + 1)
    return _columns(np.tile(day, 2), np.repeat([PASSED, FLAGGED], day.size), np.append(rows - flagged, flagged))


def _columns(day: Ints, score: Ints, legit: Ints) -> ScoreTable:
    none = np.zeros(day.size, np.int64)
    columns = {"day": day, "score": score, "legit": legit, "fraud": none, "fraud_amount": none,
               "fraud_amount_sq": none.astype(object), "fraud_amount_max": none}  # fmt: skip
    return ScoreTable.from_columns(columns)


def _table_of(frauds: Frauds) -> ScoreTable:
    return ScoreTable.from_rows(frauds.day, frauds.score, np.ones(frauds.score.size, bool), frauds.amount)


def _by_terminal(seen: Days, first: int, last: int) -> LegitBlocks:
    rows, flagged = (each[first : last + 1].sum(axis=0) for each in (seen.rows, seen.flagged))
    block = np.arange(rows.size)
    score = np.repeat([PASSED, FLAGGED], block.size)
    return LegitBlocks("terminals", np.tile(block, 2), score, np.append(rows - flagged, flagged))
