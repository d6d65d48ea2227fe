"""Reason codes: which features moved a decision, by how much, in the registry's words.

A contribution is an exact Shapley value (`antifraud/model/trees.py`) in log odds of fraud, calibrated as the score is,
so base and contributions add up to the log odds behind the score. Nothing here needs CatBoost.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.bundle import Bundle, require_feature_set
from antifraud.errors import ReleaseError, SchemaError
from antifraud.features.registry import FEATURE_NAMES, REGISTRY, Feature
from antifraud.model.evaluator import Calibration, Evaluator, load_evaluator, read_model_files
from antifraud.model.trees import TREES_FILE, Trees

TOLERANCE: Final = 1e-3
"""Log odds by which trees and exported model may differ, because the export adds in single precision."""
TOP: Final = 5
FEW: Final = 0.01
"""Values below this are shown with more digits."""
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reason:
    """A feature, its value (null is NaN), and the log odds of fraud that the value adds."""

    feature: Feature
    value: float
    log_odds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a release gives a vector its score.

    Attributes:
        release: Name of the release.
        score: Risk, ppm.
        threshold: Scores above it are flagged, ppm.
        base: Log odds of fraud when nothing is known about the transaction.
        reasons: The weightiest first; with `base` they add up to the log odds behind the score.
    """

    release: str
    score: int
    threshold: int
    base: float
    reasons: tuple[Reason, ...]

    @property
    def log_odds(self) -> float:
        """Calibrated log odds of fraud."""
        return self.base + math.fsum(reason.log_odds for reason in self.reasons)

    def lines(self, top: int = TOP) -> list[str]:
        """Spell the explanation for a reader: score, sum, the `top` reasons, and the sum of the others."""
        side = "above" if self.score > self.threshold else "not above"
        moved = self.log_odds - self.base
        rest = math.fsum(reason.log_odds for reason in self.reasons[top:])
        return [
            f"release {self.release}: score {self.score:,} of 1,000,000, {side} the threshold {self.threshold:,}",
            f"log odds of fraud {self.log_odds:+.2f}: {self.base:+.2f} for any transaction, {moved:+.2f} for this one",
            *(f"  {spell_reason(reason, first=place == 0)}" for place, reason in enumerate(self.reasons[:top])),
            f"  the other {len(self.reasons[top:])} features: {rest:+.2f} log odds",
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Explainer:
    """A release, ready to explain its scores."""

    release: str
    threshold: int
    evaluator: Evaluator
    calibration: Calibration
    trees: Trees

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Load what explanations of a verified bundle need.

        Raises:
            ReleaseError: The bundle has no trees, because it was promoted before there were explanations. Or its trees
                or its feature set are not those of this code.
        """
        require_feature_set(bundle)
        evaluator = load_evaluator(bundle)
        trees = Trees.from_json(bundle.read_text(TREES_FILE))
        calibration = Calibration.from_json(read_model_files(bundle)[1])
        return cls(bundle.release, int(bundle.manifest["threshold"]), evaluator, calibration, trees)

    def explain(self, vector: Doubles) -> Explanation:
        """Explain the score of a vector.

        Args:
            vector: Shape ``(features,)``, in the order of `FEATURE_NAMES`; null is NaN.

        Raises:
            SchemaError: `vector` has another length.
            ReleaseError: The trees are not those of the model that serves.
        """
        row = vector.reshape(1, -1)
        score, margin = int(self.evaluator.score(row)[0]), self.evaluator.margin(row)
        found = self.trees.contributions(vector)
        # Trees and model are separate files of a bundle: reasons must belong to the model that serves.
        if abs(found.margin - margin[0]) > TOLERANCE:
            raise ReleaseError(
                f"{TREES_FILE} of {self.release} is not of the model that serves: train and promote anew"
            )
        base = float(self.calibration.log_odds(np.array([found.base]))[0])
        # Calibration is linear: the intercept belongs to the base, and each contribution grows by the slope.
        added = self.calibration.slope * found.by_feature
        order = np.argsort(-np.abs(added), kind="stable")
        reasons = tuple(Reason(REGISTRY[at], float(vector[at]), float(added[at])) for at in order)
        return Explanation(self.release, score, self.threshold, base, reasons)


def spell_reason(reason: Reason, *, first: bool = False) -> str:
    """Spell a reason in words; the `first` one is called the weightiest.

    >>> spell_reason(Reason(REGISTRY[0], 70.91, -0.5))
    'amount: 70.91 RUB (lowers the risk, -0.50 log odds)'
    """
    direction = "raises" if reason.log_odds > 0 else "lowers"
    most = " most" if first else ""
    return f"{describe(reason.feature, reason.value)} ({direction} the risk{most}, {reason.log_odds:+.2f} log odds)"


def describe(feature: Feature, value: float) -> str:
    """Describe a feature's value in the registry's words: entity, meaning, window and unit, or why there is none.

    >>> known = {feature.name: feature for feature in REGISTRY}
    >>> describe(known["terminal_fraud_7d"], 5.0)
    'terminal frauds learnt, 7 days: 5 transactions'
    >>> describe(known["customer_since_last"], math.nan)
    'customer time since the last one, 30 days: none (no earlier transaction of the customer in the window)'
    """
    entity = "" if feature.entity == "event" else f"{feature.entity} "
    window = "" if feature.window is None else f", {feature.window} day{'s' if feature.window > 1 else ''}"
    if math.isnan(value):
        return f"{entity}{feature.meaning}{window}: none ({feature.null or 'the value is missing'})"
    return f"{entity}{feature.meaning}{window}: {_number(value)} {feature.unit}"


def _number(value: float) -> str:
    if value.is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= FEW else f"{value:.2g}"


def parse_vector(text: str) -> Doubles:
    """Parse a vector, shape ``(features,)``, from JSON: a list in the order of `FEATURE_NAMES`, or an object by name.

    JSON's null becomes NaN.

    Raises:
        SchemaError: The text is neither, has other features, or holds something that is not a number.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"the vector is not JSON ({error}): expected a list of numbers and nulls") from error
    values = _in_order(content) if isinstance(content, dict) else content
    if not isinstance(values, list) or len(values) != len(FEATURE_NAMES):
        found = f"{len(values)} values" if isinstance(values, list) else type(values).__name__
        raise SchemaError(f"the vector holds {found}, expected a list of {len(FEATURE_NAMES)} (see docs/features.md)")
    return np.array([_value(name, value) for name, value in zip(FEATURE_NAMES, values, strict=True)])


def _in_order(content: dict[str, Any]) -> list[Any]:
    if odd := sorted(set(content) ^ set(FEATURE_NAMES)):
        raise SchemaError(f"the vector and the registry disagree about {', '.join(odd[:TOP])}: see docs/features.md")
    return [content[name] for name in FEATURE_NAMES]


def _value(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemaError(f"{name} is {type(value).__name__}, expected a finite number or null")
    return float(value)
