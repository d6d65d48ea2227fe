"""Print the progress of a run: each line with the time since the start, each part with its duration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def clock_face(seconds: float) -> str:
    """Return minutes and seconds.

    >>> clock_face(83.6)
    '1:24'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@dataclass
class Progress:
    """Printed lines, and the duration of each part."""

    started: float = field(default_factory=time.monotonic)
    parts: dict[str, float] = field(default_factory=dict)
    """Durations in seconds by title, in the order in which the parts ended."""

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        """Print one line immediately."""
        print(f"[{clock_face(self.elapsed()):>5}] {text}", flush=True)

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Print the title of a part, and its duration if it succeeds."""
        self.say(f"== {title}")
        began = self.elapsed()
        yield
        self.parts[title] = round(self.elapsed() - began, 1)
        self.say(f"   done in {self.parts[title]:.1f} s")
