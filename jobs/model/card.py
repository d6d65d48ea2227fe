"""The model card of a release: what it is for, what it saw, what it was judged by (Mitchell et al. 2019)."""

from collections.abc import Mapping
from typing import Any, Final

CARD_FILE: Final = "model_card.md"
RUB: Final = 100


def model_card(info: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Markdown of a release, from what training and gate wrote about it."""
    windows = "\n".join(f"- {name}: {span['first']} to {span['last']}" for name, span in info["windows"].items())
    rows = "\n".join(
        f"- {name}: {count['fraud']:,} frauds, {count['legitimate']:,} legitimate; {count['unknown']:,} unknown"
        for name, count in sorted(info["counts"].items())
    )
    reasons = "\n".join(f"- {reason}" for reason in report["reasons"])
    return f"""# {info["id"]}

Risk of fraud of a card transaction, parts per million; flagged above {report["threshold"]:,}. It advises on payments as
they happen; it is not made for judging people or merchants.

## Data

{len(info["features"])} features of pseudonymised history (set {info["feature_set"]}); labels known on {info["as_of"]}.

{windows}

{rows}

Of the legitimate rows a share of {info["kept_share"]:g} was trained on; calibration undoes that.

## Model

CatBoost, {info["metrics"]["trees"]:.0f} trees, seed {info["seed"]}; ranking on the select window: AUC
{info["metrics"]["select_auc"]:.4f}, average precision {info["metrics"]["select_average_precision"]:.4f}.

## Verdict: {report["verdict"]}

False-positive rate {report["fpr"]:.2%}, at most {report["fpr_bound"]:.2%}; loss a month
{report["loss"]["mean"] / RUB:,.0f} RUB, at most {report["loss"]["bound"] / RUB:,.0f} RUB.

{reasons}

## Known limits

Labels arrive days after the payment, so the first days of a compromise are scored without knowing of it. Payments that
were blocked keep no label of their own. A change in honest spending raises the false-positive rate; the guard watches.
"""
