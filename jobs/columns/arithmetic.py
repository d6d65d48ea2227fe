"""The registry's `Arithmetic` on Spark columns: the same exact integers and the same doubles as in Python."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


class SparkArithmetic:
    """Formulas as column expressions; null is null. Products of sums are computed in the type `wide`.

    `widened` says whether a formula asked for that type.
    """

    def __init__(self, wide: str) -> None:
        self._wide = wide
        self.widened = False

    def ratio(self, numerator: Any, denominator: Any) -> Column:
        """Both as doubles, divided; null where the denominator is not positive."""
        below = _column(denominator)
        return F.when(below > 0, _column(numerator).cast("double") / below.cast("double"))

    def root(self, value: Any) -> Column:
        """Square root as a double."""
        return F.sqrt(_column(value).cast("double"))

    def exact(self, value: Any) -> Column:
        """In the type that is wide enough for products of sums."""
        self.widened = True
        return _column(value).cast(self._wide)

    def floor_divide(self, value: Any, divisor: int) -> Column:
        """Integer division, rounding down; the double holds the quotient exactly because there is no remainder."""
        whole = _column(value)
        return ((whole - F.pmod(whole, F.lit(divisor))) / divisor).cast("bigint")

    def when(self, condition: Any, value: Any) -> Column:
        """`value` as a double where `condition` holds."""
        return F.when(condition, _column(value).cast("double"))

    def flag(self, condition: Any) -> Column:
        """1.0 where `condition` holds, otherwise 0.0."""
        return F.when(condition, F.lit(1.0)).otherwise(F.lit(0.0))


def _column(value: Any) -> Column:
    return value if isinstance(value, Column) else F.lit(value)
