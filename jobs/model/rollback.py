"""Evidence about an earlier release: the newest matured days after those it was trained on."""

import datetime as dt
from typing import Final

from antifraud.errors import MissingDay, NotEnoughRows
from antifraud.gate import Certify
from antifraud.gate_report import Limits
from antifraud.lake import open_catalog, published
from antifraud.release import Bundle
from antifraud.schemas import FEATURES
from antifraud.settings import JobSettings
from jobs.model.evidence import certify_release
from jobs.model.inputs import Inputs
from jobs.model.windows import SHORTEST_CERTIFY_DAYS, Span, Windows
from jobs.session import start_session

EVER: Final = (dt.date.min, dt.date.max)


def evidence_of_today(settings: JobSettings, bundle: Bundle, limits: Limits) -> Certify:
    """What the gate needs to judge `bundle`, from the newest published days whose labels have matured.

    Raises:
        MissingDay: The lake has no features, or not of every day that is needed.
        NotEnoughRows: Too few days have matured since the release was trained.
    """
    newest = max(published(open_catalog(settings), FEATURES, *EVER), default=None)
    if newest is None:
        raise MissingDay("features were never published: run the lake DAG before judging a release")
    trained = Windows.from_dict(bundle.manifest["windows"])
    inputs = Inputs.of(settings, {"certify": judged_span(trained, newest, settings)}, newest)
    spark = start_session("promote", settings)
    try:
        return certify_release(spark, inputs, bundle, limits)
    finally:
        spark.stop()


def judged_span(trained: Windows, newest: dt.date, settings: JobSettings) -> Span:
    """The newest matured days, as many as a certify window has, none of them used in training or selection.

    Raises:
        NotEnoughRows: Fewer than `SHORTEST_CERTIFY_DAYS` are left.
    """
    last = newest - dt.timedelta(days=settings.label_delay_days)
    after_training = trained.select.last + dt.timedelta(days=1)
    first = max(last - dt.timedelta(days=settings.certify_days - 1), after_training)
    if (found := (last - first).days + 1) < SHORTEST_CERTIFY_DAYS:
        raise NotEnoughRows(
            f"{max(found, 0)} matured days lie after {trained.select.last}, the release's last day of training; "
            f"{SHORTEST_CERTIFY_DAYS} are needed to judge it: suspend the service instead"
        )
    return Span(first, last)
