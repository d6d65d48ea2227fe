"""Read values that Terraform files spell out, for the documents that are generated from them."""

from collections.abc import Iterator
from typing import Any

from infra.terraform.check.expressions import literal_key
from infra.terraform.check.project import Project
from infra.terraform.check.syntax import Node


def literal(node: Node) -> Any:
    """Return the value of an expression without references.

    Raises:
        ValueError: The expression refers to something, or computes.
    """
    if node.data == "expr_term" and len(node.parts) == 1:
        return literal(node.nodes[0])
    if node.data == "object":
        return {literal_key(each.nodes[0]): literal(each.nodes[1]) for each in node.nodes}
    if node.data == "tuple":
        return [literal(each) for each in node.nodes]
    if node.data == "string" and not any(part.nodes for part in node.nodes):
        return node.word
    if node.data in {"int_lit", "float_lit"}:
        return float(node.word) if node.data == "float_lit" else int(node.word)
    if node.data == "literal_value":
        return {"true": True, "false": False, "null": None}[node.word]
    raise ValueError(f"{node.spelled} is no literal: write the value itself in line {node.line}")


def local_value(project: Project, folder: str, name: str) -> Any:
    """Return a local value of a module, which has to be spelled out."""
    return literal(next(each.value for each in project.modules[folder].local_attributes() if each.name == name))


def local_texts(project: Project, folder: str, name: str) -> dict[str, str]:
    """Return the expressions of the fields that a local object, or a merge of some, spells out; without spaces."""
    found = next(each.value for each in project.modules[folder].local_attributes() if each.name == name)
    return {literal_key(each.nodes[0]) or "": each.nodes[1].spelled for each in _elements(found)}


def _elements(node: Node) -> Iterator[Node]:
    if node.data == "object":
        yield from node.nodes
    else:
        for inner in node.nodes:
            yield from _elements(inner)
