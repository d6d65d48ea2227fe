"""Fit the strictly increasing logistic calibration on the select window."""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from antifraud.errors import NoFraud, OnlyFraud
from antifraud.model.evaluator import Calibration

Doubles = npt.NDArray[np.float64]


def fit_calibration(
    margin: Doubles, is_fraud: npt.NDArray[np.bool_], weight: Doubles, kept_share: float
) -> Calibration:
    """Return the calibration of raw margins on weighted rows.

    `margin` is the log odds in a sample that kept `kept_share` of the legitimate rows. `weight` is the number of rows
    of the population that a row stands for. Slope (positive by construction) and intercept minimise the weighted log
    loss.

    Raises:
        NoFraud: No row is a fraud.
        OnlyFraud: All rows are frauds.

    Source: Platt (1999), with his smoothed targets; King & Zeng (2001) for the shift of the odds.
    """
    if is_fraud.all() or not is_fraud.any():
        raise (OnlyFraud if is_fraud.any() else NoFraud)(
            f"calibration needs frauds and legitimate rows, found {is_fraud.sum()} frauds in {is_fraud.size} rows: "
            "choose another day or longer windows"
        )
    shift = math.log(kept_share)
    target = _smoothed_targets(is_fraud, weight)
    shifted = margin + shift

    def loss(parameters: Doubles) -> tuple[float, Doubles]:
        slope = math.exp(parameters[0])
        log_odds = slope * shifted + parameters[1]
        value = -(weight * (target * log_expit(log_odds) + (1 - target) * log_expit(-log_odds))).sum()
        residual = weight * (expit(log_odds) - target)
        gradient = np.array([(residual * shifted).sum() * slope, residual.sum()])
        return float(value) / weight.sum(), gradient / weight.sum()

    found = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-9})
    return Calibration(slope=math.exp(found.x[0]), intercept=float(found.x[1]), log_odds_shift=shift)


def _smoothed_targets(is_fraud: npt.NDArray[np.bool_], weight: Doubles) -> Doubles:
    """Return Platt's targets: never 0 or 1, so that separable rows still have a finite slope.

    Platt counts rows; here the population that the rows stand for is counted. His targets of legitimate rows add up to
    one fraud. With the number of kept rows they would add up to ``1 / kept_share`` frauds that never happened.
    """
    frauds, legitimate = float(weight[is_fraud].sum()), float(weight[~is_fraud].sum())
    return np.where(is_fraud, (frauds + 1) / (frauds + 2), 1 / (legitimate + 2))
