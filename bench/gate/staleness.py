"""Measure what a longer certify window costs: the model is trained on older days, and fraud moves on.

The drift is stated, because no data at hand show one. The simulated world and the Handbook's have none, and the
Handbook's 91 days are fewer than training on 28, selecting on 7 and certifying on 63. Legitimate rows are normal in two
dimensions, and frauds lie so far off in one direction that a fresh model catches 80 % at a false-positive rate of 5 %.
The direction turns by so many degrees a month. A linear model has the direction of the middle of its training window.
It serves for the month after the label delay of the certify window.

    python -m bench.gate.staleness
"""

import math
from typing import Final

import numpy as np
from scipy import stats

from antifraud.settings.core import JobSettings
from bench.record import record

COMMAND: Final = "python -m bench.gate.staleness"
CHOICES: Final = (28, 56, 63, 98)
DEGREES_A_MONTH: Final = (0, 5, 10, 20)
FPR, FRESH_RECALL, FRAUD_SHARE = 0.05, 0.8, 0.005
MONTH: Final = 30
DISTANCE: Final = float(stats.norm.isf(FPR) + stats.norm.ppf(FRESH_RECALL))
"""How far frauds lie from legitimate rows, in standard deviations."""
THRESHOLDS: Final = np.linspace(-8, 12, 20_001)


def age(certify_days: int) -> float:
    """Return the days from the middle of training to the middle of the month that is served.

    >>> age(63), age(28)
    (106.0, 71.0)
    """
    settings = JobSettings()
    return settings.train_days / 2 + settings.select_days + certify_days + settings.label_delay_days + MONTH / 2


def quality(certify_days: int, degrees: float) -> tuple[float, float]:
    """Return recall at `FPR` and average precision of the month that is served.

    >>> [round(value, 3) for value in quality(63, 0)]
    [0.8, 0.369]
    """
    shift = DISTANCE * math.cos(math.radians(degrees * age(certify_days) / MONTH))
    recall, false = stats.norm.sf(THRESHOLDS - shift), stats.norm.sf(THRESHOLDS)
    flagged = FRAUD_SHARE * recall + (1 - FRAUD_SHARE) * false
    precision = np.divide(FRAUD_SHARE * recall, flagged, out=np.ones_like(recall), where=flagged > 0)
    return float(stats.norm.sf(stats.norm.isf(FPR) - shift)), float(-np.trapezoid(precision, recall))


def staleness_figures() -> None:
    """Record the recall of the default window in the fastest drift, and all others beside it."""
    for place, name in enumerate(("recall", "ap")):
        rows = {days: [quality(days, degrees)[place] for degrees in DEGREES_A_MONTH] for days in CHOICES}
        said = "; ".join(f"{days} days " + ", ".join(f"{value:.3f}" for value in row) for days, row in rows.items())
        turned = ", ".join(map(str, DEGREES_A_MONTH))
        default = rows[JobSettings().certify_days]
        record(
            f"gate.staleness_{name}", default[-1], "1", COMMAND, f"exact; turning by {turned} degrees a month: {said}",
            (min(default), max(default)),
        )  # fmt: skip


if __name__ == "__main__":
    staleness_figures()
