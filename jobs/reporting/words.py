"""The words of a gate's report: what the verdict means, what to do now, and who serves afterwards.

A replay promotes nothing, so its words say what would have been.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from antifraud.gate.assumptions import refused
from antifraud.gate.findings import Judgement, Verdict
from antifraud.gate.limits import Limit, broken, declared
from antifraud.gate.report import GateReport

NOTHING_TO_DO: Final = "Nothing to do: the limits would have been kept on these days."
ALL: Final = {2: "Both", 3: "All three", 4: "All four", 5: "All five"}
TOGETHER: Final = "the limits of rate and loss together at this volume"
SAYS_NOTHING: Final = "The loss limit says nothing at this volume."


def stays(report: GateReport) -> bool:
    """Return whether a PASS does not replace the champion."""
    return report.verdict is Verdict.PASS and report.promotable is False


def meaning(report: GateReport) -> str:
    """Return the verdict in a sentence or two, with as many limits as there are."""
    limits = declared(report.limits)
    if report.is_replay:
        return _would_have(report)
    if stays(report):
        return f"{_all(limits)} are met, but the model that serves stays."
    if report.verdict is Verdict.PASS:
        return f"{_all(limits)} are met, {_sure(limits)}."
    afterwards = "The model that serves stays." if report.champion else "It is not promoted."
    if report.verdict is Verdict.INFEASIBLE:
        return f"No model at hand meets {TOGETHER}. {afterwards}"
    over = broken(report)
    is_or_are = "is" if len(over) == 1 else "are"
    return " ".join([*_failed(report, over, f"{len(over)} of {len(limits)} limits {is_or_are} broken"), afterwards])


def _would_have(report: GateReport) -> str:
    """Return the meaning of a replay's verdict."""
    limits = declared(report.limits)
    if report.verdict is Verdict.PASS:
        return f"{_all(limits)} would have been kept, {_sure(limits)}."
    if report.verdict is Verdict.INFEASIBLE:
        return f"No threshold of this release would have kept {TOGETHER}."
    over = broken(report)
    return " ".join(_failed(report, over, f"It would have broken {len(over)} of {len(limits)} limits"))


def _all(limits: Sequence[Limit]) -> str:
    return f"{ALL[len(limits)]} limits"


def _sure(limits: Sequence[Limit]) -> str:
    """Return how sure a PASS is; a limit without a bound is counted, so it needs no confidence."""
    bounded = [limit.name for limit in limits if limit.bound]
    which = f"{' and '.join(bounded)} " if len(bounded) < len(limits) else ""
    return f"{which}with the confidence that was asked for"


def _failed(report: GateReport, over: Sequence[Limit], said: str) -> Iterator[str]:
    """Yield the reasons for a FAIL: a limit is broken or says nothing, or a declared assumption fails."""
    if over:
        yield f"{said}: {', '.join(limit.name for limit in over)}."
    if not report.loss_limit_informative:
        yield SAYS_NOTHING
    if names := ", ".join(each.name for each in refused(report)):
        yield f"The window contradicts what you declared as a reason to refuse: {names}."


def succession(report: GateReport) -> tuple[str, str] | None:
    """Return who serves after this report, and why; None for a replay, and for a report without that reason."""
    if report.is_replay or not report.promotable_reason:
        return None
    champion = report.champion and report.champion.release
    if report.promotable:
        return f"May replace {champion}." if champion else "May be promoted.", report.promotable_reason
    return f"The champion {champion} stays." if champion else "Is not promoted.", report.promotable_reason


def action(report: GateReport) -> str:
    """Return the best single action: the gate's own, unless that is a promotion that will not happen."""
    if stays(report):
        return f"Keep the champion {report.champion.release}." if report.champion else "Keep the champion."
    return report.action


def reasons(report: GateReport) -> list[str]:
    """Return the reasons at the judged volume, then the `action`."""
    return [*report.reasons, action(report)]


def full_reasons(report: GateReport) -> list[str]:
    """Return the reasons at the full service's volume.

    Only other verdicts than PASS have an action there, because the judged volume decides about a promotion.
    """
    full = report.at_full_volume
    return [*full.reasons] if full.verdict is Verdict.PASS else [*full.reasons, full.action]


def without_promotion(judged: Judgement) -> Judgement:
    """Return the judgement of a replay: after a PASS there is nothing to do, instead of a promotion."""
    return replace(judged, action=NOTHING_TO_DO) if judged.verdict is Verdict.PASS else judged
