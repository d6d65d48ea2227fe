"""Known weaknesses of a release: sentences made from its gate report, then what holds for any model of this kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from antifraud.stats.threshold import ROWS, TOGETHER
from jobs.reporting.page import number, rub, share

LEAST_LEGITIMATE: Final = 500
LEAST_FRAUDS: Final = 30
"""A slice with fewer rows is not called bad: its rate would be mostly chance."""
WORST: Final = 2
"""Slices that are named by each measure."""
GENERAL: Final = (
    "Labels arrive days after the payment, so the first days of a compromise are scored without knowing of it.",
    "Payments that were blocked keep no label of their own; what is learnt from the others may not hold for them.",
    "A change in honest spending raises the false-positive rate; the guard watches and suspends the service.",
    "A fraud unlike those in the train window has no history to be recognised by, only its amount and time.",
    "Customers and terminals without history have null features: the slices say how the model does on them.",
)


def weaknesses(report: Mapping[str, Any]) -> list[str]:
    """What this release does badly, or what its verdict does not know; what the report does not tell is left out."""
    parts = (_false_alarms, _missed, _unlabelled, _label_delay, _binding, _champion, _loss_limit, _full_volume)
    return [sentence for part in parts for sentence in part(report)]


def _false_alarms(report: Mapping[str, Any]) -> Iterator[str]:
    def told(row: Mapping[str, Any]) -> str:
        return f"{share(row['fpr'])} of {number(row['legitimate'])} legitimate payments"

    enough = [row for row in report.get("slices") or () if row["legitimate"] >= LEAST_LEGITIMATE]
    worst = sorted((row for row in enough if row["fpr"] > report["fpr"]), key=lambda row: -row["fpr"])
    if worst:
        yield f"False alarms are most frequent for {_named(worst, told)}; over all it is {share(report['fpr'])}."


def _missed(report: Mapping[str, Any]) -> Iterator[str]:
    def told(row: Mapping[str, Any]) -> str:
        return f"{share(row['value_recall'], 1)} of {rub(row['fraud_amount'])} RUB in {number(row['frauds'])} frauds"

    known = [row for row in report.get("slices") or () if row["frauds"] >= LEAST_FRAUDS]
    worse = (row for row in known if row["value_recall"] is not None and row["value_recall"] < report["value_recall"])
    if worst := sorted(worse, key=lambda row: row["value_recall"]):
        whole = share(report["value_recall"], 1)
        yield f"The least of the fraud amount is caught for {_named(worst, told)}; over all it is {whole}."


def _named(rows: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any]], str]) -> str:
    return " and ".join(f'{row["slice"]} "{row["value"]}" ({told(row)})' for row in rows[:WORST])


def _unlabelled(report: Mapping[str, Any]) -> Iterator[str]:
    for window, count in (report.get("counts") or {}).items():
        if unknown := count["unknown"]:
            rows = sum(count.values())
            yield (
                f"{share(unknown / rows)} of the {window} window's {number(rows)} payments ({number(unknown)}) have no "
                "label: they are volume, but in no rate, so frauds among them are taken to be as among the others."
            )


def _label_delay(report: Mapping[str, Any]) -> Iterator[str]:
    if lost := report.get("label_delay_loss"):
        yield (
            f"Labels come {report['label_delay_days']} days late: what the first {report['label_delay_days']} days of "
            f"compromised terminals cost is {rub(lost)} of the {rub(report['loss']['mean'])} RUB of fraud "
            "missed a month."
        )


def _binding(report: Mapping[str, Any]) -> Iterator[str]:
    """Which blocks make the false-positive rate uncertain; nothing where rows alone do."""
    bounds, binding = report["fpr_bounds"], report["fpr_binding"]
    if binding == ROWS:
        return
    single = {name: bound for name, bound in bounds.items() if name != TOGETHER}
    widest = max(single, key=single.__getitem__)
    alone = f"; of the single kinds {widest} count most, {share(single[widest])}" if binding == TOGETHER else ""
    yield (
        f"Honest payments are not independent: by {binding} the false-positive rate is at most "
        f"{share(bounds[binding])}{alone}; were all rows independent it would be {share(bounds[ROWS])}."
    )


def _champion(report: Mapping[str, Any]) -> Iterator[str]:
    if "champion" not in report:
        return
    champion = report["champion"]
    if champion is None:
        yield "Nothing served when it was judged, so it was compared with no earlier release."
    elif champion["verdict"] is None or champion["comparison"] is None:
        lacking = [("judged on the same days", "verdict"), ("compared with it day by day", "comparison")]
        said = " nor ".join(words for words, name in lacking if champion[name] is None)
        yield f"The champion {champion['release']} was not {said}. {champion['note']}".rstrip()


def _loss_limit(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["loss_limit_informative"]:
        yield (
            f"The loss limit says nothing at {number(report['judged_transactions_a_month'])} transactions a month: all "
            f"fraud together is at most {rub(report['fraud_a_month']['bound'])} RUB, within the limit of "
            f"{rub(report['limits']['loss_limit_minor'])} RUB."
        )


def _full_volume(report: Mapping[str, Any]) -> Iterator[str]:
    full = report["at_full_volume"]
    if full["verdict"] != "PASS":
        yield (
            f"At the full service's {number(full['judged_transactions_a_month'])} transactions a month it is "
            f"{full['verdict']}: missed fraud is at most {rub(full['loss']['bound'])} RUB a month there."
        )
