"""The model card of a release: its purpose, its data, and the limits it was judged by (Mitchell et al. 2019).

Every number comes from the candidate or from the gate's report. A section without numbers is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from antifraud.features.registry import REGISTRY, Feature
from antifraud.gate.limits import LIMITS
from antifraud.gate.report import GateReport
from jobs.reporting.chart import CHART_FILE
from jobs.reporting.formats import amount, certainty, number, plain, rub, share, words
from jobs.reporting.page import comparison_of, differences, fitted_on
from jobs.reporting.promise import promise
from jobs.reporting.weaknesses import GENERAL, weaknesses
from jobs.reporting.words import full_reasons, reasons, succession

CARD_FILE: Final = "model_card.md"


def model_card(info: Mapping[str, Any], report: GateReport) -> str:
    """Return the card as Markdown, from training's `info` about the candidate and the gate's `report`."""
    sections = [
        _head(info, report),
        _data(info, report),
        _model(info),
        _limits(report),
        _verdict(report),
        _assumptions(report),
        _promise(report),
        _champion(report),
        _tradeoff(report),
        _baselines(info),
        _slices(report),
        _weaknesses(report),
        _features(info),
    ]
    return "\n".join(section for section in sections if section)


def _head(info: Mapping[str, Any], report: GateReport) -> str:
    return f"""# {info["id"]}

Risk of fraud of a card transaction, parts per million; flagged above {number(report.threshold)}.

**For**: advising on card payments as they happen, where a flagged one is reviewed or held. **Not for**: judging people
or merchants, other kinds of payment, or volumes other than those it was judged at.
"""


def _data(info: Mapping[str, Any], report: GateReport) -> str:
    windows = [(name, span["first"], span["last"]) for name, span in info["windows"].items()]
    windows.sort(key=lambda window: window[1])
    # Training counts the windows that it reads; the rows of certify are the gate's.
    rows = {**info["counts"], **(report.counts or {})}
    counts = [
        (name, *(number(rows[name][status]) for status in ("fraud", "legitimate", "unknown")))
        for name, _, _ in windows
        if name in rows
    ]
    labels = f", labels at snapshot {info['labels_snapshot']}" if "labels_snapshot" in info else ""
    return f"""## Data

Pseudonymised transactions; labels known on {info["as_of"]}. Features at snapshot {info["features_snapshot"]} of the
lake{labels}, days with hash {info["days"]}, feature set {info["feature_set"]}.

{table(("window", "first day", "last day"), windows)}

{table(("rows of", "frauds", "legitimate", "unknown (left out)"), counts)}

Training used a share of {info["kept_share"]:g} of the legitimate rows; calibration undoes that.
"""


def _model(info: Mapping[str, Any]) -> str:
    metrics = [(words(name), plain(value)) for name, value in sorted(info["metrics"].items())]
    parameters = [(words(name), plain(value)) for name, value in sorted(info.get("parameters", {}).items())]
    return f"""## Model

CatBoost, exported to ONNX, with a strictly increasing calibration; seed {info["seed"]}. Metrics of training:

{table(("metric", "value"), metrics)}

{table(("parameter", "value"), parameters)}
"""


def _limits(report: GateReport) -> str:
    limits, compared = report.limits, comparison_of(report)
    rows = [
        *((f"{each.title}, limit", amount(each, each.allowed(limits), absent="none")) for each in LIMITS),
        ("false-positive rate, target of a new threshold", share(limits.fpr_target)),
        ("lowest threshold that meets the target", f"{number(report.threshold_at_fpr_target)} ppm"),
        ("confidence of the false-positive rate", f"{certainty(1 - limits.delta)} (δ = {plain(limits.delta)})"),
        ("probability that the missed fraud stays within its bound", certainty(limits.loss_level)),
        ("β, chosen on select and frozen", plain(report.beta)),
    ]
    if compared:
        rows += [
            ("worse than the champion by at most, missed fraud a month", f"{rub(compared.margins.loss_minor)} RUB"),
            ("worse than the champion by at most, false-positive rate", share(compared.margins.fpr)),
            ("confidence of each of these two", certainty(compared.margins.confidence)),
        ]
    return f"## Limits\n\n{table(('what it was judged by', 'value'), rows)}\n"


def _verdict(report: GateReport) -> str:
    rows = [
        (
            limit.title,
            amount(limit, limit.measured(report)),
            amount(limit, limit.bound(report).value if limit.bound else None),
            amount(limit, limit.allowed(report.limits), absent="none"),
        )
        for limit in LIMITS
    ]
    widest = {report.fpr_binding: " (counts)"}
    bounds = [(f"{name}{widest.get(name, '')}", share(bound, 3)) for name, bound in report.fpr_bounds.items()]
    full = report.at_full_volume
    return f"""## Verdict: {report.verdict}

{table(("", "measured", "upper bound", "limit"), rows)}

{table(("false-positive rate, if rows are independent by", "upper bound"), bounds)}

A loss limit that demands more than {share(report.limits.attainable_value_recall, 1)} of the fraud amount to be caught
counts as out of reach of any model.

