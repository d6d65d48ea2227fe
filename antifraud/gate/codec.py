"""Frozen dataclasses as plain values for JSON, and back: `decode` reads what `encode` wrote."""

import dataclasses
import datetime as dt
import types
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any, derived: Mapping[type, Sequence[str]]) -> Any:
    """Return plain values; the properties that `derived` names for a class are written beside its fields.

    >>> encode({"day": dt.date(2026, 4, 10), "bounds": (0.5, None)}, {})
    {'day': '2026-04-10', 'bounds': [0.5, None]}
    """
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        names += [name for kind, known in derived.items() if isinstance(value, kind) for name in known]
        return {name: encode(getattr(value, name), derived) for name in names}
    if isinstance(value, Mapping):
        return {str(key): encode(each, derived) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [encode(each, derived) for each in value]
    return str(value) if isinstance(value, dt.date | StrEnum) else value


def decode(kind: type[T], value: Any, at: str = "") -> T:
    """Return plain values as an object of a type.

    Every field must be there. Other keys are ignored, because derived properties are written too.

    Raises:
        ValueError: A value is missing or of another type; the message says where.

    >>> decode(tuple[dt.date, ...], ["2026-04-10"])
    (datetime.date(2026, 4, 10),)
    """
    return cast("T", _decoded(kind, value, at))


def _decoded(kind: Any, value: Any, at: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        (known,) = (part for part in parts if part is not types.NoneType)
        return None if value is None else _decoded(known, value, at)
    if origin is tuple:
        return tuple(_decoded(parts[0], each, f"{at}[{place}]") for place, each in enumerate(_of(list, value, at)))
    if origin is Mapping:
        return {name: _decoded(parts[1], each, f"{at}.{name}") for name, each in _of(dict, value, at).items()}
    if dataclasses.is_dataclass(kind):
        return _object(cast("type", kind), _of(dict, value, at), at)
    return _single(kind, value, at)


def _object(kind: type, values: dict[str, Any], at: str) -> Any:
    hints = get_type_hints(kind)
    wanted = [field.name for field in dataclasses.fields(kind)]
    if missing := [name for name in wanted if name not in values]:
        raise ValueError(f"{at or 'the whole'} has no {', '.join(missing)}")
    return kind(**{name: _decoded(hints[name], values[name], f"{at}.{name}".lstrip(".")) for name in wanted})


def _single(kind: type, value: Any, at: str) -> Any:
    if kind is float and type(value) is int:
        return value  # as it was: JSON would write 5 and 5.0 differently
    if issubclass(kind, dt.date | StrEnum):
        try:
            return kind.fromisoformat(value) if issubclass(kind, dt.date) else kind(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{at} is {value!r}, expected {kind.__name__}") from error
    return _of(kind, value, at)


def _of(kind: type, value: Any, at: str) -> Any:
    if type(value) is not kind:  # not by isinstance: True would be an int
        raise ValueError(f"{at or 'the whole'} is of type {type(value).__name__}, expected {kind.__name__}")
    return value
