"""The judge of a rollback: an earlier release, replayed on the newest matured days that it was not trained on."""

import datetime as dt

from antifraud.artifacts.bundle import Bundle, require_feature_set
from antifraud.clock import ONE_DAY, Span
from antifraud.errors import NotEnoughRows
from antifraud.gate.judge import Certify, Judgement
from antifraud.gate.limits import Limits
from antifraud.settings.core import JobSettings
from jobs.judging.replaying import Question, answer_from_lake, judged_at, newest_day
from jobs.rows.windows import SHORTEST_CERTIFY_DAYS, Windows
from jobs.spark.session import start_session


def judge_today(settings: JobSettings, bundle: Bundle, limits: Limits) -> Judgement:
    """Judge `bundle` at its own threshold on today's data; raises as `evidence_of_today` does."""
    return judged_at(evidence_of_today(settings, bundle, limits), int(bundle.manifest["threshold"]), settings, limits)


def evidence_of_today(settings: JobSettings, bundle: Bundle, limits: Limits) -> Certify:
    """Return the evidence to judge `bundle` by, from the newest published days with matured labels.

    Raises:
        ReleaseError: The release was trained on other features than today's.
        MissingDay: The lake has no features, or not of every day that is needed, or a day without labels.
        NotEnoughRows: Too few days have matured since the release was trained.
    """
    require_feature_set(bundle)
    newest = newest_day(settings)
    span = judged_span(Windows.from_dict(bundle.manifest["windows"]), newest, settings)
    spark = start_session("promote", settings)
    try:
        return answer_from_lake(spark, settings, Question(bundle, span, newest), limits).certify
    finally:
        spark.stop()


def judged_span(trained: Windows, newest: dt.date, settings: JobSettings) -> Span:
    """Return the newest matured days, as many as a certify window has, after training and selection.

    Raises:
        NotEnoughRows: Fewer than `SHORTEST_CERTIFY_DAYS` are left.
    """
    last = newest - dt.timedelta(days=settings.label_delay_days)
    after_training = trained.select.last + ONE_DAY
    first = max(last - dt.timedelta(days=settings.certify_days - 1), after_training)
    if (found := (last - first).days + 1) < SHORTEST_CERTIFY_DAYS:
        raise NotEnoughRows(
            f"{max(found, 0)} matured days lie after {trained.select.last}, the release's last day of training; "
            f"{SHORTEST_CERTIFY_DAYS} are needed to judge it: suspend the service instead"
        )
    return Span(first, last)
