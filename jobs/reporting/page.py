"""The gate's report as one page: the verdict, the limits, why, the trade-off, and below them all the evidence.

The template is ``page.html.jinja``; this module prepares the numbers that the template shows. Parts that a report
lacks are left out.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from antifraud.gate.findings import Findings
from antifraud.gate.limits import LIMITS, LOSS, RATE, Bound, Limit, declared
from antifraud.gate.report import GateReport, TradeoffRow
from antifraud.stats.comparison import Comparison
from jobs.reporting import words as verdict_words
from jobs.reporting.chart import report_chart
from jobs.reporting.formats import amount, certainty, number, plain, rub, share, words
from jobs.reporting.promise import promise

if TYPE_CHECKING:
    from jinja2 import Template

PAGE_FILE: Final = "report.html"
TEMPLATE: Final = "page.html.jinja"
LOSS_PARTS: Final = (
    ("parameter", "what the window was too short to show"),
    ("month", "the chance of the month itself"),
    ("volume", "the volume"),
    ("share", "the declared fraud share"),
)
GAUGE_ROOM: Final = 1.15
"""Length of a gauge, as a multiple of the largest of measure, bound and limit."""


def render(report: GateReport) -> str:
    """Return the HTML of a report: one file, nothing is loaded from elsewhere."""
    from markupsafe import Markup

    return template(TEMPLATE).render(
        r=report,
        judged=report.judged_days,
        said=_words(report),
        gauges=[_gauge(report, limit, limit.bound(report)) for limit in declared(report.limits) if limit.bound],
        counted=[limit for limit in LIMITS if not limit.bound],
        amount=amount,
        loss_limit=LOSS,
        broken_columns=broken_columns,
        chart=Markup(report_chart(report)),  # noqa: S704 made of numbers only
        full=report.at_full_volume,
        loss_parts=LOSS_PARTS,
        champion=report.champion,
        differences=differences(report),
        promise=promise(report),
        baselines=_baselines(report),
        fitted_on=fitted_on(report.baseline_rows, report.train_rows),
    )


@cache
def template(name: str) -> "Template":
    """Return a template of this folder with the formats of figures; a template may include another one."""
    from jinja2 import Environment, FunctionLoader

    loader = FunctionLoader(lambda part: files("jobs.reporting").joinpath(part).read_text())
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=loader)
    environment.filters |= {each.__name__: each for each in (share, certainty, rub, number, plain, words)}
    return environment.get_template(name)


def _words(report: GateReport) -> dict[str, Any]:
    """Return what the page says about verdict, action and succession."""
    return {
        "meaning": verdict_words.meaning(report),
        "stays": verdict_words.stays(report),
        "action": verdict_words.action(report),
        "succession": verdict_words.succession(report),
        "reasons": verdict_words.reasons(report),
        "full_reasons": verdict_words.full_reasons(report),
    }


def _gauge(report: GateReport, limit: Limit, bound: Bound) -> dict[str, Any]:
    """Return texts, positions in percent of the track, and whether the bound is over the limit."""
    values = {"mean": limit.measured(report), "bound": bound.value, "limit": limit.allowed(report.limits) or 0.0}
    end = GAUGE_ROOM * max(values.values())
    texts = {part: amount(limit, value) for part, value in values.items()}
    at = {f"{part}_at": f"{100 * value / end:.1f}" for part, value in values.items()}
    name, sure = limit.title[0].upper() + limit.title[1:], f"{certainty(bound.level)} {bound.kind}"
    return {**texts, **at, "name": name, "sure": sure, "over": limit.is_broken(report)}


def broken_columns(found: Findings, row: TradeoffRow) -> set[str]:
    """Return the columns of the trade-off that break a limit in a row."""
    columns = [(limit, limit.column) for limit in LIMITS if limit.column]
    return {column for limit, column in columns if limit.excludes(getattr(row, column), found.limits)}


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference from the champion as texts; `within` says whether the bound is within the margin."""

    name: str
    difference: str
    bound: str
    margin: str
    within: bool


def differences(report: GateReport) -> list[Difference]:
    """Return the differences from the champion; none without a comparison."""
    if not (compared := comparison_of(report)):
        return []
    margins = compared.margins
    return [
        _difference(RATE, compared.fpr_difference, compared.fpr_difference_bound, margins.fpr),
        _difference(LOSS, compared.loss_difference, compared.loss_difference_bound, margins.loss_minor),
    ]


def _difference(limit: Limit, difference: float, bound: float, margin: float) -> Difference:
    shown, at_most, allowed = (amount(limit, value) for value in (difference, bound, margin))
    return Difference(limit.title, shown, at_most, allowed, bound <= margin)


def comparison_of(report: GateReport) -> Comparison | None:
    """Return the comparison with the champion; None where nothing served, or it was not compared."""
    return report.champion.comparison if report.champion else None


def _baselines(report: GateReport) -> dict[str, Any] | None:
    """Return the model and its baselines by every metric that one of them has; None without baselines."""
    found = report.baselines or {}
    metrics = list(dict.fromkeys(name for values in found.values() for name in values))
    return {"metrics": metrics, "rows": found} if found else None


def fitted_on(baseline_rows: int | None, train_rows: int | None) -> str:
    """Return how many train rows the baselines learnt from; empty where training did not count them.

    >>> print(fitted_on(500, 900))
    Fitted on 500 of the 900 train rows that this model learnt from, judged on the same rows of the select window.
    """
    if not (baseline_rows and train_rows):
        return ""
    return (
        f"Fitted on {number(baseline_rows)} of the {number(train_rows)} train rows that this model learnt from, judged "
        "on the same rows of the select window."
    )
