"""Check the arguments and blocks that a file gives against the fields that may be given there."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from infra.terraform.check.expressions import infer
from infra.terraform.check.kinds import ANY, PRIMITIVES, STRING, Kind, element_of, misfits, object_of
from infra.terraform.check.schema import Field
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Attribute, Block, Body

DYNAMIC: Final = "dynamic"
NULL: Final = "null"
DYNAMIC_FIELDS: Final = ("for_each", "iterator")


def check_body(block: Block, field: Field, scope: Scope, taken: Mapping[str, Kind] | None = None) -> None:
    """Check what a block holds; the names in `taken` were checked elsewhere."""
    fields, known = field.fields or {}, taken or {}
    attributes = [each for each in block.body.attributes if each.name not in known]
    blocks = [each for each in block.body.blocks if each.kind not in known]
    report_repeated(block.body, scope)
    for attribute in attributes:
        check_attribute(attribute, fields.get(attribute.name), scope, field.path)
    for inner in blocks:
        _check_inner(inner, fields, scope, field.path)
    _check_presence(block, field, scope)


def report_repeated(body: Body, scope: Scope) -> None:
    """Report every argument that is given twice."""
    counts = Counter(each.name for each in body.attributes)
    for attribute in body.attributes:
        if counts[attribute.name] > 1:
            scope.report(attribute.line, f"{attribute.name} is given twice")


def check_attribute(attribute: Attribute, field: Field | None, scope: Scope, where: str) -> None:
    """Check an argument: it exists, a file may set it, and its value has the right kind."""
    value = infer(attribute.value, scope)
    if field is None:
        scope.report(attribute.line, f"{where} has no argument {attribute.name}")
    elif field.read_only:
        scope.report(attribute.line, f"{field.path} is set by the provider, not by a file")
    elif field.is_block:
        scope.report(attribute.line, f"{field.path} is a block: write it without =")
    elif field.required and attribute.value.word == NULL:
        scope.report(attribute.line, f"{field.path} is required, so it cannot be null")
    else:
        for text in misfits(value, field.expected, attribute.name):
            scope.report(attribute.line, text)


def _check_inner(inner: Block, fields: Mapping[str, Field], scope: Scope, where: str) -> None:
    if inner.kind == DYNAMIC:
        _check_dynamic(inner, fields, scope, where)
        return
    if inner.labels:
        scope.report(inner.line, f"{inner.kind} takes no label")
    _check_block(inner, fields.get(inner.kind), scope, where)


def _check_block(block: Block, field: Field | None, scope: Scope, where: str) -> None:
    if field is None:
        scope.report(block.line, f"{where} has no block {block.kind}")
    elif field.read_only:
        scope.report(block.line, f"{field.path} is set by the provider, not by a file")
    elif not field.is_block:
        scope.report(block.line, f"{field.path} is no block: write it with =")
    else:
        check_body(block, field, scope)


def _check_dynamic(block: Block, fields: Mapping[str, Field], scope: Scope, where: str) -> None:
    """Check ``dynamic "name" { for_each = ... content { ... } }``."""
    contents = block.body.of_kind("content")
    over = block.body.attribute("for_each")
    if len(block.labels) != 1 or len(contents) != 1 or over is None or len(block.body.blocks) != 1:
        scope.report(block.line, "a dynamic block has one label, for_each and one block content")
    report_repeated(block.body, scope)
    for attribute in block.body.attributes:
        if attribute.name not in DYNAMIC_FIELDS:
            scope.report(attribute.line, f"a dynamic block has no argument {attribute.name}")
    looped = infer(over.value, scope) if over else ANY
    if looped.name in PRIMITIVES:
        scope.report(block.line, f"for_each is a {looped}, but a list, set or map was expected")
    iterator = block.body.attribute("iterator")
    name = iterator.value.nodes[0].word if iterator else block.name
    bound = {name: object_of({"key": STRING, "value": element_of(looped)}, name)}
    for content in contents:
        inner = Block(block.name, content.labels, block.line, content.body, block.path)
        _check_inner(inner, fields, scope.with_names(bound), where)


def given_names(body: Body) -> Iterator[str]:
    """Yield the names of arguments and blocks that a body gives; a dynamic block counts as what it makes."""
    yield from (each.name for each in body.attributes)
    for block in body.blocks:
        yield block.name if block.kind == DYNAMIC else block.kind


def _check_presence(block: Block, field: Field, scope: Scope) -> None:
    """Check that required names are there, that choices are made, and that single blocks are single."""
    fields = field.fields or {}
    given = Counter(given_names(block.body))
    for name, inner in fields.items():
        if inner.required and not given[name]:
            scope.report(block.line, f"{field.path} lacks {name}")
        if inner.is_block and not inner.is_repeated and given[name] > 1:
            scope.report(block.line, f"{inner.path} may be there once only")
    chosen = [name for name in field.choices if given[name]]
    if field.choices and len(chosen) != 1:
        scope.report(block.line, f"{field.path} needs exactly one of {', '.join(field.choices)}")
