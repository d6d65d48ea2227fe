"""A round of shipping: append what is new in each stream to its table, then let the store go.

The lake is always ahead of what the store lets go, and a killed shipper finds in each table how far it came. So every
record is in the lake once, and lake and store together have everything.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from antifraud.lake.appending import Progress
from antifraud.lake.errors import LakeBehind, StoreBehind
from antifraud.lake.table_format import Table
from serving.shipper.streams import STREAMS, Record, Stream
from serving.store.port import DecisionStore

HELP = "see docs/runbook.md, Shipper"
ROWS_A_VIEW = 1_000
"""A view that is open for long keeps the store from reusing space."""


class Lake(Protocol):
    """The tables of a lake, to which rows of one source are appended (`antifraud.lake.appending.Appender`)."""

    def progress(self, table: Table) -> Progress | None:
        """Return how far the source has come in a table; None if the table has nothing of it."""

    def append(
        self, table: Table, rows: Sequence[tuple[object, ...]], before: Progress | None, after: Progress
    ) -> None:
        """Append rows, unless the source has come to another place than `before` meanwhile."""


def ship(store: DecisionStore, lake: Lake, rows: int, *, should_stop: Callable[[], bool]) -> dict[str, int]:
    """Ship what is in the store now, up to `rows` rows an append; return the number of shipped rows by table.

    Raises:
        StoreBehind: The store lacks records that the lake has of it.
        LakeBehind: The lake lacks records that the store has let go.
        PublishError: Catalog or storage cannot be used now; the next round goes on where this one has ended.
        StoreError: The store cannot be used.
    """
    # Read from the last stream to the first: labels that come meanwhile are shipped, later decisions are not.
    ends = {stream.table.name: stream.newest(store) for stream in reversed(STREAMS)}
    return {
        stream.table.name: _ship_stream(store, lake, stream, ends[stream.table.name], rows, should_stop)
        for stream in STREAMS
    }


def _ship_stream(
    store: DecisionStore, lake: Lake, stream: Stream, last: int, rows: int, should_stop: Callable[[], bool]
) -> int:
    progress, shipped = lake.progress(stream.table), 0
    _require_same_history(store, stream, progress)
    number = progress.number if progress else stream.let_go(store)
    # A shipper that was killed after an append has not let the store go.
    stream.release(store, number)
    while not should_stop() and (records := _read(store, stream, number + 1, last, rows)):
        number, mark, _ = records[-1]
        after = Progress(number, mark)
        lake.append(stream.table, [record.row for record in records], progress, after)
        stream.release(store, number)
        progress, shipped = after, shipped + len(records)
    return shipped


def _read(store: DecisionStore, stream: Stream, first: int, last: int, rows: int) -> list[Record]:
    """Return up to `rows` records in several short views."""
    records: list[Record] = []
    while len(records) < rows and first <= last:
        more = stream.read(store, first, last, min(ROWS_A_VIEW, rows - len(records)))
        if not more:
            break
        records += more
        first = more[-1].number + 1
    return records


def _require_same_history(store: DecisionStore, stream: Stream, progress: Progress | None) -> None:
    """Refuse a store and a table that tell different histories: one of them was restored from an older copy.

    Raises:
        StoreBehind: The store lacks records that the table has, or has others under their numbers.
        LakeBehind: The table lacks records that the store has let go.
    """
    if progress is None:
        return
    number, name = progress.number, stream.table.name
    if (newest := stream.newest(store)) < number:
        raise StoreBehind(
            f"the lake's {name} have numbers up to {number} of store {store.identity}, and the store ends with "
            f"{newest}: an older copy of it was restored; {HELP}"
        )
    if (let_go := stream.let_go(store)) > number:
        raise LakeBehind(
            f"store {store.identity} has let go of {name} up to {let_go}, and the lake has them up to {number}: the "
            f"table was restored, or is another one; {HELP}"
        )
    if any(record.mark != progress.mark for record in stream.read(store, number, number, 1)):
        raise StoreBehind(
            f"number {number} of the lake's {name} is another record in store {store.identity}: an older copy of it "
            f"was restored, and has gone on; {HELP}"
        )
