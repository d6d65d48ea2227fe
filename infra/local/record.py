"""Keep `<home>/run.json`, from which a later run continues where this one ended."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from antifraud.errors import SettingsError
from antifraud.files import replace_file

FILE: Final = "run.json"
LOCK: Final = "run.lock"


@contextmanager
def only_run_of(home: Path) -> Iterator[None]:
    """Keep a second run out of `home`; the lock ends with the process that holds it.

    Raises:
        SettingsError: Another run uses the folder.
    """
    with (home / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"another run uses {home}: stop it with Ctrl-C, or give another --home") from None
        yield


@dataclass
class RunRecord:
    """The world that the folder holds, the ports of its services, and the results of finished parts."""

    path: Path
    world: dict[str, Any]
    ports: dict[str, int] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, home: Path, world: dict[str, Any]) -> Self:
        """Return the record of `home`, or a new one.

        Raises:
            SettingsError: The folder holds another world.
        """
        path = home / FILE
        if not path.is_file():
            return cls(path, world)
        known = json.loads(path.read_text())
        if known["world"] != world:
            raise SettingsError(
                f"{home} holds the world {known['world']}, asked for was {world}: run `make clean-state` or give "
                "another --home"
            )
        return cls(path, world, known["ports"], known["results"])

    def keep(self, name: str, result: Any) -> None:
        """Keep the result of a part on disk."""
        self.results[name] = result
        self.save()

    def save(self) -> None:
        """Write the record by replacing its file atomically."""
        content = {"world": self.world, "ports": self.ports, "results": self.results}
        replace_file(self.path, json.dumps(content, indent=2))
