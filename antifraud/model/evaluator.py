"""The one evaluator: exported trees in ONNX Runtime, calibration, rounding to parts per million.

Validation certifies the scores of this module and the scorer serves them; nothing else turns a vector into a score. The
exported trees give the raw margin: log odds in the training sample, in single precision. Calibration shifts the margin
to the population's odds and applies a strictly increasing logistic map. So it changes the level of scores, never their
order. onnxruntime is imported where it is called.

Source: Platt (1999), Probabilistic outputs for support vector machines, section 2.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from antifraud.artifacts.bundle import Bundle
from antifraud.errors import ReleaseError, SchemaError

MODEL_FILE: Final = "model.onnx"
CALIBRATION_FILE: Final = "calibration.json"
PARTS_PER_MILLION: Final = 1_000_000
LOGIT_RANGE: Final = 40.0
"""Log odds beyond this are 0 or 1,000,000 ppm anyway; they are clipped so that exp does not overflow."""
LOG_ERRORS_ONLY: Final = 3


@dataclass(frozen=True, slots=True)
class Calibration:
    """The map from raw margins to log odds of fraud: ``slope * (margin + log_odds_shift) + intercept``.

    Attributes:
        slope: Above 0.
        intercept: Log odds.
        log_odds_shift: Logarithm of the share of legitimate rows that was kept for training. Leaving the others out
            raised the odds by its inverse.

    Source: King & Zeng (2001), Logistic regression in rare events data, section 4.1.
    """

    slope: float
    intercept: float
    log_odds_shift: float

    def __post_init__(self) -> None:
        """Refuse a map that is not strictly increasing.

        Raises:
            ReleaseError: A number is not finite, or the slope is not positive.
        """
        # A threshold is certified on calibrated scores, and only an increasing map keeps the order of margins.
        if not all(map(math.isfinite, (self.slope, self.intercept, self.log_odds_shift))) or self.slope <= 0:
            raise ReleaseError(f"{self} is not a strictly increasing calibration: train again")

    def log_odds(self, margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Calibrate raw margins (log odds), elementwise.

        >>> float(Calibration(slope=2.0, intercept=0.5, log_odds_shift=-1.0).log_odds(np.array([3.0]))[0])
        4.5
        """
        return self.slope * (margin + self.log_odds_shift) + self.intercept

    def to_json(self) -> str:
        """Return the text of `calibration.json`; numbers keep every bit."""
        return json.dumps(asdict(self), sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read `calibration.json`.

        Raises:
            ReleaseError: The text is not a calibration.
        """
        try:
            return cls(**{name: float(value) for name, value in json.loads(text).items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise ReleaseError(
                f"{CALIBRATION_FILE} is not a calibration ({error}): promote the release again"
            ) from error


def to_ppm(log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Turn log odds into risk in parts per million, 0..1,000,000, rounded to the nearest integer.

    >>> to_ppm(np.array([-800.0, 0.0, 800.0])).tolist()
    [0, 500000, 1000000]
    """
    # Not np.clip, which takes three times as long for the one row of a decision.
    bounded = np.minimum(np.maximum(log_odds, -LOGIT_RANGE), LOGIT_RANGE)
    return np.rint(PARTS_PER_MILLION / (1.0 + np.exp(-bounded))).astype(np.int32)


class Evaluator:
    """Exported trees with their calibration."""

    def __init__(self, model: bytes, calibration: Calibration) -> None:
        """Open `model`, the content of `model.onnx`.

        Raises:
            ReleaseError: The content is not a model with one matrix of features as input.
        """
        self._session = _open_session(model)
        self._calibration = calibration
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 2:  # noqa: PLR2004
            raise ReleaseError(f"{MODEL_FILE} does not take one matrix of features: train and promote again")
        self._input = inputs[0].name
        self.feature_count = int(inputs[0].shape[1])

    def margin(self, vectors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Return raw log odds in the training sample, before calibration, shape ``(n,)``.

        Args:
            vectors: Shape ``(n, features)``; null is NaN. The trees compare in single precision, whatever precision
                the vectors have.

        Raises:
            SchemaError: `vectors` has another shape.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.feature_count:  # noqa: PLR2004
            raise SchemaError(f"vectors have shape {vectors.shape}, the model expects (n, {self.feature_count})")
        (output,) = self._session.run(None, {self._input: vectors.astype(np.float32, copy=False)})
        return np.asarray(output, dtype=np.float64).reshape(-1)

    def score(self, vectors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int32]:
        """Return the risk in parts per million, shape ``(n,)``.

        Args:
            vectors: Shape ``(n, features)``, features in the order of `FEATURE_NAMES`; null is NaN.

        Raises:
            SchemaError: `vectors` has another shape.
        """
        return to_ppm(self._calibration.log_odds(self.margin(vectors)))


def load_evaluator(bundle: Bundle) -> Evaluator:
    """Load the evaluator of a verified bundle.

    Raises:
        ReleaseError: Model or calibration cannot be read as one.
    """
    model, calibration = read_model_files(bundle)
    return Evaluator(model, Calibration.from_json(calibration))


def read_model_files(bundle: Bundle) -> tuple[bytes, str]:
    """Return the verified model of a bundle and the text of its calibration.

    Raises:
        ReleaseError: The bundle lacks one of them, or the calibration is not text.
    """
    return bundle.read(MODEL_FILE), bundle.read_text(CALIBRATION_FILE)


def read_evaluator(folder: Path) -> Evaluator:
    """Read an evaluator from the folder of a candidate.

    Raises:
        ReleaseError: Model or calibration is missing, or cannot be read as one.
    """
    try:
        model, calibration = (folder / MODEL_FILE).read_bytes(), (folder / CALIBRATION_FILE).read_text()
    except OSError as error:
        raise ReleaseError(f"{folder.name} lacks {MODEL_FILE} or {CALIBRATION_FILE} ({error.strerror})") from error
    return Evaluator(model, Calibration.from_json(calibration))


def _open_session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread, so that a row gets the same bits alone and in any batch (tests/unit/model/test_evaluator.py).
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # CatBoost's export declares a vector as output and gives a column, which would log a warning for every row.
    options.log_severity_level = LOG_ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise ReleaseError(
            f"{MODEL_FILE} is not a model ({type(error).__name__}): promote the release again"
        ) from error
