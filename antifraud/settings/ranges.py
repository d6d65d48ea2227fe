"""The ranges of numeric settings, and the choices of others: another value ends the process before it does anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from antifraud.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included if `closed`; `text` describes them in errors and documents.

    Every range has two ends, so that neither infinity nor NaN lies in one.

    >>> 7 in Range(7, 9), float("nan") in Range(7, 9), str(Range(1, 1_000))
    (True, False, '1 to 1,000')
    """

    least: float
    most: float
    text: str = ""
    closed: bool = True

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most and (self.closed or value not in {self.least, self.most})

    def __str__(self) -> str:
        return self.text or f"{self.least:,} to {self.most:,}"


INNER_SHARE: Final = Range(0, 1, "a share between 0 and 1, such as 0.05 for 5 %", closed=False)
HALF: Final = Range(0, 0.5, "a share between 0 and 0.5, such as 0.01 for 1 %", closed=False)
SHARE: Final = Range(0, 1, "a share from 0 to 1, such as 0.05 for 5 %")
MOST_DAYS: Final = 3_650
MOST_SECONDS: Final = 86_400
MOST_MINOR: Final = 10**15
CENTURY_SECONDS: Final = 3_155_760_000


def range_of(kind: object) -> Range | None:
    """Return the range in the type of a setting; None if it has none.

    >>> range_of(Annotated[int, Range(1, 7)]), range_of(int)
    (Range(least=1, most=7, text='', closed=True), None)
    """
    return next((each for each in get_args(kind)[1:] if isinstance(each, Range)), None)


def choices_of(kind: object) -> tuple[str, ...]:
    """Return the texts that a setting can have; none if it can have any value of its type.

    >>> choices_of(Literal["global", "day"]), choices_of(str)
    (('global', 'day'), ())
    """
    return get_args(kind) if get_origin(kind) is Literal else ()


def type_without_range(kind: object) -> object:
    """Return the type of a setting without its range.

    >>> type_without_range(Annotated[int | None, Range(1, 7)]), type_without_range(str)
    (int | None, <class 'str'>)
    """
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def require_allowed(variable: str, annotation: Any, value: Any) -> None:
    """Refuse a number outside the range of its annotation, and a text that is none of its choices.

    Raises:
        SettingsError: It is one of these; the message names the variable.
    """
    allowed, choices = range_of(annotation), choices_of(annotation)
    if allowed and value is not None and value not in allowed:
        raise SettingsError(f"{variable} is {value}: expected {allowed}; correct it or unset it")
    if choices and value not in choices:
        # The value is not repeated: it may be a secret in the wrong variable.
        raise SettingsError(
            f"{variable} is not one of its values: expected {' or '.join(choices)}; correct it or unset it"
        )


def parse_setting(variable: str, kind: Any, text: str) -> Any:
    """Return the text of a variable as `kind`.

    Raises:
        SettingsError: It is no value of this type.
    """
    wanted = next((base for base in (int, float, Path) if kind == base or kind == base | None), str)
    try:
        return wanted(text)
    except ValueError:
        # The value is not repeated: it may be a secret in the wrong variable.
        raise SettingsError(f"{variable} is not a valid {wanted.__name__}: correct it or unset it") from None
