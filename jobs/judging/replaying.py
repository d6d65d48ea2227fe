"""Replay of a release on past days: the same path for replays and for the judge of a rollback.

Rows come from the lake's features or from logged decisions. Both become a `Certify`, which the gate's own
`check_threshold` judges.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from pyspark.sql import SparkSession

from antifraud.artifacts.bundle import Bundle, open_release, require_feature_set
from antifraud.clock import Span
from antifraud.errors import MissingDay, SettingsError
from antifraud.gate.judge import Certify, Judgement, check_threshold
from antifraud.gate.limits import Limits
from antifraud.gate.report import REPLAY, GateReport
from antifraud.gate.tradeoff import tradeoff
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.schemas import FEATURES
from antifraud.model.evaluator import PARTS_PER_MILLION
from antifraud.settings.core import JobSettings
from jobs.judging.certify_rows import certify_release
from jobs.judging.limits import demand_of
from jobs.judging.report import FULL_TRANSACTIONS_A_MONTH, points
from jobs.reporting.words import without_promotion
from jobs.rows.inputs import Inputs
from jobs.rows.windows import Windows

EVER: Final = (dt.date.min, dt.date.max)


@dataclass(frozen=True, slots=True)
class Question:
    """A release, the days to replay, and the day whose knowledge counts; the manifest holds the threshold."""

    bundle: Bundle
    span: Span
    as_of: dt.date

    @property
    def threshold(self) -> int:
        """Flagged iff the score is above it (ppm)."""
        return int(self.bundle.manifest["threshold"])

    @property
    def seen(self) -> list[dt.date]:
        """Days that the release was trained on or chosen by; it looks better on them than it is."""
        windows = Windows.from_dict(self.bundle.manifest["windows"])
        return [day for day in self.span.days if windows.train.first <= day <= windows.select.last]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The reduced rows of the days asked about, their source, and how many have an incomplete history."""

    certify: Certify
    source: str
    incomplete: int = 0

    @property
    def unknown(self) -> int:
        """Rows without a label and with a complete history; they count as volume, and in no rate."""
        return self.certify.unknown - self.incomplete


def question(
    settings: JobSettings, release: str, span: Span, *, threshold: int | None = None, as_of: dt.date | None = None
) -> Question:
    """Return a question that can be answered: a sound release of today's features, and days with matured labels.

    Raises:
        ReleaseError: There is no such release, it does not verify, or its feature set differs.
        SettingsError: The days end before they begin, or the threshold is not a risk.
        MissingDay: Labels of the last days have not arrived by `as_of`.
    """
    if span.last < span.first:
        raise SettingsError(f"the days end ({span.last}) before they begin ({span.first}): swap them")
    bundle = open_release(settings, release)
    require_feature_set(bundle)
    asked = bundle.manifest["threshold"] if threshold is None else threshold
    if not 0 <= asked <= PARTS_PER_MILLION:
        raise SettingsError(f"a threshold of {asked} is not a risk: expected 0 to {PARTS_PER_MILLION}")
    known = as_of or span.last + dt.timedelta(days=settings.label_delay_days)
    if span.last > (matured := known - dt.timedelta(days=settings.label_delay_days)):
        raise MissingDay(
            f"labels mature {settings.label_delay_days} days after their day, so as of {known} the newest are of "
            f"{matured}: end the replay there, not on {span.last}, or give a later --as-of"
        )
    manifest = {**bundle.manifest, "threshold": asked}
    return Question(replace(bundle, manifest=manifest), span, known)


def newest_day(settings: JobSettings) -> dt.date:
    """Return the newest day with features.

    Raises:
        MissingDay: No day was ever published.
    """
    newest = max(published(open_catalog(settings), FEATURES, *EVER), default=None)
    if newest is None:
        raise MissingDay("features were never published: run the lake DAG before judging a release")
    return newest


def answer_from_lake(spark: SparkSession, settings: JobSettings, asked: Question, limits: Limits) -> Answer:
    """Score the lake's features of the days with the release.

    Raises:
        MissingDay: A day has no features or no labels, or `as_of` lies after the newest day in the lake.
    """
    if asked.as_of > (newest := newest_day(settings)):
        raise MissingDay(
            f"the lake ends on {newest}, so it lacks what is known on {asked.as_of}: give an earlier --as-of"
        )
    inputs = Inputs.of(settings, {"certify": asked.span}, asked.as_of)
    return Answer(certify_release(spark, inputs, asked.bundle, limits), "lake")


def judged_at(certify: Certify, threshold: int, settings: JobSettings, limits: Limits) -> Judgement:
    """Return the gate's judgement of a threshold at the volume that the settings declare."""
    return check_threshold(certify, threshold, limits, demand=demand_of(settings), seed=settings.seed)


def replay_report(asked: Question, answer: Answer, settings: JobSettings, limits: Limits) -> GateReport:
    """Return the report of a replay, in the form of the gate's; it advises no promotion."""
    demand = demand_of(settings)
    here = without_promotion(judged_at(answer.certify, asked.threshold, settings, limits))
    at_full = replace(demand, transactions_a_month=FULL_TRANSACTIONS_A_MONTH)
    full = check_threshold(answer.certify, asked.threshold, limits, demand=at_full, seed=settings.seed)
    return GateReport(
        **{**here.by_name(), "reasons": (*_caution(asked, answer), *here.reasons)},
        candidate=asked.bundle.release,
        source=answer.source,
        as_of=asked.as_of,
        windows={REPLAY: asked.span},
        seen_in_training=tuple(asked.seen),
        at_full_volume=without_promotion(full),
        curve=points(answer.certify, limits, demand),
        tradeoff=tradeoff(answer.certify, here, demand, settings.seed),
    )


def _caution(asked: Question, answer: Answer) -> list[str]:
    cautions = []
    if asked.seen:
        days = f"{len(asked.seen)} of the {len(asked.span.days)} days, {asked.seen[0]} to {asked.seen[-1]},"
        cautions.append(f"{days} were used to train or choose the release: it looks better there than it is.")
    if answer.incomplete:
        late = f"{answer.incomplete:,} decisions about late events, with an incomplete history,"
        cautions.append(f"{late} count as volume and in no rate.")
    return cautions
