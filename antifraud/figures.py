"""The text of amounts and shares: the one place that turns kopecks and fractions into words for people."""

from typing import Final

MINOR_UNITS: Final = 100
"""Kopecks of a rouble."""


def roubles(minor: float, sign: str = "") -> str:
    """Return an amount in minor units as whole roubles with thousands separators; ``+`` for `sign` always shows a sign.

    >>> roubles(26_941_056.7), roubles(500_000, "+")
    ('269,411', '+5,000')
    """
    return f"{minor / MINOR_UNITS:{sign},.0f}"


def rub(minor: float) -> str:
    """Return an amount in minor units as whole roubles with their unit.

    >>> rub(26_941_056.7)
    '269,411 RUB'
    """
    return f"{roubles(minor)} RUB"


def share_text(value: float, digits: int = 1) -> str:
    """Return a share in per cent, with more digits where rounding would show a share below one as 100 %.

    >>> share_text(0.921), share_text(0.99984), share_text(1.0), share_text(0.99, 0)
    ('92.1%', '99.98%', '100.0%', '99%')
    """
    enough = next((more for more in range(digits, 8) if round(value, more + 2) < 1), digits)
    return f"{value:.{enough}%}"
