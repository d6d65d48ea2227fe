"""From labels to blocks: a cohort, the events of one day, counts when its labels have had time to arrive.

Frauds are reported sooner than honest payments are confirmed. Early labels wait for their cohort to mature, because
counting them at once would bias the rate. A transaction counts once, with its latest label at that time. A decision
with an incomplete history never counts.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from antifraud.clock import day_of
from serving.store.keys import NUMBER_BYTES, integer_of, key_of, key_of_id
from serving.store.lmdb import View
from serving.store.records import Label, LabelStatus, pack, unpack_decision, unpack_label

CURSOR: Final = "guard_label_cursor"


class PendingLabel(msgspec.Struct, frozen=True, array_like=True):
    """A label that waits for its cohort to mature, with what the guard needs of the decision."""

    transaction_id: str
    status: LabelStatus
    learned_at: int
    release: str
    epoch: int
    flagged: bool
    day: int
    terminal: str


@dataclass(frozen=True, slots=True)
class ClosedBlocks:
    """Blocks that were closed, and how many pending labels they have used up."""

    blocks: "list[Block]"
    labels: int


@dataclass(frozen=True, slots=True)
class Block:
    """Legitimate rows of one terminal and day, decided by one release in one epoch of the switch."""

    release: str
    epoch: int
    day: int
    terminal: str
    legit: int
    flagged: int


_unpack = msgspec.msgpack.Decoder(PendingLabel).decode


def take_in_labels(view: View, limit: int) -> int:
    """Make up to `limit` new labels pending, and return how many there were."""
    start = view.number(CURSOR) + 1
    arrived = list(itertools.islice(view.items("labels", key_of(start)), limit))
    for _, text in arrived:
        _put_pending(view, unpack_label(text))
    if arrived:
        view.set_number(CURSOR, integer_of(arrived[-1][0]))
    return len(arrived)


def _put_pending(view: View, label: Label) -> None:
    transaction = key_of_id(label.transaction_id)
    stored = view.get("decisions", transaction)
    # A transaction counts once: what is learnt after it has counted changes nothing.
    if stored is None or view.get("judged", transaction) is not None:
        return
    decision = unpack_decision(stored)
    # Its score is that of a vector with gaps, which say how late the event came and nothing about the release.
    if not decision.history_complete:
        return
    day = day_of(decision.event_time)
    # The day comes first, so that matured labels lie at the beginning.
    key = key_of(day) + decision.terminal.encode() + transaction
    # Clients may send labels out of order: the one that was learnt last wins.
    earlier = view.get("pending", key)
    if earlier is not None and _unpack(earlier).learned_at > label.learned_at:
        return
    waiting = PendingLabel(
        label.transaction_id, label.status, label.learned_at, decision.release, decision.epoch, decision.flagged, day,
        decision.terminal,
    )  # fmt: skip
    view.put("pending", key, pack(waiting))


def close_blocks(view: View, last_matured_day: int, limit: int) -> ClosedBlocks:
    """Take up to `limit` pending labels of matured days, oldest day first, and make blocks of them."""
    rows: Counter[tuple[int, str, str, int]] = Counter()
    flagged: Counter[tuple[int, str, str, int]] = Counter()
    taken = list(itertools.islice(_read_matured(view, last_matured_day), limit))
    for key, waiting in taken:
        view.delete("pending", key)
        if waiting.status == "unknown":  # a later label of this transaction may still count
            continue
        view.put("judged", key_of_id(waiting.transaction_id), b"")
        if waiting.status == "legitimate":
            block = (waiting.day, waiting.terminal, waiting.release, waiting.epoch)
            rows[block] += 1
            flagged[block] += waiting.flagged
    blocks = [
        Block(release, epoch, day, terminal, legit, flagged[day, terminal, release, epoch])
        for (day, terminal, release, epoch), legit in rows.items()
    ]
    return ClosedBlocks(blocks, len(taken))


def _read_matured(view: View, last_matured_day: int) -> Iterator[tuple[bytes, PendingLabel]]:
    for key, text in view.items("pending"):
        if integer_of(key[:NUMBER_BYTES]) > last_matured_day:
            return
        yield key, _unpack(text)
