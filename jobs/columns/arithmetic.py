"""The registry's `Arithmetic` on Spark columns: the same exact integers and the same doubles as in Python."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


class SparkArithmetic:
    """Formulas as column expressions; unknown is null. Products of sums are computed in the type `wide`.

    `widened` tells whether a formula has asked for that type.
    """

    def __init__(self, wide: str) -> None:
        self._wide = wide
        self.widened = False

    def ratio(self, numerator: Any, denominator: Any) -> Column:
        """Divide both as doubles; return null if the denominator is not positive."""
        below = _column(denominator)
        return F.when(below > 0, _column(numerator).cast("double") / below.cast("double"))

    def root(self, value: Any) -> Column:
        """Return the square root as a double."""
        return F.sqrt(_column(value).cast("double"))

    def exact(self, value: Any) -> Column:
        """Return the value in the type that is wide enough for products of sums."""
        self.widened = True
        return _column(value).cast(self._wide)

    def floor_divide(self, value: Any, divisor: int) -> Column:
        """Divide integers, rounding down; the double is exact because nothing remains."""
        whole = _column(value)
        return ((whole - F.pmod(whole, F.lit(divisor))) / divisor).cast("bigint")

    def when(self, condition: Any, value: Any) -> Column:
        """Return `value` as a double if `condition` holds, else null."""
        return F.when(condition, _column(value).cast("double"))

    def flag(self, condition: Any) -> Column:
        """Return 1.0 if `condition` holds, else 0.0."""
        return F.when(condition, F.lit(1.0)).otherwise(F.lit(0.0))


def _column(value: Any) -> Column:
    return value if isinstance(value, Column) else F.lit(value)
