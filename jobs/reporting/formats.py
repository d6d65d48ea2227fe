"""Figures as the page and the model card write them; a figure that is missing is a dash."""

from collections.abc import Callable, Mapping
from typing import Final

from antifraud.figures import roubles, share_text
from antifraud.gate.limits import Limit, Unit

NOTHING: Final = "-"


def share(value: float | None, digits: int = 2) -> str:
    """Return a fraction in percent; a fraction below one gets enough digits not to look like 100 %.

    >>> share(0.0433), share(None), share(0.99984, 1), share(1.0, 0)
    ('4.33 %', '-', '99.98 %', '100 %')
    """
    return NOTHING if value is None else share_text(value, digits).replace("%", " %")


def certainty(value: float) -> str:
    """Return a confidence or probability in percent, without trailing zeros; below one it never reads 100 %.

    >>> certainty(0.99), certainty(0.975), certainty(0.99999)
    ('99 %', '97.5 %', '99.999 %')
    """
    figure, unit = share(value).split(" ")
    return f"{figure.rstrip('0').rstrip('.')} {unit}"


def rub(minor: float | None) -> str:
    """Return minor units as whole roubles, grouped.

    >>> rub(26_941_056.7)
    '269,411'
    """
    return NOTHING if minor is None else roubles(minor)


def number(value: float | None) -> str:
    """Return a count, grouped.

    >>> number(302_346.4)
    '302,346'
    """
    return NOTHING if value is None else f"{value:,.0f}"


def plain(value: object) -> str:
    """Return a figure with four digits; other values as they are.

    >>> plain(0.93592), plain(None), plain("yes")
    ('0.9359', '-', 'yes')
    """
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def words(name: str) -> str:
    """Return a key as words.

    >>> words("average_precision")
    'average precision'
    """
    return name.replace("_", " ")


FORMATS: Final[Mapping[Unit, Callable[[float], str]]] = {Unit.SHARE: share, Unit.MONEY: rub, Unit.COUNT: number}
"""How the page and the model card write a figure of each unit."""


def amount(limit: Limit, value: float | None, absent: str = NOTHING) -> str:
    """Return a figure in the unit of a limit, without the name of the unit; `absent` where there is no figure."""
    return absent if value is None else FORMATS[limit.unit](value)
