"""The standing judgement: judge what serves and the releases to go back to, on the days that have matured by now.

A release that cannot be judged keeps no other one from being judged. Troubles of the lake or of the cluster end the
job instead: the judgement of the night before stays until it expires.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pyspark.sql import SparkSession

from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.errors import DataError, MissingDay, NotEnoughRows
from antifraud.gate.limits import Limits
from antifraud.gate.report import GateReport
from antifraud.gate.standing import (
    ONSET_DELTA,
    Evidence,
    choose_days,
    judge_long,
    judge_onset,
    without_onset,
)
from antifraud.killswitch.detectors.noise import Noise
from antifraud.killswitch.judgement import Judged, Judgement, Outcome, Standing, Terms
from antifraud.settings.core import JobSettings
from jobs.judging.blocked_rows import bands_of, judged_status, with_flags
from jobs.judging.certify_rows import certify_scored
from jobs.judging.kept_scores import keep_scores, read_kept, require_scored
from jobs.judging.limits import demand_of, limits_of
from jobs.judging.reduction import require_equal_chances
from jobs.judging.replaying import Answer, Question, newest_day, replay_report
from jobs.judging.scoring import CARRIED, PASSED
from jobs.judging.standing_list import Listed, list_releases, long_span
from jobs.publishing.tables import create_tables
from jobs.rows.dataset import labelled
from jobs.rows.ids import KEYS
from jobs.rows.inputs import Inputs
from jobs.rows.labels import labels_as_of
from jobs.rows.source import feature_rows
from jobs.rows.windows import Windows


@dataclass(frozen=True, slots=True)
class Moment:
    """The inputs of a judgement, besides lake and releases.

    Attributes:
        as_of: Labels known at the end of this day count.
        onset: Day on which the guard estimates that a change began; None in a nightly judgement.
        serving: Release that the switch has rolled back to; None if the pointer says what serves.
        switch_epoch: Epoch of the switch; None if no scorer told it.
        warnings: Sentences about the judgement as a whole.
    """

    as_of: dt.date
    onset: dt.date | None = None
    serving: str | None = None
    switch_epoch: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def made_at(self) -> int:
        """The end of the day, so that a repeated night makes the same judgement."""
        return (day_number(self.as_of) + 1) * DAY_SECONDS


class StandingFound(NamedTuple):
    """The judgement, and the report of each release that could be judged, in the gate's form."""

    judgement: Judgement
    reports: Mapping[str, GateReport]


class _Case(NamedTuple):
    """A release with the question about it, or with the trouble that keeps it from being judged."""

    listed: Listed
    question: Question | None
    trouble: str = ""


def judge_standing(spark: SparkSession, settings: JobSettings, moment: Moment) -> StandingFound:
    """Judge all releases of a day; each gets its part of the night's delta.

    Raises:
        MissingDay: The lake does not have the day yet.
        ReleaseError: The pointer cannot be read.
    """
    create_tables(spark, settings)
    if moment.as_of > (newest := newest_day(settings)):
        raise MissingDay(f"the lake ends on {newest}, so it lacks what is known on {moment.as_of}: run the lake DAG")
    cases = [_case(settings, each, moment.as_of) for each in list_releases(settings, moment.as_of, moment.serving)]
    asked = [case.question for case in cases if case.question]
    keep_scores(spark, settings, {each.bundle.release: (each.bundle, each.span) for each in asked})
    limits = share_out(limits_of(settings), len(asked))
    found = [_judged(spark, settings, each, moment, limits) for each in cases]
    terms = Terms(
        fpr_limit=limits.fpr_limit,
        loss_limit_minor=limits.loss_limit_minor,
        delta=limits.delta,
        onset_delta=ONSET_DELTA,
    )
    judgement = Judgement(
        made_at=moment.made_at,
        as_of_day=moment.as_of,
        switch_epoch=moment.switch_epoch,
        terms=terms,
        releases=tuple(judged for judged, _ in found),
        warnings=moment.warnings,
    )
    return StandingFound(judgement, {report.candidate: report for _, report in found if report})


def share_out(limits: Limits, releases: int) -> Limits:
    """Share the night's delta out over the releases, so that all passes together are as sure as one.

    >>> share_out(Limits(delta=0.01), 4).delta
    0.0025
    """
    return replace(limits, delta=limits.delta / max(releases, 1))


def _case(settings: JobSettings, listed: Listed, as_of: dt.date) -> _Case:
    if listed.bundle is None:
        return _Case(listed, None, listed.trouble)
    try:
        span = long_span(Windows.from_dict(listed.bundle.manifest["windows"]), as_of, settings)
    except NotEnoughRows as error:
        return _Case(listed, None, f"{error}.")
    return _Case(listed, Question(listed.bundle, span, as_of))


def _judged(
    spark: SparkSession, settings: JobSettings, case: _Case, moment: Moment, limits: Limits
) -> tuple[Judged, GateReport | None]:
    listed, question = case.listed, case.question
    if question is None:
        return _unjudged(listed, case.trouble), None
    try:
        evidence = _evidence(spark, settings, question, limits)
        report = replay_report(question, Answer(evidence.certify, "lake"), settings, limits)
        long = judge_long(evidence, report, question.span)
        onset = _onset(evidence, limits, question.span, moment.onset)
    except DataError as error:
        days = f"{question.span.first} to {question.span.last}"
        return _unjudged(listed, f"It cannot be judged on {days} ({error})."), None
    judged = Judged.of_tests(listed.release, listed.role, listed.trained, long, onset)
    return judged, replace(report, reasons=(*_told(long, onset), *report.reasons))


def _told(long: Outcome, onset: Outcome) -> Sequence[str]:
    told = [f"Long test, {long.verdict.replace('_', ' ')}: {long.sentence}"]
    told.append(f"Onset test, {onset.verdict.replace('_', ' ')}: {onset.sentence}")
    return [*told, long.warning] if long.warning else told


def _unjudged(listed: Listed, trouble: str) -> Judged:
    outcome = Outcome(verdict=Standing.NOT_JUDGEABLE, sentence=trouble)
    return Judged.of_tests(listed.release, listed.role, listed.trained, outcome, None)


def _onset(evidence: Evidence, limits: Limits, span: Span, onset: dt.date | None) -> Outcome:
    began = day_number(onset) if onset else None
    days = choose_days(evidence.certify, span, began)
    if days is None:
        return without_onset(began or 0, span)
    return judge_onset(evidence, limits, days)


def _evidence(spark: SparkSession, settings: JobSettings, question: Question, limits: Limits) -> Evidence:
    """Return the evidence about a release from its kept scores and the labels that are known now.

    Raises:
        DataError: A label came by chance, or a day was published again meanwhile; and as `certify_scored`.
    """
    bundle, span, threshold = question.bundle, question.span, question.threshold
    inputs = Inputs.of(settings, {"certify": span}, question.as_of)
    # Each row counts once, because rows that were blocked count by themselves.
    rows = labelled(feature_rows(spark, inputs), labels_as_of(spark, inputs), inputs.spans)
    known = rows.select("transaction_id", "propensity", *CARRIED, *PASSED)
    flagged = with_flags(spark, known, inputs)
    results = flagged.join(read_kept(spark, bundle.release, span), list(KEYS), "left").persist()
    try:
        require_equal_chances(results)
        require_scored(results)
        blocked = bands_of(results, threshold)
        certify = certify_scored(results.withColumn("status", judged_status(threshold)), inputs, bundle, limits)
    finally:
        results.unpersist()
    noise = Noise.of_manifest(bundle.manifest, limits.fpr_limit)
    return Evidence(certify, blocked, threshold, noise, demand_of(settings))
