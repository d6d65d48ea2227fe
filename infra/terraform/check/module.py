"""A module: a folder of Terraform files, with the names that it declares."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.terraform.check.expressions import infer
from infra.terraform.check.identities import owned
from infra.terraform.check.kinds import ANY, STRING, Kind, object_of
from infra.terraform.check.meta import instances_of
from infra.terraform.check.problems import Problems
from infra.terraform.check.schema import resources
from infra.terraform.check.scope import Scope
from infra.terraform.check.syntax import Attribute, Block, Body, Node, expressions
from infra.terraform.check.types import declared_kind

PATH: Final = object_of(dict.fromkeys(("module", "root", "cwd"), STRING), "path")
TERRAFORM: Final = object_of({"workspace": STRING}, "terraform")
USE: Final = re.compile(r"\b(var|local)\.([\w-]+)")


@dataclass
class Module:
    """A folder of Terraform files.

    Attributes:
        folder: Its path, relative to the folder of all Terraform files.
        bodies: Parsed files, by path.
        files: Texts of all files of the project.
        problems: Where problems go.
        called: Function that returns the outputs of the module at a path; None if there is none.
    """

    folder: str
    bodies: Mapping[str, Body]
    files: Mapping[str, str]
    problems: Problems
    called: Callable[[str], Kind | None]
    _locals: dict[str, Kind] = field(default_factory=dict)
    _roots: dict[str, Kind | None] = field(default_factory=dict)
    _variables: Kind | None = None

    def blocks(self, *kinds: str) -> Iterator[Block]:
        """Yield the blocks of some kinds, over all files."""
        for body in self.bodies.values():
            yield from body.of_kind(*kinds)

    def scope(self, path: str) -> Scope:
        """Return the scope of a file's expressions."""
        return Scope(self._root, self.problems, path, self.folder, self.files)

    def _root(self, name: str) -> Kind | None:
        """Return the kind behind the first word of a reference."""
        if name == "local":
            return self._local_values()
        if name not in self._roots:
            self._roots[name] = None  # A local value that refers to itself finds nothing.
            self._roots[name] = self._made_root(name)
        return self._roots[name]

    def _made_root(self, name: str) -> Kind | None:
        made: dict[str, Callable[[], Kind]] = {
            "var": self.variables,
            "module": self._modules,
            "data": self._data,
            "path": lambda: PATH,
            "terraform": lambda: TERRAFORM,
        }
        if name in made:
            return made[name]()
        found = [block for block in self.blocks("resource") if block.labels[:1] == (name,)]
        return self._named(found, name) if found else None

    def variables(self) -> Kind:
        """Return the kind of ``var``; variables without a default are required."""
        if self._variables is None:
            found = {block.name: block for block in self.blocks("variable")}
            required = frozenset(name for name, block in found.items() if not block.body.attribute("default"))
            self._variables = object_of(
                {name: self._variable(block) for name, block in found.items()}, f"var of {self.folder}", required
            )
        return self._variables

    def _variable(self, block: Block) -> Kind:
        declared = block.body.attribute("type")
        if declared is None:
            return ANY
        return owned(declared_kind(declared.value, self.scope(block.path), f"var.{block.name}"), block.name)

    def local_attributes(self) -> Iterator[Attribute]:
        """Yield every local value."""
        for block in self.blocks("locals"):
            yield from block.body.attributes

    def _local_values(self) -> Kind:
        return object_of(
            _Values(self, {each.name: each for each in self.local_attributes()}), f"local of {self.folder}"
        )

    def local_kind(self, attribute: Attribute) -> Kind:
        """Return the kind of a local value."""
        if attribute.name not in self._locals:
            self._locals[attribute.name] = ANY
            self._locals[attribute.name] = infer(attribute.value, self.scope(attribute.path))
        return self._locals[attribute.name]

    def _modules(self) -> Kind:
        made = {}
        for block in self.blocks("module"):
            outputs = self.called(self.source_of(block) or "")
            made[block.name] = instances_of(block, outputs or ANY, self.scope(block.path))
        return object_of(made, f"module of {self.folder}")

    def source_of(self, block: Block) -> str | None:
        """Return the folder that a module call names; None if it names none inside the project."""
        source = block.body.attribute("source")
        text = infer(source.value, self.scope(block.path)).text if source else None
        return resolve(self.folder, text) if text and text.startswith(".") else None

    def _data(self) -> Kind:
        types = {block.labels[0] for block in self.blocks("data") if block.labels}
        return object_of(
            {name: self._named([b for b in self.blocks("data") if b.labels[0] == name], name) for name in types}, "data"
        )

    def _named(self, blocks: list[Block], kind: str) -> Kind:
        described = resources().get(kind)
        made = {}
        for block in blocks:
            visible = described.visible.element if described else None
            one = object_of(visible.fields, f"{kind}.{block.name}") if visible else ANY
            made[block.name] = instances_of(block, one, self.scope(block.path))
        return object_of(made, kind)

    def outputs(self) -> Kind:
        """Return the kind of what a caller reads from this module."""
        made = {}
        for block in self.blocks("output"):
            value = block.body.attribute("value")
            made[block.name] = infer(value.value, self.scope(block.path)) if value else ANY
        return object_of(made, f"module {self.folder}")

    def used(self) -> set[tuple[str, str]]:
        """Return the variables and local values that expressions mention."""
        return {use for body in self.bodies.values() for each in expressions(body) for use in _uses(each.value)}


def _uses(node: Node) -> Iterator[tuple[str, str]]:
    if node.data == "get_attr_expr_term" and node.nodes[0].word in {"var", "local"}:
        yield node.nodes[0].word, node.nodes[1].nodes[0].word
    elif node.data.startswith("heredoc"):
        yield from USE.findall(node.word)
    for child in node.nodes:
        yield from _uses(child)


class _Values(Mapping[str, Kind]):
    """Kinds of local values, found when they are asked for: local values may refer to each other in any order."""

    def __init__(self, module: Module, attributes: Mapping[str, Attribute]) -> None:
        self._module = module
        self._attributes = attributes

    def __getitem__(self, name: str) -> Kind:
        return self._module.local_kind(self._attributes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)


def resolve(folder: str, source: str) -> str:
    """Return the folder that a relative source means.

    >>> resolve("envs/prototype", "../../modules/platform")
    'modules/platform'
    """
    parts = [*folder.split("/"), *source.split("/")]
    found: list[str] = []
    for part in parts:
        if part == "..":
            found = found[:-1]
        elif part not in {"", "."}:
            found.append(part)
    return "/".join(found)
