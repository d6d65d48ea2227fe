"""Names that an expression may use, and where the problems in it go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from infra.terraform.check.kinds import Kind
from infra.terraform.check.problems import Problems


@dataclass(frozen=True)
class Scope:
    """Names that an expression may use.

    Attributes:
        names: Function that returns the kind behind a name; None if nothing has that name.
        problems: Where problems go.
        path: File of the expression.
        folder: Folder of the module, for the paths of templates.
        files: Texts of all files.
        bound: Kinds of the names that loops bind.
    """

    names: Callable[[str], Kind | None]
    problems: Problems
    path: str
    folder: str
    files: Mapping[str, str]
    bound: Mapping[str, Kind] = field(default_factory=dict)

    def kind_of(self, name: str) -> Kind | None:
        """Return the kind behind a name."""
        return self.bound[name] if name in self.bound else self.names(name)

    def with_names(self, bound: Mapping[str, Kind]) -> "Scope":
        """Return this scope with further names."""
        return replace(self, bound={**self.bound, **bound})

    def alone_with(self, bound: Mapping[str, Kind], path: str) -> "Scope":
        """Return the scope of a template's file: it knows what it is given, and nothing else."""
        return replace(self, names=lambda _: None, bound=bound, path=path)

    def report(self, line: int, text: str) -> None:
        """Report a problem in the file of this scope."""
        self.problems.add(self.path, line, text)
