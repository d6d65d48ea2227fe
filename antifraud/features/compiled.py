"""The registry as one Python function, for the scorer: all formulas in a row, without look-ups and calls for each.

Every formula is evaluated once on `Source`, a value that writes down each operation as text. The text of all features
is compiled into one function. It computes what `antifraud.features.reference.PythonArithmetic` computes, operation by
operation, so the bits are the same (`tests/unit/features/test_compiled.py`).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from antifraud.features.registry import Feature

Vector = Callable[..., list[float]]
"""Turns the inputs of formulas, which are integers, into features; null is NaN."""


def _operation(sign: str) -> Callable[["Source", Any], "Source"]:
    return lambda left, right: Source(f"({left.text} {sign} {_text(right)})")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An expression as the text of Python source.

    >>> (Source("a") * 100 - Source("b")).text
    '((a * 100) - b)'
    """

    text: str

    __add__ = _operation("+")
    __sub__ = _operation("-")
    __mul__ = _operation("*")
    __mod__ = _operation("%")
    __gt__ = _operation(">")
    __ge__ = _operation(">=")
    __lt__ = _operation("<")
    __ne__ = _operation("!=")  # type: ignore[assignment]


def _text(value: Any) -> str:
    return value.text if isinstance(value, Source) else repr(value)


@dataclass(slots=True)
class SourceArithmetic:
    """`antifraud.features.registry.Arithmetic` on `Source`; null is NaN."""

    _numbers: Iterable[int] = field(default_factory=count)

    def ratio(self, numerator: Any, denominator: Any) -> Source:
        """Divide both as doubles; the source gives NaN if the denominator is not positive."""
        # A name of its own for each denominator, which is needed twice: in the condition, and in the division.
        name = f"denominator_{next(iter(self._numbers))}"
        # A double before the division makes the other one a double, too.
        division = f"{_text(numerator)} * 1.0 / {name}"
        return Source(f"({division} if ({name} := {_text(denominator)}) > 0 else nan)")

    def root(self, value: Any) -> Source:
        """Return the square root as a double."""
        return Source(f"sqrt({_text(value)})")

    def exact(self, value: Any) -> Any:
        """Return the value: Python integers are exact already."""
        return value

    def floor_divide(self, value: Any, divisor: int) -> Source:
        """Divide integers, rounding down."""
        return Source(f"({_text(value)} // {divisor})")

    def when(self, condition: Any, value: Any) -> Source:
        """Return `value` as a double if `condition` holds, else NaN."""
        return Source(f"({_text(value)} * 1.0 if {_text(condition)} else nan)")

    def flag(self, condition: Any) -> Source:
        """Return 1.0 if `condition` holds, else 0.0."""
        return Source(f"(1.0 if {_text(condition)} else 0.0)")


def source_of(features: Iterable[Feature], names: Iterable[str]) -> str:
    """Return the source of a function from the inputs, in the order of their names, to the values of `features`."""
    inputs = {name: Source(name) for name in names}
    arithmetic: Final = SourceArithmetic()
    values = (_text(feature.formula(arithmetic, inputs)) for feature in features)
    lines = (f"        {value}," for value in values)
    return "\n".join([f"def vector({', '.join(inputs)}):", "    return [", *lines, "    ]", ""])


def compile_features(features: Iterable[Feature], names: Iterable[str]) -> Vector:
    """Return the function that `source_of` describes; each of the inputs has to be there."""
    namespace: dict[str, Any] = {"nan": math.nan, "sqrt": math.sqrt}
    source = source_of(features, names)
    exec(compile(source, "the feature registry", "exec"), namespace)  # noqa: S102 the source is made of our own formulas
    vector: Vector = namespace["vector"]
    return vector
