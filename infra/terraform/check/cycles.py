"""Find what depends on itself: Terraform refuses circles of resources, values and modules."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.terraform.check.meta import OF_MODULES
from infra.terraform.check.module import Module
from infra.terraform.check.syntax import Attribute, Node, expressions

Place = tuple[str, ...]
"""The module calls on the way to something, and its own name, such as ``("module.network", "var.clients")``."""
ALL: Final = "all"
CALL: Final = "call"
OWN: Final = re.compile(r"((?:var|local|\w+_\w+)\.[\w-]+)")
OF_CALL: Final = re.compile(r"(module\.[\w-]+)(?:\[[^\]]*\])?(?:\.([\w-]+))?")


@dataclass
class Graph:
    """Everything in an environment, and the things that each of them needs.

    Attributes:
        modules: All modules, by folder.
        needs: Places that a place refers to.
        lines: File and line of each place.
    """

    modules: Mapping[str, Module]
    needs: dict[Place, set[Place]] = field(default_factory=dict)
    lines: dict[Place, tuple[str, int]] = field(default_factory=dict)

    def add(self, folder: str, call: Place = (), above: tuple[str, ...] = ()) -> None:
        """Add everything in a module and in the modules that it calls, unless one of them is above."""
        module = self.modules.get(folder)
        if module is None or folder in above:
            return
        for block in module.blocks("resource", "output"):
            name = f"output.{block.name}" if block.kind == "output" else ".".join(block.labels)
            place = (*call, name)
            self._need(place, {(*call, CALL)}, block.path, block.line)
            self.needs.setdefault((*call, ALL), set()).add(place)
            for attribute in expressions(block.body):
                self._need(place, _refers(attribute.value, call), block.path, block.line)
        for attribute in module.local_attributes():
            self._give((*call, f"local.{attribute.name}"), attribute, call)
        for block in module.blocks("module"):
            inside = (*call, f"module.{block.name}")
            self._need((*inside, CALL), {(*call, CALL)}, block.path, block.line)
            self.needs.setdefault((*call, ALL), set()).add((*inside, ALL))
            for attribute in block.body.attributes:
                self._give(
                    (*inside, CALL if attribute.name in OF_MODULES else f"var.{attribute.name}"), attribute, call
                )
            self.add(module.source_of(block) or "", inside, (*above, folder))

    def _give(self, place: Place, attribute: Attribute, call: Place) -> None:
        self._need(place, _refers(attribute.value, call), attribute.path, attribute.line)

    def _need(self, place: Place, others: set[Place], path: str, line: int) -> None:
        self.needs.setdefault(place, set()).update(others)
        self.lines.setdefault(place, (path, line))

    def circle(self) -> list[Place]:
        """Return the places of a circle, each of which needs the next; none if there is no circle."""
        done: set[Place] = set()
        for place in self.needs:
            if found := self._circle_from(place, [], done):
                return found
        return []

    def _circle_from(self, place: Place, way: list[Place], done: set[Place]) -> list[Place]:
        if place in way:
            return way[way.index(place) :]
        if place not in done:
            for other in sorted(self.needs.get(place, ())):
                if found := self._circle_from(other, [*way, place], done):
                    return found
            done.add(place)
        return []


def report_circles(modules: Mapping[str, Module], folder: str) -> None:
    """Report modules that call each other, and a circle among everything that a module makes."""
    module = modules[folder]
    if way := _calls_itself(modules, folder, ()):
        _report(module, next(iter(module.bodies)), 1, f"modules call each other: {' -> '.join(way)}")
        return
    graph = Graph(modules)
    graph.add(folder)
    if found := graph.circle():
        path, line = next(
            (graph.lines[place] for place in found if place in graph.lines), (next(iter(module.bodies)), 1)
        )
        _report(module, path, line, f"depends on itself: {' -> '.join('.'.join(each) for each in [*found, found[0]])}")


def _calls_itself(modules: Mapping[str, Module], folder: str, above: tuple[str, ...]) -> tuple[str, ...]:
    way = (*above, folder)
    if folder in above:
        return way
    module = modules.get(folder)
    called = [module.source_of(block) or "" for block in module.blocks("module")] if module else []
    return next((found for each in called if (found := _calls_itself(modules, each, way))), ())


def _report(module: Module, path: str, line: int, text: str) -> None:
    module.problems.add(path, line, text)


def _refers(node: Node, call: Place) -> set[Place]:
    return set(_places(node, call))


def _places(node: Node, call: Place) -> Iterator[Place]:
    """Yield the places that an expression names."""
    if node.data == "get_attr_expr_term":
        if found := OF_CALL.match(node.word):
            yield (*call, found[1], f"output.{found[2]}" if found[2] else ALL)
            return
        if found := OWN.match(node.word):
            yield (*call, found[1])
    for child in node.nodes:
        yield from _places(child, call)
