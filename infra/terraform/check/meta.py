"""Check what Terraform itself allows in resources and module calls: loops, dependencies, life cycles."""

from collections.abc import Iterator, Mapping
from typing import Final

from infra.terraform.check.arguments import given_names, report_repeated
from infra.terraform.check.expressions import infer
from infra.terraform.check.kinds import ANY, NUMBER, STRING, Kind, element_of, list_of, map_of, misfits, object_of
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Attribute, Block

LOOPS: Final = ("count", "for_each")
REFERENCES: Final = ("get_attr_expr_term", "index_expr_term")
LIFECYCLE: Final = (
    "create_before_destroy",
    "ignore_changes",
    "postcondition",
    "precondition",
    "prevent_destroy",
    "replace_triggered_by",
)
OF_RESOURCES: Final = dict.fromkeys((*LOOPS, "depends_on", "provider", "lifecycle"), ANY)
OF_MODULES: Final = dict.fromkeys((*LOOPS, "depends_on", "providers", "source", "version"), ANY)


def instances_of(block: Block, one: Kind, scope: Scope) -> Kind:
    """Return the kind of everything that a block makes: one, a list of them, or a map of them by key."""
    if block.body.attribute("count"):
        return list_of(one)
    over = block.body.attribute("for_each")
    if over is None:
        return one
    entries = _entries(infer(over.value, scope))
    return map_of(one) if entries is None else object_of(dict.fromkeys(entries, one), one.what)


def _entries(kind: Kind) -> Mapping[str, Kind] | None:
    """Return what a loop goes over, by key; None if the keys are not spelled out."""
    if kind.name == "object":
        return kind.fields
    names = [item.text for item in kind.items]
    return None if None in names or not names else {item.text or "": item for item in kind.items}


def looped(block: Block, scope: Scope) -> Iterator[Scope]:
    """Yield the scope inside a block; in a loop over a map that is spelled out, one for each entry."""
    over = block.body.attribute("for_each")
    if over:
        kind = infer(over.value, scope)
        if kind.name not in {"any", "map", "object", "set"}:
            scope.report(over.line, f"for_each is a {kind}, but a map or a set was expected")
        entries = [(Kind("string", text=name), entry) for name, entry in (_entries(kind) or {}).items()]
        for key, entry in entries or [(STRING, element_of(kind))]:
            yield scope.with_names({"each": object_of({"key": key, "value": entry}, "each")})
    elif block.body.attribute("count"):
        yield scope.with_names({"count": object_of({"index": NUMBER}, "count")})
    else:
        yield scope


def check_meta(block: Block, scope: Scope) -> None:
    """Check the arguments that every resource and every module call may have."""
    if all(block.body.attribute(name) for name in LOOPS):
        scope.report(block.line, "count and for_each exclude each other")
    count = block.body.attribute("count")
    if count:
        for text in misfits(infer(count.value, scope), NUMBER, "count"):
            scope.report(count.line, text)
    depends = block.body.attribute("depends_on")
    if depends:
        infer(depends.value, scope)
        items = depends.value.nodes[0].nodes
        if any(each.nodes[0].data not in REFERENCES for each in items):
            scope.report(depends.line, "depends_on is a list of references")
    if len(block.body.of_kind("lifecycle")) > 1:
        scope.report(block.line, "lifecycle may be there once only")
    for lifecycle in block.body.of_kind("lifecycle"):
        _check_lifecycle(lifecycle, block, scope)


def _check_lifecycle(lifecycle: Block, block: Block, scope: Scope) -> None:
    report_repeated(lifecycle.body, scope)
    for name in given_names(lifecycle.body):
        if name not in LIFECYCLE:
            scope.report(lifecycle.line, f"lifecycle has no {name}")
    for attribute in lifecycle.body.attributes:
        if attribute.name == "ignore_changes":
            _check_ignored(attribute, block, scope)
        else:
            infer(attribute.value, scope)


def _check_ignored(attribute: Attribute, block: Block, scope: Scope) -> None:
    given = set(given_names(block.body))
    for entry in attribute.value.nodes[0].nodes:
        name = entry.word.partition("[")[0].partition(".")[0]
        if name not in given:
            scope.report(attribute.line, f"ignore_changes names {name}, which the block does not give")
