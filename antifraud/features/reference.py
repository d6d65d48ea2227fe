"""The row-level reference: feature vectors of single events in plain Python, as the scorer computes them.

Here each formula is evaluated as it is written. If all inputs are known, as they nearly always are, the same formulas
compiled into one function give the same bits in a fraction of the time (`antifraud/features/compiled.py`).
"""

import math
from collections.abc import Mapping
from itertools import chain
from operator import itemgetter
from typing import Final

from antifraud.features.buckets import Bucket, History
from antifraud.features.compiled import compile_features
from antifraud.features.labels import LabelHistory, Risk
from antifraud.features.registry import REGISTRY, WINDOWS, Feature


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


ARITHMETIC: Final = PythonArithmetic()


class UnknownInput(KeyError):
    """An input that is not known; the features made of it are null."""


class Inputs(dict[str, int]):
    """Inputs of formulas by name; unknown inputs are missing."""

    def __missing__(self, name: str) -> int:
        if name in INPUT_NAMES:
            raise UnknownInput
        raise KeyError(name)

    @property
    def complete(self) -> bool:
        """Whether all inputs are known."""
        return len(self) == len(INPUT_NAMES)


WINDOW_NAMES: Final = tuple(
    tuple(f"{entity}_{days}d_{name}" for name in Bucket._fields)
    for entity in ("customer", "terminal")
    for days in WINDOWS
)
RISK_NAMES: Final = tuple(f"terminal_{name}" for name in Risk._fields)
GROUPS: Final = (("time", "amount"), *WINDOW_NAMES, RISK_NAMES)
"""Names of inputs that are known, or not, together."""
ORDERED_NAMES: Final = tuple(chain(*GROUPS))
INPUT_NAMES: Final = frozenset(ORDERED_NAMES)
_in_order: Final = itemgetter(*ORDERED_NAMES)
_compiled_vector: Final = compile_features(REGISTRY, ORDERED_NAMES)


def feature_inputs(time: int, amount: int, customer: History, terminal: History) -> Inputs:
    """Return the exact integers that formulas start from, by name: for each entity and window the fields of its bucket.

    `time` is UTC seconds, `amount` minor units. Names of windows and labels that are not known are left out.
    """
    # A terminal without labels is asked as well: of a late event not even their absence is known.
    labels = terminal.labels or LabelHistory(terminal.cutoff)
    groups: tuple[tuple[int, ...] | None, ...]
    groups = ((time, amount), *customer.windows(time), *terminal.windows(time), labels.risk(time))
    known = [values for values in groups if values is not None]
    if len(known) == len(GROUPS):
        return Inputs(zip(ORDERED_NAMES, chain(*known), strict=True))
    names = chain(*[names for names, values in zip(GROUPS, groups, strict=True) if values is not None])
    return Inputs(zip(names, chain(*known), strict=True))


def hour_inputs(time: int, histories: Mapping[str, History]) -> dict[str, int]:
    """Return count and sum of the last hour by name, such as ``customer_1h_tx_count``; no feature is made of them.

    `histories` are those by the name of their entity. Sums that are not known are left out.
    """
    found = {}
    for entity, history in histories.items():
        if (bucket := history.past_hour(time)) is not None:
            found[f"{entity}_1h_tx_count"] = bucket.tx_count
            found[f"{entity}_1h_amount_sum"] = bucket.amount_sum
    return found


def vector_of(inputs: Inputs) -> list[float]:
    """Return the features in the order of `FEATURE_NAMES`; null is NaN, and so is a feature of an unknown input."""
    return _compiled_vector(*_in_order(inputs)) if inputs.complete else evaluate_each(inputs)


def evaluate_each(inputs: Inputs) -> list[float]:
    """Return what `vector_of` returns, formula by formula."""
    # NaN, because the vector is an array of doubles; the model takes it for missing.
    return [math.nan if (value := _value(feature, inputs)) is None else value for feature in REGISTRY]


def _value(feature: Feature, inputs: Inputs) -> float | None:
    try:
        value: float | None = feature.formula(ARITHMETIC, inputs)
    except UnknownInput:
        return None
    return value


def feature_vector(time: int, amount: int, customer: History, terminal: History) -> list[float]:
    """Return the features of one event in the order of `FEATURE_NAMES`; null is NaN.

    >>> from antifraud.features.registry import FEATURE_NAMES
    >>> stranger = History(cutoff=0)
    >>> vector = feature_vector(90_000, 7_091, stranger, stranger)
    >>> vector[:4], vector[FEATURE_NAMES.index("customer_30d_count")]
    ([70.91, 1.0, 0.0, 1.0], 0.0)
    """
    return vector_of(feature_inputs(time, amount, customer, terminal))
