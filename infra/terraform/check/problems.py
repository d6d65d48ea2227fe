"""A problem in a Terraform file, and the list that collects problems while files are read."""

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Problem:
    """Something that Terraform or the cloud would refuse.

    Attributes:
        path: File, relative to the folder of all Terraform files.
        line: Line in the file.
        text: What was found, and what was expected.
    """

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        """Spell file, line and text in one line."""
        return f"{self.path}:{self.line}: {self.text}"


@dataclass
class Problems:
    """Problems found so far, without repetitions."""

    found: set[Problem] = field(default_factory=set)

    def add(self, path: str, line: int, text: str) -> None:
        """Add a problem."""
        self.found.add(Problem(path, line, text))
