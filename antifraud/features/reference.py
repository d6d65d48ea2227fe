"""The row-level reference: feature vectors of single events in plain Python, as the scorer computes them."""

import math

from antifraud.features.buckets import History
from antifraud.features.registry import REGISTRY, WINDOWS


class PythonArithmetic:
    """`antifraud.features.registry.Arithmetic` on Python numbers; null is None."""

    def ratio(self, numerator: float, denominator: float | None) -> float | None:
        """Divide both as doubles; return None if the denominator is not positive."""
        return float(numerator) / float(denominator) if denominator is not None and denominator > 0 else None

    def root(self, value: int) -> float:
        """Return the square root as a double."""
        return math.sqrt(float(value))

    def exact(self, value: int) -> int:
        """Return the value: Python integers are exact already."""
        return value

    def floor_divide(self, value: int, divisor: int) -> int:
        """Divide integers, rounding down."""
        return value // divisor

    def when(self, condition: bool, value: int) -> float | None:  # noqa: FBT001
        """Return `value` as a double if `condition` holds, else None."""
        return float(value) if condition else None

    def flag(self, condition: bool) -> float:  # noqa: FBT001
        """Return 1.0 if `condition` holds, else 0.0."""
        return 1.0 if condition else 0.0


def feature_inputs(time: int, amount: int, customer: History, terminal: History) -> dict[str, int]:
    """Return the exact integers that formulas start from, by name: for each entity and window the fields of its bucket.

    `time` is UTC seconds, `amount` minor units.
    """
    inputs = {"time": time, "amount": amount}
    for entity, history in (("customer", customer), ("terminal", terminal)):
        for days in WINDOWS:
            bucket = history.window(time, days)
            inputs.update({f"{entity}_{days}d_{name}": value for name, value in bucket._asdict().items()})
    for name, value in terminal.risk._asdict().items():
        inputs[f"terminal_{name}"] = value
    return inputs


def feature_vector(time: int, amount: int, customer: History, terminal: History) -> list[float]:
    """Return the features of one event in the order of `FEATURE_NAMES`; null is NaN.

    >>> from antifraud.features.registry import FEATURE_NAMES
    >>> stranger = History(cutoff=0)
    >>> vector = feature_vector(90_000, 7_091, stranger, stranger)
    >>> vector[:4], vector[FEATURE_NAMES.index("customer_30d_count")]
    ([70.91, 1.0, 0.0, 1.0], 0.0)
    """
    inputs = feature_inputs(time, amount, customer, terminal)
    arithmetic = PythonArithmetic()
    values = (feature.formula(arithmetic, inputs) for feature in REGISTRY)
    return [math.nan if value is None else value for value in values]
