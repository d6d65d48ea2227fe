"""What a person sees while the run goes on: every line with the time since the start, every part with its duration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def clock_face(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock_face(83.6)
    '1:24'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@dataclass
class Progress:
    """Prints lines and remembers how long each part took."""

    started: float = field(default_factory=time.monotonic)
    parts: dict[str, float] = field(default_factory=dict)
    """Seconds by title, in the order in which the parts ended."""

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def say(self, text: str) -> None:
        """One line, at once."""
        print(f"[{clock_face(self.elapsed()):>5}] {text}", flush=True)

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Announce a part, and how long it took when it ends well."""
        self.say(f"== {title}")
        began = self.elapsed()
        yield
        self.parts[title] = round(self.elapsed() - began, 1)
        self.say(f"   done in {self.parts[title]:.1f} s")
