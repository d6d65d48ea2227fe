"""The trade-off as one table: the consequences of about fifteen thresholds around the limits."""

from typing import Any, Final

import numpy as np

from antifraud.gate.certify import Certify, Demand, Growth
from antifraud.gate.findings import Judgement
from antifraud.gate.judge import month_loss
from antifraud.gate.limits import Limits
from antifraud.gate.report import TradeoffRow
from antifraud.stats.score_tables import Curve, Floats, ScoreTable, curve
from antifraud.stats.threshold import fpr_bounds, np_threshold

SHARES: Final = (0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5)
"""False-positive rates of the table, as multiples of the limit."""
BETAS: Final = np.geomspace(0.25, 64.0, 65)
"""Grid on which the beta of a threshold is found."""


def lowest_shown(table: ScoreTable, limits: Limits) -> int:
    """Return the lowest threshold that judging or showing a window asks about; blocks are counted from there up.

    Raises:
        NotEnoughRows: Too few legitimate rows for the confidence asked for.
        NoFraud: The table has no fraud.
        OnlyFraud: It has no legitimate row.
    """
    return min(np_threshold(table, limits.fpr_target, limits.delta), *_shown(curve(table), limits))


def tradeoff(certify: Certify, judged: Judgement, demand: Demand, seed: int) -> tuple[TradeoffRow, ...]:
    """Return one row a threshold, ascending; the judged threshold and the one at the FPR target are among them.

    Alerts and losses are at the volume and fraud share of `demand`, which the threshold was judged at.
    """
    whole, limits, blocks = certify.curve, judged.limits, certify.all_blocks
    thresholds = {*_shown(whole, limits), judged.threshold, judged.threshold_at_fpr_target}
    optima = np.array([whole.threshold[np.argmax(whole.f_beta(float(beta)))] for beta in BETAS])
    growth = demand.growth(certify)
    rows = []
    for threshold in sorted(thresholds):
        loss = month_loss(certify, threshold, limits, demand=demand, seed=seed)
        bounds = fpr_bounds(certify.table, blocks, threshold, limits.delta, certify.heavy)
        rows.append(
            TradeoffRow(
                **_rates(whole, whole.at(threshold), certify.table.transactions, growth),
                threshold=threshold,
                fpr_bound=max(bounds.values()),
                loss=loss.mean,
                loss_bound=loss.bound,
                beta=beta_of(optima, threshold),
            )
        )
    return tuple(rows)


def beta_of(optima: Floats, threshold: int) -> float | None:
    """Return the largest beta of `BETAS` with an optimum at `threshold` or above; None if there is none.

    >>> beta_of(np.linspace(900, 100, BETAS.size), 950) is None
    True
    >>> beta_of(np.linspace(900, 100, BETAS.size), 900)
    0.25
    """
    above = np.flatnonzero(optima >= threshold)
    return float(BETAS[above[-1]]) if above.size else None


def _shown(whole: Curve, limits: Limits) -> list[int]:
    """Return, for each rate of `SHARES`, the lowest threshold that does not exceed the rate."""
    wanted = limits.fpr_limit * np.array(SHARES)
    # The rate falls while thresholds rise, and `searchsorted` needs rising values.
    first = whole.fpr.size - np.searchsorted(whole.fpr[::-1], wanted, side="right")
    return [int(whole.threshold[index]) for index in np.unique(first)]


def _rates(whole: Curve, at: int, rows: int, growth: Growth) -> dict[str, Any]:
    precision = float(whole.precision[at])
    return {
        "fpr": float(whole.fpr[at]),
        "false_positives_share": int(whole.false_positives[at]) / rows,
        "precision": None if np.isnan(precision) else precision,
        "alerts_a_day": float(growth.alerts_a_day(whole)[at]),
        "recall": float(whole.recall[at]),
        "value_recall": float(whole.value_recall[at]),
    }
