"""Plain counters that the simulation keeps itself, of what clients were told and have said.

They share nothing with the guard's counting: everything is kept, and counted at the end, decision by decision.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from antifraud.clock import DAY_SECONDS
from bench.switch.simulator.world import Word
from serving.store.records import Decision

CELLS: Final = ("legit_flagged", "legit_passed", "fraud_flagged", "fraud_passed")


class Cell(NamedTuple):
    """A day, the era in which its decisions were made, and their release."""

    day: int
    era: int
    release: str


class Heard(NamedTuple):
    """A label that the store has taken, and when."""

    word: Word
    received_at: int


Counts = dict[str, float]


@dataclass
class Ledger:
    """The answers to payments, and the labels, by the name of the payment."""

    answers: dict[str, Decision] = field(default_factory=dict)
    labels: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))

    def count(self, delay: int, eras: Sequence[int]) -> dict[Cell, tuple[Counts, Counts]]:
        """Return the counts of every cell: as they were when the day closed, and as they are now."""
        counts: dict[Cell, tuple[Counts, Counts]] = defaultdict(lambda: (defaultdict(float), defaultdict(float)))
        for name, answer in self.answers.items():
            if not answer.history_complete:
                continue
            day, epoch = answer.event_time // DAY_SECONDS, answer.context.epoch
            era = max(start for start in eras if start <= epoch)
            timely, latest = counts[Cell(day, era, answer.context.release)]
            closes = (day + delay + 1) * DAY_SECONDS
            heard = self.labels.get(name, [])
            _add(latest, answer, heard)
            if answer.decided_at < closes:
                _add(timely, answer, [each for each in heard if each.received_at < closes])
        return counts


def _add(counts: Counts, answer: Decision, heard: Iterable[Heard]) -> None:
    is_flagged = answer.score is not None and answer.score > answer.context.threshold
    counts["decided"] += 1
    counts["flagged"] += is_flagged
    last = max((each.word for each in heard), key=lambda word: word.learned_at, default=None)
    if last is not None and last.status != "unknown":
        kind = "legit" if last.status == "legitimate" else "fraud"
        counts[f"{kind}_{'flagged' if is_flagged else 'passed'}"] += 1 / last.propensity
