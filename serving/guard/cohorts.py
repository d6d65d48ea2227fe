"""From matured labels to blocks: the legitimate transactions of one terminal and day, decided by one release."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from serving.store.port import BlockKey, WaitingLabel


@dataclass(frozen=True, slots=True)
class Block:
    """Legitimate rows of one terminal and day, decided by one release in one epoch of the switch."""

    release: str
    epoch: int
    day: int
    terminal: str
    legit: int
    flagged: int

    @property
    def key(self) -> BlockKey:
        """The key of its counts in the store."""
        return self.day, self.epoch, self.release, self.terminal


def known(labels: Sequence[WaitingLabel]) -> list[WaitingLabel]:
    """Return the labels that count; after an unknown one, a later label of the transaction may still count."""
    return [label for label in labels if label.status != "unknown"]


def make_blocks(labels: Sequence[WaitingLabel]) -> list[Block]:
    """Return the blocks of matured labels, in the order of the labels."""
    rows: Counter[BlockKey] = Counter()
    flagged: Counter[BlockKey] = Counter()
    for label in labels:
        if label.status == "legitimate":
            block = (label.day, label.epoch, label.release, label.terminal)
            rows[block] += 1
            flagged[block] += label.flagged
    return [
        Block(release, epoch, day, terminal, legit, flagged[day, epoch, release, terminal])
        for (day, epoch, release, terminal), legit in rows.items()
    ]
