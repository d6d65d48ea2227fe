"""The gate's report in a few lines."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from antifraud.errors import ReportError
from antifraud.figures import rub
from antifraud.gate.findings import Judgement
from antifraud.gate.limits import Unit, declared
from antifraud.gate.report import GateReport, read_report

FORMATS: Final[Mapping[Unit, Callable[[float], str]]] = {
    Unit.SHARE: "{:.2%}".format,
    Unit.MONEY: rub,
    Unit.COUNT: "{:,.0f}".format,
}
"""How a terminal writes a figure of each unit."""


def find_report(path: Path, say: Callable[[str], object]) -> GateReport | None:
    """Return the report in a file; if this version cannot read it, say why and return None.

    A run must not end there: an earlier version of the platform may have filled its home.
    """
    try:
        return read_report(path)
    except ReportError as error:
        say(f"   {error}")
        return None


def verdict_lines(report: GateReport | None) -> list[str]:
    """Return both verdicts, at the judged volume and at the full service's, with their figures beside the limits."""
    if report is None:
        return ["no verdict: there is no gate report of the last day that this version can read"]
    return [
        *_judgement(report),
        *(f"  {sentence}" for sentence in (*report.reasons, report.action)),
        *_judgement(report.at_full_volume),
    ]


def _judgement(part: Judgement) -> Iterator[str]:
    yield f"{part.verdict} at {part.judged_transactions_a_month:,.0f} transactions a month"
    for limit in declared(part.limits):
        say = FORMATS[limit.unit]
        bound = f", bound {say(limit.bound(part).value)}" if limit.bound else ""
        yield f"  {limit.phrase} {say(limit.measured(part))}{bound}, limit {say(limit.allowed(part.limits) or 0)}"
    yield f"  value recall {part.value_recall:.1%}, the loss limit demands {part.required_value_recall:.1%}"
