"""Kinds of values, as far as they are known without running Terraform, and which kind may stand for which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

PRIMITIVES: Final = ("string", "number", "bool")
SEQUENCES: Final = ("list", "set")


@dataclass(frozen=True)
class Kind:
    """Kind of a value.

    Attributes:
        name: ``any`` (unknown), a primitive, ``list``, ``set``, ``map`` or ``object``.
        element: Kind of the elements of a list, set or map.
        fields: Kinds of an object's fields.
        required: Fields that an object must have where one is expected.
        text: Value of a literal.
        items: Kinds of the items of a list that is spelled out.
        what: What the value is, for messages.
        owner: Of an id, the resource that it is the id of; empty if that is unknown.
    """

    name: str
    element: "Kind | None" = None
    fields: "Mapping[str, Kind]" = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    text: str | None = None
    items: "tuple[Kind, ...]" = ()
    what: str = ""
    owner: str = ""

    def __str__(self) -> str:
        """Spell the kind as Terraform does."""
        return f"{self.name}({self.element})" if self.element else self.name


ANY: Final = Kind("any")
STRING: Final = Kind("string")
NUMBER: Final = Kind("number")
BOOL: Final = Kind("bool")


def list_of(element: Kind) -> Kind:
    """Return the kind of a list."""
    return Kind("list", element)


def map_of(element: Kind) -> Kind:
    """Return the kind of a map."""
    return Kind("map", element)


def object_of(fields: Mapping[str, Kind], what: str = "the object", required: frozenset[str] = frozenset()) -> Kind:
    """Return the kind of an object."""
    return Kind("object", fields=fields, what=what, required=required)


def common(kinds: list[Kind]) -> Kind:
    """Return the kind that all values share; unknown if they have none in common.

    >>> str(common([Kind("number"), Kind("number")])), str(common([Kind("bool"), Kind("list", ANY)]))
    ('number', 'any')
    """
    known = [kind for kind in kinds if kind.name != "any"]
    if not known or any(kind.name != known[0].name for kind in known):
        return STRING if known and {kind.name for kind in known} <= set(PRIMITIVES) else ANY
    if known[0].name == "object":
        shared = [name for name in known[0].fields if all(name in kind.fields for kind in known)]
        return object_of({name: common([kind.fields[name] for kind in known]) for name in shared})
    if known[0].element:
        return Kind(known[0].name, common([kind.element or ANY for kind in known]))
    owners = {kind.owner for kind in known}
    return Kind(known[0].name, owner=owners.pop() if len(owners) == 1 else "")


def element_of(kind: Kind) -> Kind:
    """Return the kind of what a loop over a value yields."""
    if kind.name == "object":
        return common(list(kind.fields.values()))
    return kind.element or ANY


def misfits(actual: Kind, expected: Kind, where: str) -> Iterator[str]:
    """Yield why a value cannot stand where another kind is expected; unknown values always can."""
    if "any" in {actual.name, expected.name}:
        return
    if expected.name in PRIMITIVES:
        yield from _primitive_misfits(actual, expected, where)
    elif expected.name in SEQUENCES and actual.name in SEQUENCES:
        yield from misfits(element_of(actual), element_of(expected), f"each of {where}")
    elif expected.name == "map" and actual.name == "object":
        for name, kind in actual.fields.items():
            yield from misfits(kind, expected.element or ANY, f"{where}.{name}")
    elif expected.name == "map" and actual.name == "map":
        yield from misfits(element_of(actual), element_of(expected), f"each of {where}")
    elif expected.name == "object" and actual.name == "object":
        yield from _field_misfits(actual, expected, where)
    elif not (expected.name == "object" and actual.name == "map"):
        yield f"{where} is a {actual}, but a {expected} was expected"


def _primitive_misfits(actual: Kind, expected: Kind, where: str) -> Iterator[str]:
    """Terraform turns numbers and truth values into text, and text back if it spells one."""
    if actual.name not in PRIMITIVES or {actual.name, expected.name} == {"number", "bool"}:
        yield f"{where} is a {actual}, but a {expected} was expected"
    elif actual.text is not None and actual.name == "string" and not _spells(actual.text, expected.name):
        yield f"{where} is {actual.text!r}, but a {expected} was expected"
    elif actual.owner and expected.owner and actual.owner != expected.owner:
        yield f"{where} is an id of {actual.owner}, but one of {expected.owner} was expected"


def _spells(text: str, name: str) -> bool:
    return name == "string" or (text in {"true", "false"} if name == "bool" else _is_number(text))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _field_misfits(actual: Kind, expected: Kind, where: str) -> Iterator[str]:
    for name in sorted(expected.required - set(actual.fields)):
        yield f"{where} lacks {name}"
    for name, kind in actual.fields.items():
        if name in expected.fields:
            yield from misfits(kind, expected.fields[name], f"{where}.{name}")
        else:
            yield f"{where} has no {name}"
