"""Parse Terraform files into blocks and attributes; expressions stay trees of the parser."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import hcl2
from lark import Token, Tree
from lark.exceptions import LarkError, UnexpectedInput

BLANK: Final = "new_line_or_comment"


@dataclass(frozen=True, eq=False)
class Node:
    """A node of the parser's tree, without blank lines and comments.

    Attributes:
        data: Rule of the grammar.
        parts: Nodes and words below this one, in their order.
        nodes: The nodes among them.
        line: Line on which it begins.
    """

    data: str
    parts: "tuple[Node | str, ...]"
    nodes: "tuple[Node, ...]"
    line: int

    @functools.cached_property
    def word(self) -> str:
        """Return the words below this node in one; of a string, without its quotation marks."""
        text = "".join(part if isinstance(part, str) else part.spelled for part in self.parts)
        return text[1:-1] if self.data == "string" else text

    @functools.cached_property
    def spelled(self) -> str:
        """Return the words below this node in one."""
        return f'"{self.word}"' if self.data == "string" else self.word


class SyntaxProblem(Exception):
    """A file is no HCL.

    Attributes:
        line: Line at which the parser gave up.
    """

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True)
class Attribute:
    """A name and an expression."""

    name: str
    line: int
    value: Node
    path: str


@dataclass(frozen=True)
class Body:
    """Attributes and blocks between braces, or in a whole file."""

    attributes: tuple[Attribute, ...] = ()
    blocks: "tuple[Block, ...]" = ()

    def attribute(self, name: str) -> Attribute | None:
        """Return the first attribute of a name."""
        return next((each for each in self.attributes if each.name == name), None)

    def of_kind(self, *kinds: str) -> "tuple[Block, ...]":
        """Return the blocks of some kinds."""
        return tuple(each for each in self.blocks if each.kind in kinds)


@dataclass(frozen=True)
class Block:
    """A block: its kind, its labels, and what it holds."""

    kind: str
    labels: tuple[str, ...]
    line: int
    body: Body
    path: str

    @property
    def name(self) -> str:
        """Return the last label."""
        return self.labels[-1] if self.labels else ""


def _node(tree: Tree[Token]) -> Node:
    """Return a tree of the parser as nodes, which know their words without another walk."""
    parts = tuple(
        _node(child) if isinstance(child, Tree) else str(child) if tree.data == "string_part" else str(child).strip()
        for child in tree.children
        if not (isinstance(child, Tree) and child.data == BLANK)
    )
    nodes = tuple(part for part in parts if isinstance(part, Node))
    return Node(str(tree.data), parts, nodes, getattr(tree.meta, "line", 1))


@functools.lru_cache(maxsize=1024)
def parse(path: str, text: str) -> Body:
    """Parse the text of a file.

    Raises:
        SyntaxProblem: The text is no HCL.
    """
    try:
        return _body(path, _node(hcl2.parses_to_tree(text)).nodes[0])
    except UnexpectedInput as error:
        raise SyntaxProblem(error.line, f"no HCL at column {error.column}") from None
    except LarkError as error:
        raise SyntaxProblem(1, f"no HCL: {str(error).splitlines()[0]}") from None


@functools.lru_cache(maxsize=4096)
def parse_expression(text: str) -> Node:
    """Parse an expression that stands in a template."""
    try:
        return _body("", _node(hcl2.parses_to_tree(f"x = {text}")).nodes[0]).attributes[0].value
    except LarkError:
        raise SyntaxProblem(1, f"no expression: {text}") from None


def _body(path: str, node: Node) -> Body:
    return Body(
        tuple(_attribute(path, part) for part in node.nodes if part.data == "attribute"),
        tuple(_block(path, part) for part in node.nodes if part.data == "block"),
    )


def _attribute(path: str, node: Node) -> Attribute:
    return Attribute(node.nodes[0].word, node.line, node.nodes[-1], path)


def _block(path: str, node: Node) -> Block:
    *head, body = node.nodes
    return Block(head[0].word, tuple(each.word for each in head[1:]), node.line, _body(path, body), path)


def expressions(body: Body) -> Iterator[Attribute]:
    """Yield every attribute of a body and of the blocks inside it."""
    yield from body.attributes
    for block in body.blocks:
        yield from expressions(block.body)
