"""Names in a body: one that an object holds twice is refused, because two readers could see two different requests."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from serving.api.problems import Problem

METADATA: Final = "metadata"
"""The one field with names of the client's own."""


def require_distinct(body: str) -> None:
    """Refuse a valid request in which an object holds a name twice, at any depth.

    Raises:
        Problem: 422 with the path of the field.
    """
    try:
        _QUICK.decode(body)
    except LookupError:
        # Objects are decoded from the inside out, so only a second look knows where they lie.
        raise _describe(next(_find_repeated(_COMPLETE.decode(body)))) from None


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise LookupError


_QUICK: Final = json.JSONDecoder(object_pairs_hook=_refuse_twice)
_COMPLETE: Final = json.JSONDecoder(object_pairs_hook=tuple)
"""Makes a tuple of names and values of each object; a list stays one."""


def _find_repeated(part: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each name that an object holds again."""
    seen: set[str] = set()
    for place, value in _parts_of(part, path):
        if place in seen:
            yield place
        seen.add(place)
        yield from _find_repeated(value, place)


def _parts_of(part: Any, path: str) -> Iterable[tuple[str, Any]]:
    """Return what lies in an object or a list, with paths such as ``labels[2].status``."""
    if isinstance(part, tuple):
        return [(f"{path}.{name}".lstrip("."), value) for name, value in part]
    if isinstance(part, list):
        return [(f"{path}[{number}]", value) for number, value in enumerate(part)]
    return ()


def _describe(place: str) -> Problem:
    # Every other name in a valid request is a field of ours, so it may be repeated.
    if place.startswith(f"{METADATA}."):
        return Problem("invalid", f"{METADATA} has a name twice: expected each name once", METADATA)
    return Problem("invalid", f"{place} is there twice: expected each field once", place)
