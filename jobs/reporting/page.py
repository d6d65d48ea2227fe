"""The gate's report as one page: the verdict, the limits, why, the trade-off, and below them all the evidence.

The page is ``page.html.jinja``; here are the numbers that it shows. What a report does not have is left out.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from antifraud.figures import roubles, share_text
from jobs.reporting import words as verdict_words
from jobs.reporting.chart import report_chart

if TYPE_CHECKING:
    from jinja2 import Template

PAGE_FILE: Final = "report.html"
TEMPLATE: Final = "page.html.jinja"
NOTHING: Final = "-"
LOSS_PARTS: Final = (
    ("parameter", "what the window was too short to show"),
    ("month", "the chance of the month itself"),
    ("volume", "the volume"),
    ("share", "the declared fraud share"),
)
GAUGE_ROOM: Final = 1.15
"""A gauge ends a little beyond the largest of measure, bound and limit."""


def render(report: Mapping[str, Any]) -> str:
    """HTML of a report as `jobs/judging/report.py` makes it; one file, nothing is loaded from elsewhere."""
    from markupsafe import Markup

    return _template().render(
        r=report,
        judged=report["windows"].get("certify") or report["windows"][verdict_words.REPLAY],
        said=_words(report),
        gauges=_gauges(report),
        chart=Markup(report_chart(report)),  # noqa: S704 made of numbers only
        full=report["at_full_volume"],
        loss_parts=LOSS_PARTS,
        champion=against_champion(report),
        baselines=_baselines(report),
        fitted_on=fitted_on(report),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {each.__name__: each for each in (share, certainty, rub, number, plain, words)}
    return environment.from_string(files("jobs.reporting").joinpath(TEMPLATE).read_text())


def _words(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says about verdict, action and succession."""
    return {
        "replay": verdict_words.is_replay(report),
        "meaning": verdict_words.meaning(report),
        "stays": verdict_words.stays(report),
        "action": verdict_words.action(report),
        "succession": verdict_words.succession(report),
        "reasons": verdict_words.reasons(report),
        "full_reasons": verdict_words.full_reasons(report),
    }


def _gauges(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    limits, loss = report["limits"], report["loss"]
    fpr = {"mean": report["fpr"], "bound": report["fpr_bound"], "limit": limits["fpr_limit"]}
    money = {"mean": loss["mean"], "bound": loss["bound"], "limit": limits["loss_limit_minor"]}
    sure = f"{certainty(1 - limits['delta'])} confidence"
    likely = f"{certainty(loss['level'])} probability"
    return [
        _gauge(fpr, {name: share(value) for name, value in fpr.items()}, "False-positive rate", sure),
        _gauge(money, {name: rub(value) for name, value in money.items()}, "Missed fraud, RUB a month", likely),
    ]


def _gauge(values: Mapping[str, float], texts: Mapping[str, str], name: str, sure: str) -> dict[str, Any]:
    """Texts, positions in percent of the track, and whether the bound is over the limit."""
    end = GAUGE_ROOM * max(values.values())
    at = {f"{part}_at": f"{100 * value / end:.1f}" for part, value in values.items()}
    return {**texts, **at, "name": name, "sure": sure, "over": values["bound"] > values["limit"]}


def against_champion(report: Mapping[str, Any]) -> dict[str, Any]:
    """Differences from the champion as rows of texts, and the margins; without a comparison no rows."""
    found: Mapping[str, Any] = report.get("champion") or {}
    compared = found.get("comparison") or found
    margins = compared.get("margins", {})
    rows = [
        _difference(compared, f"{part}_difference", margins.get(margin), name, said)
        for part, margin, name, said in (
            ("fpr", "fpr", "false-positive rate", share),
            ("loss", "loss_minor", "missed fraud, RUB a month", rub),
        )
        if f"{part}_difference" in compared
    ]
    told = {name: found.get(name) for name in ("release", "verdict", "note")}
    return {**told, "rows": rows, "days": compared.get("days") if rows else None, "margins": margins}


def _difference(
    compared: Mapping[str, Any], part: str, margin: float | None, name: str, said: Callable[[float], str]
) -> dict[str, Any]:
    bound = compared[f"{part}_bound"]
    texts = {"difference": said(compared[part]), "bound": said(bound), "margin": said(margin) if margin else NOTHING}
    return {"name": name, "within": margin is None or bound <= margin, **texts}


def _baselines(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The model and its baselines by every metric that one of them has; None without baselines."""
    found: Mapping[str, Mapping[str, float]] = report.get("baselines") or {}
    metrics = list(dict.fromkeys(name for values in found.values() for name in values))
    return {"metrics": metrics, "rows": found} if found else None


def fitted_on(told: Mapping[str, Any]) -> str:
    """How many train rows the baselines learnt from, of a report or of what training wrote; empty if that is not told.

    >>> print(fitted_on({"baseline_rows": 500, "train_rows": 900}))
    Fitted on 500 of the 900 train rows that this model learnt from, judged on the same rows of the select window.
    """
    if not (told.get("baseline_rows") and told.get("train_rows")):
        return ""
    return (
        f"Fitted on {number(told['baseline_rows'])} of the {number(told['train_rows'])} train rows that this model "
        "learnt from, judged on the same rows of the select window."
    )


def share(value: float | None, digits: int = 2) -> str:
    """A fraction as percent; below one with so many digits that it does not look like all of it.

    >>> share(0.0433), share(None), share(0.99984, 1), share(1.0, 0)
    ('4.33 %', '-', '99.98 %', '100 %')
    """
    return NOTHING if value is None else share_text(value, digits).replace("%", " %")


def certainty(value: float) -> str:
    """A confidence or probability as percent, without zeros at the end; one below 100 % never looks like it.

    >>> certainty(0.99), certainty(0.975), certainty(0.99999)
    ('99 %', '97.5 %', '99.999 %')
    """
    figure, unit = share(value).split(" ")
    return f"{figure.rstrip('0').rstrip('.')} {unit}"


def rub(minor: float | None) -> str:
    """Minor units as whole roubles, grouped.

    >>> rub(26_941_056.7)
    '269,411'
    """
    return NOTHING if minor is None else roubles(minor)


def number(value: float | None) -> str:
    """A count, grouped.

    >>> number(302_346.4)
    '302,346'
    """
    return NOTHING if value is None else f"{value:,.0f}"


def plain(value: object) -> str:
    """A figure with four digits; what is no number as it is.

    >>> plain(0.93592), plain(None), plain("yes")
    ('0.9359', '-', 'yes')
    """
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def words(name: str) -> str:
    """A key as words.

    >>> words("average_precision")
    'average precision'
    """
    return name.replace("_", " ")
