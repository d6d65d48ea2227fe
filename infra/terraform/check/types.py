"""Read the types that variables are declared with."""

from typing import Final

from infra.terraform.check.expressions import literal_key
from infra.terraform.check.kinds import ANY, BOOL, NUMBER, STRING, Kind, list_of, object_of
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Node

_NAMED: Final = {"string": STRING, "number": NUMBER, "bool": BOOL, "any": ANY}
_HOLDING: Final = ("list", "set", "map")


def declared_kind(node: Node, scope: Scope, what: str) -> Kind:
    """Return the kind that a type expression means."""
    if node.data == "expr_term":
        return declared_kind(node.nodes[0], scope, what)
    if node.data == "identifier" and node.word in _NAMED:
        return _NAMED[node.word]
    if node.data == "function_call":
        return _constructed(node, scope, what)
    scope.report(node.line, f"{what} has no type that Terraform knows")
    return ANY


def _constructed(node: Node, scope: Scope, what: str) -> Kind:
    name, arguments = node.nodes
    inner = arguments.nodes
    if name.word in _HOLDING and len(inner) == 1:
        return Kind(name.word, declared_kind(inner[0], scope, what))
    if name.word == "tuple":
        return list_of(ANY)
    if name.word == "object" and len(inner) == 1:
        return _object(inner[0].nodes[0], scope, what)
    scope.report(node.line, f"{what} has no type that Terraform knows")
    return ANY


def _object(node: Node, scope: Scope, what: str) -> Kind:
    fields, required = {}, set()
    for element in node.nodes:
        key, value = element.nodes
        name = literal_key(key) or ""
        optional = _optional(value)
        fields[name] = declared_kind(optional or value, scope, f"{what}.{name}")
        if optional is None:
            required.add(name)
    return object_of(fields, what, frozenset(required))


def _optional(node: Node) -> Node | None:
    """Return the type inside ``optional(type, default)``; None if the field is not optional."""
    inner = node.nodes[0] if node.data == "expr_term" else node
    if inner.data == "function_call" and inner.nodes[0].word == "optional":
        return inner.nodes[1].nodes[0]
    return None
