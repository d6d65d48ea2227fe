"""Check that values which no state may hold go only where no state keeps them."""

from collections.abc import Iterator
from typing import Final

from infra.terraform.check.module import Module
from infra.terraform.check.syntax import Attribute, Block, Node, expressions

WRITE_ONLY: Final = "_wo"
TRUE: Final = "true"


def check_ephemeral(module: Module) -> None:
    """Report uses of ephemeral variables that Terraform refuses, because the state would keep the value.

    They may go into write-only arguments, and into variables of modules that are ephemeral, too.
    """
    secret = ephemeral_names(module)
    for block in module.blocks("resource", "data", "output", "locals"):
        for attribute in expressions(block.body):
            for key, name in _uses(attribute.name, attribute.value):
                if name in secret and not key.endswith(WRITE_ONLY):
                    _report(module, attribute, f"var.{name} is ephemeral, but the state would keep {key}")


def check_passed(block: Block, module: Module, target: Module) -> None:
    """Report ephemeral variables that a call gives to variables that are not."""
    secret = ephemeral_names(module)
    for attribute in block.body.attributes:
        for _, name in _uses(attribute.name, attribute.value):
            if name in secret and attribute.name not in ephemeral_names(target):
                _report(module, attribute, f"var.{name} is ephemeral, but {target.folder} would keep {attribute.name}")


def ephemeral_names(module: Module) -> set[str]:
    """Return the variables of a module that neither plan nor state hold."""
    found = [(block.name, block.body.attribute("ephemeral")) for block in module.blocks("variable")]
    return {name for name, given in found if given and given.value.spelled == TRUE}


def _uses(key: str, node: Node) -> Iterator[tuple[str, str]]:
    """Yield the variables that an expression mentions, each with the nearest key of an object before it."""
    if node.data == "object_elem":
        key = node.nodes[0].word
    if node.data == "get_attr_expr_term" and node.nodes[0].word == "var":
        yield key, node.nodes[1].nodes[0].word
    for child in node.nodes:
        yield from _uses(key, child)


def _report(module: Module, attribute: Attribute, text: str) -> None:
    module.problems.add(attribute.path, attribute.line, text)
