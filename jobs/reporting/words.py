"""The words of a gate's report: what the verdict means, what to do now, and who serves afterwards.

A replay is a report whose windows name `replay`. It promotes nothing, so its words say what would have been.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

REPLAY: Final = "replay"
PASS: Final = "PASS"  # noqa: S105 a verdict
NOTHING_TO_MEND: Final = "Nothing to mend: on these days the limits would have been kept."
SURE: Final = {
    2: "with the confidence that was asked for",
    3: "rate and loss with the confidence that was asked for",
}
"""By the number of limits: alerts are counted, no confidence is asked for them."""
LIMITS: Final = {2: "Both limits", 3: "All three limits"}
TOGETHER: Final = "the limits of rate and loss together at this volume"
SAYS_NOTHING: Final = "The loss limit says nothing at this volume."


def is_replay(report: Mapping[str, Any]) -> bool:
    """Whether a report is about past days of a release instead of a candidate."""
    return REPLAY in report["windows"]


def stays(report: Mapping[str, Any]) -> bool:
    """Whether a PASS does not replace the champion."""
    return bool(report["verdict"] == PASS and not report.get("promotable", True))


def meaning(report: Mapping[str, Any]) -> str:
    """The verdict in a sentence or two, with as many limits as there are."""
    count, verdict = _limit_count(report), report["verdict"]
    if is_replay(report):
        return _would_have(report)
    if stays(report):
        return f"{LIMITS[count]} are met, but the model that serves stays."
    if verdict == PASS:
        return f"{LIMITS[count]} are met, {SURE[count]}."
    afterwards = "The model that serves stays." if report.get("champion") else "It is not promoted."
    if verdict == "INFEASIBLE":
        return f"No model at hand meets {TOGETHER}. {afterwards}"
    broken = list(_broken(report))
    is_or_are = "is" if len(broken) == 1 else "are"
    return " ".join([*_failed(report, broken, f"{len(broken)} of {count} limits {is_or_are} broken"), afterwards])


def _would_have(report: Mapping[str, Any]) -> str:
    """The meaning of a replay's verdict."""
    count, verdict = _limit_count(report), report["verdict"]
    if verdict == PASS:
        return f"{LIMITS[count]} would have been kept, {SURE[count]}."
    if verdict == "INFEASIBLE":
        return f"No threshold of this release would have kept {TOGETHER}."
    broken = list(_broken(report))
    return " ".join(_failed(report, broken, f"It would have broken {len(broken)} of {count} limits"))


def _failed(report: Mapping[str, Any], broken: Sequence[str], said: str) -> Iterator[str]:
    """Why a FAIL is one; a limit is broken, or the one of the loss says nothing."""
    if broken:
        yield f"{said}: {', '.join(broken)}."
    if not (broken and report["loss_limit_informative"]):
        yield SAYS_NOTHING


def _limit_count(report: Mapping[str, Any]) -> int:
    return 2 if report["limits"]["alerts_a_day"] is None else 3


def _broken(report: Mapping[str, Any]) -> Iterator[str]:
    """Names of the limits that are broken, by the rule of `antifraud.gate.judge`."""
    limits = report["limits"]
    if report["fpr_bound"] > limits["fpr_limit"]:
        yield "false-positive rate"
    if report["loss"]["bound"] > limits["loss_limit_minor"]:
        yield "missed fraud"
    if limits["alerts_a_day"] is not None and report["alerts_a_day"] > limits["alerts_a_day"]:
        yield "alerts a day"


def succession(report: Mapping[str, Any]) -> tuple[str, str] | None:
    """Who serves after this report, and why; None for a replay, and where a report does not tell.

    >>> succession({"windows": {}, "champion": {"release": "r1"}, "promotable": False, "promotable_reason": "Worse."})
    ('The champion r1 stays.', 'Worse.')
    """
    if is_replay(report) or not report.get("promotable_reason"):
        return None
    champion, reason = (report.get("champion") or {}).get("release"), str(report["promotable_reason"])
    if report["promotable"]:
        return f"May replace {champion}." if champion else "May be promoted.", reason
    return f"The champion {champion} stays." if champion else "Is not promoted.", reason


def action(report: Mapping[str, Any]) -> str:
    """The best single action: the gate's own, unless that is a promotion that will not happen."""
    if stays(report):
        return f"Keep the champion{_named(report)}."
    return NOTHING_TO_MEND if is_replay(report) and report["verdict"] == PASS else str(report["reasons"][-1])


def _named(report: Mapping[str, Any]) -> str:
    release = (report.get("champion") or {}).get("release")
    return f" {release}" if release else ""


def reasons(report: Mapping[str, Any]) -> list[str]:
    """The reasons at the judged volume, the last one the `action`."""
    return [*report["reasons"][:-1], action(report)]


def full_reasons(report: Mapping[str, Any]) -> list[str]:
    """The reasons at the full service's volume; a PASS has no action there, the judged volume decides about it."""
    full = report["at_full_volume"]
    return list(full["reasons"][:-1] if full["verdict"] == PASS else full["reasons"])


def without_promotion(part: Mapping[str, Any]) -> list[str]:
    """The gate's reasons for a replay: it can have been right, and then there is nothing to do."""
    return [*part["reasons"][:-1], NOTHING_TO_MEND] if part["verdict"] == PASS else list(part["reasons"])
