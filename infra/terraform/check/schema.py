"""Describe the provider's resources: ``provider.json`` from its reference pages, ``additions.json`` from its code."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from infra.terraform.check.identities import owned
from infra.terraform.check.kinds import ANY, BOOL, NUMBER, STRING, Kind, list_of, map_of, object_of

HERE: Final = Path(__file__).resolve().parents[1]
_SIMPLE: Final = {"String": STRING, "Number": NUMBER, "Bool": BOOL, "Object": ANY}


@dataclass(frozen=True)
class Field:
    """An argument or a block of a resource.

    Attributes:
        path: Resource and names down to this one, with dots between.
        kind: Kind of an argument; of a nested one, kind of its fields.
        required: Whether it must be given.
        read_only: Whether only the provider sets it.
        fields: Fields of a block or of a nested value.
        is_block: Whether it is written with braces alone, not with ``=``.
        is_keyed: Whether it is a map of such values.
        is_repeated: Whether the block may be there more than once.
        choices: Of these fields of the block, exactly one must be given.
    """

    path: str
    kind: Kind
    required: bool = False
    read_only: bool = False
    fields: "Mapping[str, Field] | None" = None
    is_block: bool = False
    is_keyed: bool = False
    is_repeated: bool = False
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> Kind:
        """Return the kind of value that a file may give."""
        if self.fields is None:
            return self.kind
        given = {name: field.expected for name, field in self.fields.items() if not field.read_only}
        inner = object_of(given, self.path, frozenset(name for name, field in self.fields.items() if field.required))
        return map_of(inner) if self.is_keyed else inner

    @property
    def visible(self) -> Kind:
        """Return the kind of value that others read from a resource."""
        if self.fields is None:
            return self.kind
        inner = object_of({name: field.visible for name, field in self.fields.items()}, self.path)
        if self.is_keyed:
            return map_of(inner)
        return list_of(inner) if self.is_block else inner


@functools.lru_cache
def resources() -> Mapping[str, Field]:
    """Return the description of every resource, by its type."""
    described = json.loads((HERE / "provider.json").read_text())["resources"]
    return {name: _resource(name, fields) for name, fields in described.items()}


def _resource(name: str, fields: dict[str, Any]) -> Field:
    return Field(name, ANY, fields=_fields(name, fields), is_block=True, choices=_choices(name))


def _fields(path: str, described: dict[str, Any]) -> dict[str, Field]:
    return {name: _field(f"{path}.{name}", entry) for name, entry in described.items()}


def _field(path: str, entry: dict[str, Any]) -> Field:
    required = entry.get("required", False) or path in _additions()["required"]
    read_only = entry.get("read_only", False)
    if path in _additions()["objects"]:
        names = _additions()["objects"][path]
        return Field(path, list_of(object_of(dict.fromkeys(names, ANY), path)), required, read_only)
    if "fields" not in entry:
        return Field(path, _identified(path, _kind(entry["kind"])), required, read_only)
    return Field(
        path,
        ANY,
        required,
        read_only,
        _fields(path, entry["fields"]),
        is_block=not _is_value(path),
        is_keyed=path in _additions()["keyed"],
        is_repeated=path in _additions()["repeated"],
        choices=_choices(path),
    )


def _identified(path: str, kind: Kind) -> Kind:
    """Return the kind of an attribute; ids know their resource."""
    resource, *inner = path.split(".")
    return replace(kind, owner=resource) if inner == ["id"] else owned(kind, inner[-1])


def _kind(text: str) -> Kind:
    """Return the kind that a reference page spells, such as ``Map Of List Of String``."""
    outer, _, inner = text.partition(" Of ")
    return Kind(outer.lower(), _kind(inner)) if inner else _SIMPLE[text]


def _is_value(path: str) -> bool:
    """Tell whether a nested argument is written with ``=``; all below such an argument are, too."""
    if path.endswith(".timeouts"):
        return path.startswith("yandex_mdb_redis_cluster_v2.")
    listed = _additions()["values"]
    return f"{path.partition('.')[0]}.*" in listed or any(
        path == each or path.startswith(f"{each}.") for each in listed
    )


def _choices(path: str) -> tuple[str, ...]:
    return tuple(_additions()["exactly_one"].get(path, ()))


@functools.lru_cache
def _additions() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "additions.json").read_text())
    return found
