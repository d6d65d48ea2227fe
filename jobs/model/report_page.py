"""The gate's report as one page: verdict, limits, why, and the trade-off with the limits drawn in."""

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Any, Final

from jobs.model.chart import Limits, tradeoff_svg

PAGE_FILE: Final = "report.html"
RUB: Final = 100
PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin-top: 1.4rem }
.verdict { color: #fff; padding: .15rem .6rem; border-radius: .3rem }
.PASS { background: #1a7f37 } .FAIL { background: #b42318 } .INFEASIBLE { background: #7a5c00 }
table { border-collapse: collapse } td, th { text-align: right; padding: .15rem .8rem; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left; padding-left: 0 }
svg { width: 100%; max-width: 44rem; font-size: 11px }
.axis { stroke: #888 } .limit { stroke: #b42318; stroke-dasharray: 5 4 }
.curve { fill: none; stroke: #1f5fa8; stroke-width: 2 } .chosen { fill: #1f5fa8 }
</style></head><body>
<h1>$title <span class="verdict $verdict">$verdict</span></h1>
<p>$windows</p>
<table><tr><th></th><th>measured</th><th>bound</th><th>limit</th></tr>
$rows
</table>
<h2>Why</h2>
$reasons
<h2>Loss a month against false-positive rate, each threshold a point; dashed: the limits; dot: the threshold</h2>
$chart
<h2>At the full service's volume: <span class="verdict $full_verdict">$full_verdict</span></h2>
$full_reasons
</body></html>
""")


def render(report: Mapping[str, Any]) -> str:
    """HTML of a report as `jobs/model/report.py` makes it."""
    full = report["at_full_volume"]
    return PAGE.substitute(
        title=escape(f"Gate report of {report['candidate']}"),
        verdict=report["verdict"],
        windows=escape("; ".join(f"{n} {s['first']} to {s['last']}" for n, s in report["windows"].items())),
        rows="\n".join(_row(*cells) for cells in _cells(report)),
        reasons=_sentences(report["reasons"]),
        chart=_chart(report),
        full_verdict=full["verdict"],
        full_reasons=_sentences(full["reasons"]),
    )


def _cells(report: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    limits, loss = report["limits"], report["loss"]
    precision = "-" if report["precision"] is None else _share(report["precision"])
    alerts = "-" if limits["alerts_a_day"] is None else f"{limits['alerts_a_day']:,}"
    return [
        ("false-positive rate", _share(report["fpr"]), _share(report["fpr_bound"]), _share(limits["fpr_limit"])),
        ("loss a month, RUB", _rub(loss["mean"]), _rub(loss["bound"]), _rub(limits["loss_limit_minor"])),
        ("alerts a day", f"{report['alerts_a_day']:,.0f}", "-", alerts),
        ("value recall", _share(report["value_recall"]), "-", f"demands {_share(report['required_value_recall'])}"),
        ("recall", _share(report["recall"]), "-", "-"),
        ("precision", precision, "-", "-"),
        ("cost of false alarms a month, RUB", _rub(report["false_alarm_cost_a_month"]), "-", "beside the loss"),
        ("threshold, ppm", f"{report['threshold']:,}", "-", "-"),
    ]


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _sentences(sentences: list[str]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _chart(report: Mapping[str, Any]) -> str:
    limits = Limits(report["limits"]["fpr_limit"], report["limits"]["loss_limit_minor"] / RUB)
    chosen = (report["fpr"], report["loss"]["mean"] / RUB)
    return tradeoff_svg(report["curve"]["fpr"], report["curve"]["loss"], chosen, limits)


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _rub(minor: float) -> str:
    return f"{minor / RUB:,.0f}"
