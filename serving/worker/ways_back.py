"""The releases that the guard may go back to, as a worker follows them in the standing judgement."""

from pathlib import Path

from antifraud.artifacts.judgement import JUDGEMENT, read_judgement
from antifraud.files import FileIdentity, identify


class WaysBack:
    """The releases that pass in the standing judgement; its file is read when it has changed."""

    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._seen: FileIdentity | None = None
        self._passing: list[str] = []

    def passing(self) -> list[str]:
        """Return the releases that pass; none while the judgement is missing or damaged, as the guard sees it, too."""
        # Identified before it is read: a change in between is seen by the next call.
        seen = identify(self._releases / JUDGEMENT)
        if seen != self._seen:
            self._seen = seen
            judgement = read_judgement(self._releases).judgement
            self._passing = [each.release for each in judgement.releases if each.passes] if judgement else []
        return self._passing
