"""The champion beside a candidate: the same limits on the same certify rows, and the two paired by day.

Days count after both *models* were frozen, that is after both select windows. What certify adds to either afterwards
is a single number, a threshold that can only have been raised; labels mature too late for days after that one as well.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from antifraud.clock import day_number
from antifraud.comparison import MIN_PAIRED_DAYS, Comparison, Decider, compare, outcome
from antifraud.errors import DataError, ReleaseError
from antifraud.features import feature_set_hash
from antifraud.gate import Certify, GateReport, check_threshold
from antifraud.gate_report import Alternative, Limits, Verdict
from antifraud.release import Bundle, open_release, read_pointer
from antifraud.settings import JobSettings
from jobs.model.evidence import certify_release
from jobs.model.inputs import Inputs
from jobs.model.limits import demand_of, margins_of
from jobs.model.windows import Span, Windows


@dataclass(frozen=True, slots=True)
class Champion:
    """The release that serves, scored on the candidate's certify rows, or a note why it could not be.

    `days` are those of the certify window that neither model had seen when it was frozen. `report` is None where the
    champion had seen some of the window.
    """

    release: str
    note: str = ""
    threshold: int = 0
    certify: Certify | None = None
    report: GateReport | None = None
    days: Span | None = None

    @property
    def alternatives(self) -> list[Alternative]:
        """The champion as another model at hand."""
        return [Alternative(f"champion {self.release}", self.report.loss_at_fpr_target.bound)] if self.report else []


def find_champion(
    spark: SparkSession, settings: JobSettings, inputs: Inputs, candidate: str, limits: Limits
) -> Champion | None:
    """Judge the release that serves on the certify rows of `inputs`; None where nothing serves, or the candidate does.

    A champion that cannot be judged is no error: it must not keep a good candidate out. The note says why.
    """
    pointer = read_pointer(settings.releases_dir)
    if pointer is None or pointer.release == candidate:
        return None
    try:
        bundle = open_release(settings, pointer.release)
    except ReleaseError as error:
        return Champion(pointer.release, f"It does not verify ({error}).")
    if bundle.manifest["feature_set"] != feature_set_hash():
        return Champion(pointer.release, "Its feature set differs from today's, so it cannot score today's rows.")
    days = unseen_days(Windows.from_dict(bundle.manifest["windows"]), inputs.spans["certify"])
    if days is None or len(days.days) < MIN_PAIRED_DAYS:
        return Champion(pointer.release, f"Fewer than {MIN_PAIRED_DAYS} days lie after both models were frozen.")
    try:
        return _judged(spark, settings, inputs, bundle, limits, days)
    except DataError as error:
        return Champion(pointer.release, f"It cannot be judged on these rows ({error}).")


def _judged(
    spark: SparkSession, settings: JobSettings, inputs: Inputs, bundle: Bundle, limits: Limits, days: Span
) -> Champion:
    certify, threshold = certify_release(spark, inputs, bundle, limits), int(bundle.manifest["threshold"])
    if days != inputs.spans["certify"]:
        note = f"Its model was chosen on days before {days.first}: its limits are not judged, later days are compared."
        return Champion(bundle.release, note, threshold, certify, None, days)
    report = check_threshold(certify, threshold, limits, demand=demand_of(settings), seed=settings.seed)
    return Champion(bundle.release, "", threshold, certify, report, days)


def unseen_days(champion: Windows, certify: Span) -> Span | None:
    """Days of a certify window that lie after the champion's select window; None if there are none."""
    first = max(certify.first, champion.select.last + dt.timedelta(days=1))
    return Span(first, certify.last) if first <= certify.last else None


def succession(
    champion: Champion | None, candidate: Decider, here: GateReport, settings: JobSettings
) -> dict[str, Any]:
    """Keys `champion`, `promotable` and `promotable_reason` of the gate's report.

    `champion` is None where nothing serves, else: `release`, `note` (why it was not compared, or empty), `threshold`,
    `verdict`, `reasons`, `fpr`, `fpr_bound`, `loss` (the last six None where it was not judged), `days`, and
    `comparison` (`antifraud.comparison.Comparison`, candidate minus champion, with `non_inferior`).
    """
    paired = _paired(champion, candidate, here, settings) if champion else None
    stands = None if not (champion and champion.report) else champion.report.verdict is Verdict.PASS
    promotable, reason = outcome(here.verdict is Verdict.PASS, stands, paired)
    note = f" {champion.note}" if champion and champion.note and promotable else ""
    described = _described(champion, paired) if champion else None
    return {"champion": described, "promotable": promotable, "promotable_reason": reason + note}


def _paired(champion: Champion, candidate: Decider, here: GateReport, settings: JobSettings) -> Comparison | None:
    if not (champion.certify and champion.days):
        return None
    first, last = day_number(champion.days.first), day_number(champion.days.last)
    sides = [
        Decider(each.table.where_days(first, last), each.threshold)
        for each in (Decider(champion.certify.table, champion.threshold), candidate)
    ]
    growth = here.judged_transactions_a_month / here.observed_transactions_a_month
    return compare(sides[0], sides[1], margins_of(settings), factor=growth)


def _described(champion: Champion, paired: Comparison | None) -> dict[str, Any]:
    report = champion.report
    judged = {
        "threshold": champion.threshold if report else None,
        "verdict": str(report.verdict) if report else None,
        "reasons": list(report.reasons) if report else None,
        "fpr": report.fpr if report else None,
        "fpr_bound": report.fpr_bound if report else None,
        "loss": dataclasses.asdict(report.loss) if report else None,
    }
    days = {"first": str(champion.days.first), "last": str(champion.days.last)} if champion.days else None
    comparison = {**dataclasses.asdict(paired), "non_inferior": paired.non_inferior} if paired else None
    return {"release": champion.release, "note": champion.note, **judged, "days": days, "comparison": comparison}