{_bullets(reasons(report))}

At {number(full.judged_transactions_a_month)} transactions a month, the full service's volume: **{full.verdict}**.

{_bullets(full_reasons(report))}
"""


def _assumptions(report: GateReport) -> str:
    """Return what each promise takes for granted, with this window's measurements; empty without any."""
    if not report.assumptions:
        return ""
    rows = [
        (str(each.promise), each.assumed, each.words, "fails" if each.fails else "not contradicted")
        for each in report.assumptions
    ]
    names = ("promise", "assumes that", "this window", "result")
    warnings = f"{_bullets(f'**Warning:** {said}' for said in report.warnings)}\n\n" if report.warnings else ""
    return f"## Assumptions\n\n{warnings}{table(names, rows)}\n"


def _promise(report: GateReport) -> str:
    """Return what the kill-switch promises; empty for a replay."""
    return f"## Kill-switch\n\n{_bullets(said)}\n" if (said := promise(report)) else ""


def _champion(report: GateReport) -> str:
    """Return which release may be replaced and why, with the paired differences; empty if the report lacks them."""
    if not (said := succession(report)):
        return ""
    days, judged = "", report.champion and report.champion.verdict
    if found := differences(report):
        names = ("candidate minus champion; negative is better", "difference", "upper bound", "margin")
        rows = [(row.name, row.difference, row.bound, row.margin) for row in found]
        days = f"\n{table(names, rows)}\n\n{_bounds_of_difference(report)}\n"
    verdict = f" Judged on the same days, the champion is {judged}." if judged else ""
    return f"## Against the champion\n\n{' '.join(said)}{verdict}\n{days}"


def _bounds_of_difference(report: GateReport) -> str:
    compared = comparison_of(report)
    bounds = compared.fpr_difference_bounds if compared else {}
    names = ("difference of the false-positive rates, if rows are independent by", "upper bound")
    return table(names, [(name, share(bound, 3)) for name, bound in bounds.items()])


def _tradeoff(report: GateReport) -> str:
    picture = f"## Trade-off\n\n![loss against false-positive rate, limits drawn in]({CHART_FILE})\n"
    if not report.tradeoff:
        return picture
    names = ("threshold, ppm", "FPR", "FPR bound", "false positives over all", "precision", "alerts a day", "recall",
             "value recall", "loss, RUB", "loss bound, RUB", "beta")  # fmt: skip
    rows = [
        (
            number(row.threshold), share(row.fpr), share(row.fpr_bound), share(row.false_positives_share),
            share(row.precision), number(row.alerts_a_day), share(row.recall), share(row.value_recall),
            rub(row.loss), rub(row.loss_bound), plain(row.beta),
        )
        for row in report.tradeoff
    ]  # fmt: skip
    frozen = f"This release's own, {plain(report.beta)}, was chosen on select and frozen."
    return f"{picture}\n{table(names, rows)}\n\nBeta is what the certify window would choose. {frozen}\n"


def _baselines(info: Mapping[str, Any]) -> str:
    found: Mapping[str, Mapping[str, Any]] = info.get("baselines") or {}
    if not found:
        return ""
    metrics = list(dict.fromkeys(name for values in found.values() for name in values))
    rows = [(words(name), *(plain(values.get(metric)) for metric in metrics)) for name, values in found.items()]
    said = f"\n{told}\n" if (told := fitted_on(info.get("baseline_rows"), info.get("train_rows"))) else ""
    return f"## Baselines on the same rows\n{said}\n{table(('model', *map(words, metrics)), rows)}\n"


def _slices(report: GateReport) -> str:
    if not report.slices:
        return ""
    names = ("slice", "value", "legitimate", "FPR", "frauds", "recall", "fraud amount, RUB", "value recall")
    rows = [
        (
            row.slice, row.value, number(row.legitimate), share(row.fpr), number(row.frauds),
            share(row.recall), rub(row.fraud_amount), share(row.value_recall),
        )
        for row in report.slices
    ]  # fmt: skip
    return f"## Slices of the certify window\n\n{table(names, rows)}\n"


def _weaknesses(report: GateReport) -> str:
    found = weaknesses(report)
    own = f"This release:\n\n{_bullets(found)}\n\n" if found else ""
    return f"## Known weaknesses\n\n{own}Any model of this kind:\n\n{_bullets(GENERAL)}\n"


def _features(info: Mapping[str, Any]) -> str:
    rows = [_feature(feature) for feature in REGISTRY if feature.name in set(info["features"])]
    return f"## Features\n\n{table(('feature', 'meaning', 'unit', 'window, days', 'null means'), rows)}\n"


def _feature(feature: Feature) -> Sequence[str]:
    window = "-" if feature.window is None else str(feature.window)
    return (
        f"`{feature.name}`",
        f"{feature.entity}: {feature.meaning}",
        feature.unit,
        window,
        feature.null or "never null",
    )


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a Markdown table.

    >>> print(table(("a", "b"), [("1", "2 | 3")]))
    | a | b |
    | --- | --- |
    | 1 | 2 \| 3 |
    """
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
