"""Earlier releases on a candidate's certify rows: the same limits for all, and the champion compared day by day.

Only days after both select windows count, because both *models* were frozen by then. The certify window adds a single
number to a model afterwards: a threshold, which it can only raise. Days after both certify windows would be cleaner
still, but labels mature too late for them.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from pyspark.sql import DataFrame

from antifraud.artifacts.bundle import Bundle
from antifraud.clock import Span, day_number
from antifraud.errors import DataError
from antifraud.gate.comparison_checks import check_comparison
from antifraud.gate.findings import Alternative, Verdict
from antifraud.gate.judge import Certify, Demand, Judgement, check_threshold, month_loss
from antifraud.gate.limits import Limits
from antifraud.gate.report import Champion
from antifraud.settings.core import JobSettings
from antifraud.stats.comparison import Comparison, Decider, compare, outcome
from antifraud.stats.paired import PairedRows
from jobs.judging.certify_rows import certify_scored
from jobs.judging.limits import demand_of, margins_of
from jobs.judging.paired import paired_rows
from jobs.judging.rivals import Rival
from jobs.judging.scoring import other_score, scored_by
from jobs.rows.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Judged:
    """A rival on the candidate's certify rows, or a note why it could not be judged there.

    `days` are the days of the certify window that neither model had seen when it was frozen. `report` is None if the
    rival had seen some of the window. `pair` reduces the rows of `days` to what only the rival or only the candidate
    flags; it takes the candidate's threshold, which the certify window may still raise.
    """

    role: str
    release: str
    note: str = ""
    threshold: int = 0
    certify: Certify | None = None
    report: Judgement | None = None
    days: Span | None = None
    pair: Callable[[int], PairedRows] | None = None

    def alternative(self, demand: Demand, seed: int) -> Alternative | None:
        """Return the rival as another model at hand, at the volume of `demand`; None if it was not judged."""
        if not (self.certify and self.report):
            return None
        lowest = self.report.threshold_at_fpr_target
        loss = month_loss(self.certify, lowest, self.report.limits, demand=demand, seed=seed)
        return Alternative(f"{self.role} {self.release}", loss.bound)


def scorable(rivals: Sequence[Rival]) -> list[Bundle]:
    """Return the bundles of the rivals that can be scored, in the order in which `judge_rivals` expects scores."""
    return [rival.bundle for rival in rivals if rival.bundle]


def judge_rivals(
    results: DataFrame, rivals: Sequence[Rival], inputs: Inputs, settings: JobSettings, limits: Limits
) -> list[Judged]:
    """Judge rivals by the certify rows of `results`, which hold the scores of the `scorable` ones.

    A rival that cannot be judged is no error, because it must not keep a good candidate out. Its note says why.
    """
    position = {bundle.release: place for place, bundle in enumerate(scorable(rivals))}
    found = []
    for rival in rivals:
        try:
            found.append(_judged(results, position.get(rival.release), rival, inputs, settings, limits))
        except DataError as error:
            found.append(Judged(rival.role, rival.release, f"It cannot be judged on these rows ({error})."))
    return found


def _judged(
    results: DataFrame, position: int | None, rival: Rival, inputs: Inputs, settings: JobSettings, limits: Limits
) -> Judged:
    bundle, days = rival.bundle, rival.days
    if bundle is None or days is None or position is None:
        return Judged(rival.role, rival.release, rival.note)
    certify = certify_scored(scored_by(results, position), inputs, bundle, limits)
    threshold = int(bundle.manifest["threshold"])
    pair = partial(paired_rows, results.where("window = 'certify'"), other_score(position), threshold, days)
    if days != inputs.spans["certify"]:
        note = f"Its model was chosen on days before {days.first}: its limits are not judged, later days are compared."
        return Judged(rival.role, rival.release, note, threshold, certify, None, days, pair)
    report = check_threshold(certify, threshold, limits, demand=demand_of(settings), seed=settings.seed)
    return Judged(rival.role, rival.release, "", threshold, certify, report, days, pair)


class Succession(NamedTuple):
    """The champion beside the candidate (None: nothing serves), and whether the candidate may replace it."""

    champion: Champion | None
    promotable: bool
    promotable_reason: str


def succession(champion: Judged | None, candidate: Decider, here: Judgement, settings: JobSettings) -> Succession:
    """Decide whether a candidate that was judged as `here` may replace the champion; None: nothing serves."""
    paired = _paired(champion, candidate, settings) if champion else None
    stands = None if not (champion and champion.report) else champion.report.verdict is Verdict.PASS
    promotable, reason = outcome(here.verdict is Verdict.PASS, stands, paired)
    if promotable and (stops := _refusals(paired, here.limits)):
        promotable, reason = False, " ".join(stops)
    if promotable and champion and champion.note:
        compared = stands is not None or paired is not None
        said = reason if compared else "The champion could not be compared with the candidate."
        reason = f"{said} {champion.note}"
    described = _described(champion, paired) if champion else None
    return Succession(described, promotable, reason)


def _refusals(paired: Comparison | None, limits: Limits) -> list[str]:
    """Return the assumptions of the comparison that fail and were declared as a reason to refuse."""
    return [each.warning for each in check_comparison(paired) if each.fails and each.name in limits.refuse_if_failed]


def _paired(champion: Judged, candidate: Decider, settings: JobSettings) -> Comparison | None:
    if not (champion.certify and champion.days and champion.pair):
        return None
    first, last = day_number(champion.days.first), day_number(champion.days.last)
    serving = Decider(champion.certify.table, champion.threshold, champion.certify.frauds)
    sides = (serving.where_days(first, last), candidate.where_days(first, last))
    # Both were scored on the same rows, so the candidate's evidence would say the same.
    factor = demand_of(settings).volume(champion.certify).factor
    paired, known = champion.pair(candidate.threshold), candidate.frauds
    return compare(sides[0], sides[1], margins_of(settings), paired=paired, known=known, factor=factor)


def _described(champion: Judged, paired: Comparison | None) -> Champion:
    whole = Champion(release=champion.release, note=champion.note, days=champion.days, comparison=paired)
    if not (report := champion.report):
        return whole
    return dataclasses.replace(
        whole,
        threshold=champion.threshold,
        verdict=report.verdict,
        reasons=report.reasons,
        action=report.action,
        fpr=report.fpr,
        fpr_bound=report.fpr_bound,
        loss=report.loss,
    )
