"""Measure how fraud that was blocked, and so never gets a label, distorts training, and how weights repair it.

    make bench-selection

A serving model that knows half of what drives fraud flags the riskiest twentieth of the payments. Flagged payments are
blocked and stay unknown, but for a random control share that is let through. A new model is trained and calibrated on
the labelled rows, by the code of the nightly job. Its threshold flags 5 % of the legitimate rows, as the labelled rows
of the select window tell. The truth is read from a test window with all labels.

Afterwards the jobs of a night do the same in a small lake, with shipped decisions (`bench/model/served_retraining.py`).

Policies:
- `all`: all labels, which nobody has.
- `blocked`: no control share.
- `unweighted`: a control share that is taken as it comes.
- `weighted`: its rows weigh by the inverse of their propensity wherever something is estimated.
- `repeated`: the same in training too, where rows of the control share occur as often as they stand for.

Source: Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite universe, section 3.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from bench.model.served_retraining import CONTROL_SHARE as REAL_CONTROL_SHARE
from bench.model.served_retraining import REAL_POLICIES, Retrained, repeat_retraining
from bench.record import record
from jobs.rows.sample import Sample
from jobs.rows.weights import population_weight
from jobs.training.calibration import fit_calibration
from jobs.training.fitting import Parameters, fit
from jobs.training.quality import ranking, risk_over_share

COMMAND: Final = "make bench-selection"
REPETITIONS: Final = 20
REAL_REPETITIONS: Final = 3
ROWS: Final = 60_000
FLAGGED: Final = 0.05
CONTROL_SHARE: Final = 0.1
FPR: Final = 0.05
POLICIES: Final = ("all", "blocked", "unweighted", "weighted", "repeated")
WEIGHTED: Final = ("weighted", "repeated")
TREES: Final = Parameters(iterations=200, depth=4, learning_rate=0.1)
MEASURED: Final = {
    "average_precision": "average precision on the test window",
    "true_fpr": "false-positive rate on the test window at a threshold that the labelled rows put at 5 %",
    "recall_error": "recall estimated from the labelled rows minus that on the test window",
    "risk_over_share": "mean predicted risk over the fraud share, test window",
}
REALLY_MEASURED: Final = {
    "blocked_recall": "recall of the blocked kind of fraud after retraining by the jobs of a night, new payments",
    "fpr_error": "false-positive rate that the gate has found minus that on new payments",
    "bound_holds": "share of worlds in which the gate's bound of the rate is not below that on new payments",
}
Bools = npt.NDArray[np.bool_]
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Window:
    """All payments of a window: the label that each would get, and whether the serving model flags it."""

    vectors: npt.NDArray[np.float32]
    is_fraud: Bools
    amount: npt.NDArray[np.int64]
    flagged: Bools
    let_through: Bools

    def sample(self, policy: str) -> Sample:
        """Return the rows that have a label under a policy, with the weights that the policy gives them."""
        labelled = {"all": np.ones_like(self.flagged), "blocked": ~self.flagged}.get(
            policy, ~self.flagged | self.let_through
        )
        chance = np.where(self.flagged & (policy in WEIGHTED), CONTROL_SHARE, 1.0)[labelled]
        fraud = self.is_fraud[labelled]
        weight = population_weight(fraud, chance, kept_share=1.0)
        return Sample(self.vectors[labelled], fraud, self.amount[labelled], weight, chance)


def repeated(sample: Sample) -> Sample:
    """Repeat every row as often as it stands for, which has the effect of weights in training."""
    often = np.repeat(np.arange(sample.weight.size), np.rint(sample.weight).astype(int))
    return Sample(sample.vectors[often], sample.is_fraud[often], sample.amount[often], np.ones(often.size))


def window(rows: int, generator: np.random.Generator) -> Window:
    """Draw payments; the serving model knows their risk in part: it sees features 0 and 1, not that 2 and 3 add up."""
    vectors = generator.normal(size=(rows, 6)).astype(np.float32)
    seen = 1.3 * vectors[:, 0] + 0.9 * vectors[:, 1]
    log_odds = seen + 1.2 * np.maximum(vectors[:, 2] + vectors[:, 3], 0) - 5.5
    flagged = seen > np.quantile(seen, 1 - FLAGGED)
    return Window(
        vectors,
        generator.random(rows) < expit(log_odds),
        generator.lognormal(8, 0.7, rows).astype(np.int64),
        flagged,
        flagged & (generator.random(rows) < CONTROL_SHARE),
    )


def measure(policy: str, train: Window, select: Window, test: Window, seed: int) -> Figures:
    """Train under a policy; return figures by its own labels and by all labels."""
    chosen, truth = select.sample(policy), test.sample("all")
    known = train.sample(policy)
    model = fit(repeated(known) if policy == "repeated" else known, chosen, seed, TREES)
    margin, true_margin = (
        np.asarray(model.predict(rows.vectors, prediction_type="RawFormulaVal")) for rows in (chosen, truth)
    )
    threshold = threshold_at(margin[~chosen.is_fraud], chosen.weight[~chosen.is_fraud])
    caught = np.average(margin[chosen.is_fraud] > threshold, weights=chosen.weight[chosen.is_fraud])
    calibration = fit_calibration(margin, chosen.is_fraud, chosen.weight, kept_share=1.0)
    return {
        "average_precision": ranking(truth, true_margin)["average_precision"],
        "true_fpr": float((true_margin[~truth.is_fraud] > threshold).mean()),
        "recall_error": float(caught - (true_margin[truth.is_fraud] > threshold).mean()),
        "risk_over_share": risk_over_share(truth, calibration.log_odds(true_margin)),
    }


def threshold_at(margin: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]) -> float:
    """Return the lowest margin with at most `FPR` of the weight above it."""
    order = np.argsort(-margin)
    above = np.cumsum(weight[order]) - weight[order]
    return float(margin[order][np.searchsorted(above, FPR * weight.sum(), side="right") - 1])


def repeat(repetitions: int, rows: int = ROWS) -> dict[str, list[Figures]]:
    """Return the figures of every policy, all in the same worlds, one world a repetition."""
    found: dict[str, list[Figures]] = {policy: [] for policy in POLICIES}
    for seed in range(repetitions):
        generator = np.random.default_rng(seed)
        train, select, test = (window(rows, generator) for _ in range(3))
        for policy in POLICIES:
            found[policy].append(measure(policy, train, select, test, seed))
    return found


def main(arguments: argparse.Namespace) -> None:
    """Measure, print, and record the repaired figures with those of the other policies."""
    if not arguments.real_only:
        record_samples(repeat(arguments.repetitions))
    record_retraining(repeat_retraining(arguments.real_repetitions))


def record_retraining(found: Mapping[str, Sequence[Retrained]]) -> None:
    """Record the figures of the jobs: medians, and means of what is yes or no."""
    for name, meaning in REALLY_MEASURED.items():
        values = {policy: [float(getattr(each, name)) for each in found[policy]] for policy in REAL_POLICIES}
        middle = np.mean if name == "bound_holds" else np.median
        figures = {policy: float(middle(each)) for policy, each in values.items()}
        others = ", ".join(f"{policy} {figures[policy]:.4f}" for policy in REAL_POLICIES if policy != "repaired")
        said = f"{meaning}, control share {REAL_CONTROL_SHARE:g}; {others}"
        spread = min(values["repaired"]), max(values["repaired"])
        record(f"selection.{name}", figures["repaired"], "1", COMMAND, said, spread)


def record_samples(found: Mapping[str, Sequence[Figures]]) -> None:
    """Record the figures of models that were fitted to drawn samples."""
    for name, meaning in MEASURED.items():
        values = {policy: [figures[name] for figures in found[policy]] for policy in POLICIES}
        medians = {policy: float(np.median(each)) for policy, each in values.items()}
        print(meaning, {policy: round(value, 4) for policy, value in medians.items()})
        others = ", ".join(f"{policy} {medians[policy]:.4f}" for policy in POLICIES if policy != "weighted")
        low, high = min(values["weighted"]), max(values["weighted"])
        record(f"selection.{name}", medians["weighted"], "1", COMMAND, f"{meaning}; {others}", (low, high))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--real-repetitions", type=int, default=REAL_REPETITIONS)
    parser.add_argument("--real-only", action="store_true", help="leave the drawn samples out")
    main(parser.parse_args())
