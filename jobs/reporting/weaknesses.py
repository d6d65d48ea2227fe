"""Known weaknesses of a release, read off its gate report, and those of any model of this kind."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from antifraud.gate.findings import Verdict
from antifraud.gate.report import GateReport, SliceRates
from antifraud.stats.threshold import ROWS, TOGETHER
from jobs.reporting.formats import number, rub, share

LEAST_LEGITIMATE: Final = 500
LEAST_FRAUDS: Final = 30
"""A slice with fewer rows is not named: its rate would be mostly chance."""
WORST: Final = 2
"""Number of slices that are named for each measure."""
GENERAL: Final = (
    "Labels arrive days after the payment, so the first days of a compromise are scored without knowing of it.",
    "Payments that were blocked keep no label of their own; what is learnt from the others may not hold for them.",
    "A change in honest spending raises the false-positive rate; the guard watches and suspends the service.",
    "A fraud unlike those in the train window has no history to be recognised by, only its amount and time.",
    "Customers and terminals without history have null features: the slices say how the model does on them.",
)


def weaknesses(report: GateReport) -> list[str]:
    """Return what this release does badly, and what its verdict does not know."""
    parts = (_false_alarms, _missed, _unlabelled, _label_delay, _binding, _champion, _loss_limit, _full_volume)
    return [sentence for part in parts for sentence in part(report)]


def _false_alarms(report: GateReport) -> Iterator[str]:
    def told(row: SliceRates) -> str:
        return f"{share(row.fpr)} of {number(row.legitimate)} legitimate payments"

    rates = [(row.fpr, row) for row in report.slices if row.legitimate >= LEAST_LEGITIMATE]
    known = [(fpr, row) for fpr, row in rates if fpr is not None and fpr > report.fpr]
    if worst := sorted(known, key=lambda each: -each[0]):
        yield f"False alarms are most frequent for {_named(worst, told)}; overall the rate is {share(report.fpr)}."


def _missed(report: GateReport) -> Iterator[str]:
    def told(row: SliceRates) -> str:
        return f"{share(row.value_recall, 1)} of {rub(row.fraud_amount)} RUB in {number(row.frauds)} frauds"

    rates = [(row.value_recall, row) for row in report.slices if row.frauds >= LEAST_FRAUDS]
    known = [(recall, row) for recall, row in rates if recall is not None and recall < report.value_recall]
    if worst := sorted(known, key=lambda each: each[0]):
        whole = share(report.value_recall, 1)
        yield f"The smallest share of the fraud amount is caught for {_named(worst, told)}; overall it is {whole}."


def _named(rows: Sequence[tuple[float, SliceRates]], told: Callable[[SliceRates], str]) -> str:
    return " and ".join(f'{row.slice} "{row.value}" ({told(row)})' for _, row in rows[:WORST])


def _unlabelled(report: GateReport) -> Iterator[str]:
    for window, count in (report.counts or {}).items():
        if unknown := count["unknown"]:
            rows = sum(count.values())
            yield (
                f"{share(unknown / rows)} of the {window} window's {number(rows)} payments ({number(unknown)}) have no "
                "label. They count as volume but in no rate, so their fraud share is assumed to be that of the others."
            )


def _label_delay(report: GateReport) -> Iterator[str]:
    if lost := report.label_delay_loss:
        yield (
            f"Labels arrive {report.label_delay_days} days late: the first {report.label_delay_days} days of "
            f"compromised terminals account for {rub(lost)} of the {rub(report.loss.mean)} RUB of fraud "
            "missed a month."
        )


def _binding(report: GateReport) -> Iterator[str]:
    """Yield which blocks make the false-positive rate uncertain; nothing if rows alone do."""
    if report.fpr_binding == ROWS:
        return
    kind, bound = report.widest_alone
    alone = f" ({kind} alone: {share(bound)})" if report.fpr_binding == TOGETHER else ""
    yield (
        f"Legitimate payments are not independent: by {report.fpr_binding} the false-positive rate is at most "
        f"{share(report.fpr_bound)}{alone}. If all rows were independent, it would be at most "
        f"{share(report.fpr_bounds[ROWS])}."
    )


def _champion(report: GateReport) -> Iterator[str]:
    champion = report.champion
    if report.promotable is None:
        return
    if champion is None:
        yield "No release served when it was judged, so there was nothing to compare it with."
        return
    lacking = [("judged on the same days", champion.verdict), ("compared with it day by day", champion.comparison)]
    if said := " nor ".join(words for words, found in lacking if found is None):
        yield f"The champion {champion.release} was not {said}. {champion.note}".rstrip()


def _loss_limit(report: GateReport) -> Iterator[str]:
    if not report.loss_limit_informative:
        yield (
            f"The loss limit says nothing at {number(report.judged_transactions_a_month)} transactions a month: all "
            f"fraud together is at most {rub(report.fraud_a_month.bound)} RUB, within the limit of "
            f"{rub(report.limits.loss_limit_minor)} RUB."
        )


def _full_volume(report: GateReport) -> Iterator[str]:
    full = report.at_full_volume
    if full.verdict is not Verdict.PASS:
        yield (
            f"At the full service's {number(full.judged_transactions_a_month)} transactions a month it is "
            f"{full.verdict}: missed fraud is at most {rub(full.loss.bound)} RUB a month there."
        )
