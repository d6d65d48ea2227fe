"""Export the decisions of past days, with their labels, to a file for replays and explanations.

    python -m serving.export_log --from 2026-04-01 --to 2026-04-14 --out decisions.npz

The file holds vectors, scores, amounts, labels and transaction ids. Customers and terminals are codes of this file, so
no token leaves the store. Only the file's owner can read it. An existing file is never overwritten.
"""

import argparse
import datetime as dt
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from antifraud.artifacts.decision_log import (
    DECISION_COLUMNS,
    HIT_COLUMNS,
    LABEL_COLUMNS,
    NO_SCORE,
    ROWS_A_PIECE,
    SAID,
    STATUS,
    About,
    LogWriter,
)
from antifraud.clock import DAY_SECONDS, day_number
from antifraud.errors import DataError
from antifraud.exit_codes import returns_exit_code
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.settings.serving import StoreSettings
from serving.store.keys import key_of_id
from serving.store.port import DecisionStore
from serving.store.records import Decision, Entry, Label
from serving.store.store import open_store

VECTOR_BYTES = 8 * len(FEATURE_NAMES)
ROWS_A_VIEW: Final = 1_000
Row = TypeVar("Row")


class Codes(dict[str, int]):
    """Numbers of names: the first name that is looked up gets 0, the next new one 1."""

    def __missing__(self, name: str) -> int:
        """Give a new name the next number."""
        self[name] = len(self)
        return self[name]


def export(store: DecisionStore, first: dt.date, last: dt.date, path: Path, *, now: int, namespace: str = "") -> About:
    """Write the decisions about events of the days `first` to `last`, with their labels at `now`.

    Raises:
        DataError: There are no decisions, they are shipped, the file exists, or a vector has other features.
        StoreError: The store cannot be read.
    """
    times = range(day_number(first) * DAY_SECONDS, (day_number(last) + 1) * DAY_SECONDS)
    _require_unshipped(store, first, times.start)
    # Both ends are read first: what arrives during the export is left out of it.
    arrivals, newest_label = _find_arrivals(store, namespace, times), store.newest_label()
    if not arrivals:
        raise DataError(f"the store holds no decision about {first} to {last}: name other days")
    with LogWriter(path) as writer:
        releases, rules = _write_decisions(store, writer, arrivals)
        sources, labels = _write_labels(store, writer, set(arrivals), newest_label)
        made_of = feature_set_hash(), len(FEATURE_NAMES)
        about = About(str(first), str(last), now, *made_of, len(arrivals), labels, releases, sources, rules)
        writer.finish(about)
    return about


def _require_unshipped(store: DecisionStore, first: dt.date, start: int) -> None:
    shipped = store.shipped()
    if shipped.arrival and shipped.event_time >= start:
        raise DataError(
            f"decisions about {first} may be among the first {shipped.arrival}, which are shipped: "
            "take them from where they were shipped to, or name later days"
        )


def _find_arrivals(store: DecisionStore, namespace: str, times: range) -> list[int]:
    """Return the arrival numbers of the decisions to export, in the order of their ids."""
    found = [
        (key_of_id(entry.transaction_id), decision.arrival)
        for entry, decision in _read_entries(store)
        if decision.event_time in times and entry.namespace == namespace
    ]
    return [arrival for _, arrival in sorted(found)]


def _read_entries(store: DecisionStore) -> Iterator[tuple[Entry, Decision]]:
    # In pieces, because a view that is open for long keeps the store from reusing space.
    newest, after = store.newest_arrival(), store.shipped().arrival
    while rows := store.entries(after + 1, newest, ROWS_A_VIEW):
        yield from rows
        after = rows[-1][1].arrival


def _write_decisions(store: DecisionStore, writer: LogWriter, arrivals: Sequence[int]) -> tuple[list[str], list[str]]:
    """Write decisions and their hits; return the names of the releases and of the rules."""
    releases, customers, terminals, rules = Codes(), Codes(), Codes(), Codes()
    for piece in _cut_into_pieces(arrivals, ROWS_A_PIECE):
        pairs = [pair for some in _cut_into_pieces(piece, ROWS_A_VIEW) for pair in store.entries_at(some)]
        if len(pairs) < len(piece):
            raise DataError("decisions were shipped during the export: take them from there, or name later days")
        rows = [_decision_row(*pair, releases, customers, terminals) for pair in pairs]
        vectors = np.frombuffer(b"".join(entry.vector for entry, _ in pairs), dtype="<f8")
        columns = {"vector": vectors.reshape(len(pairs), -1).astype(np.float64)}
        writer.write({**_to_columns(rows, DECISION_COLUMNS), **columns})
        if hits := [(entry.transaction_id, rules[rule]) for entry, decision in pairs for rule in decision.hits]:
            writer.write(_to_columns(hits, HIT_COLUMNS))
    return list(releases), list(rules)


def _decision_row(
    entry: Entry, decision: Decision, releases: Codes, customers: Codes, terminals: Codes
) -> tuple[Any, ...]:
    """Return a decision as the values of `DECISION_COLUMNS`."""
    context = decision.context
    if len(entry.vector) != VECTOR_BYTES:
        raise DataError(
            f"a decision of release {context.release} has {len(entry.vector) // 8} features, this code has "
            f"{len(FEATURE_NAMES)}: export days after the change of the feature set"
        )
    codes = customers[entry.customer], terminals[decision.terminal], releases[context.release]
    score = NO_SCORE if decision.score is None else decision.score
    said = score, context.threshold, decision.said == "flag", decision.history_complete
    ruled = SAID.index(decision.said), decision.propensity, context.policy
    return entry.transaction_id, decision.event_time, decision.amount, *codes, *said, *ruled


def _write_labels(store: DecisionStore, writer: LogWriter, arrivals: set[int], newest: int) -> tuple[list[str], int]:
    """Write the labels of some decisions, up to number `newest`; return the names of the sources and the number."""
    # A first pass collects the sources: the order of their codes is then that of their names, in every export.
    sources = sorted({label.source for _, label in _read_labels(store, newest) if label.arrival in arrivals})
    code, written = {name: place for place, name in enumerate(sources)}, 0
    ours = (label for _, label in _read_labels(store, newest) if label.arrival in arrivals)
    for labels in _cut_into_pieces(ours, ROWS_A_PIECE):
        rows = [
            (label.transaction_id, STATUS.index(label.status), label.learned_at, code[label.source]) for label in labels
        ]
        writer.write(_to_columns(rows, LABEL_COLUMNS))
        written += len(labels)
    return sources, written


def _read_labels(store: DecisionStore, newest: int) -> Iterator[tuple[int, Label]]:
    after = 0
    while rows := store.read_labels(after + 1, ROWS_A_VIEW):
        for number, label in rows:
            if number > newest:
                return
            yield number, label
        after = rows[-1][0]


def _cut_into_pieces(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    source = iter(rows)
    while piece := list(itertools.islice(source, size)):
        yield piece


def _to_columns(rows: list[tuple[Any, ...]], kinds: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {
        name: np.array(values, kind)
        for (name, kind), values in zip(kinds.items(), zip(*rows, strict=True), strict=True)
    }


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Export decisions and say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--from", dest="first", type=dt.date.fromisoformat, required=True, help="YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=dt.date.fromisoformat, required=True, help="YYYY-MM-DD, included")
    parser.add_argument("--out", type=Path, required=True, help="file to write; must not exist")
    parser.add_argument("--namespace", default="", help="namespace of the transaction ids, as in access.json")
    options = parser.parse_args(arguments)
    try:
        settings = StoreSettings.from_environment(environ)
        now = settings.clock.now()
        store = open_store(settings)
        try:
            about = export(store, options.first, options.last, options.out, now=now, namespace=options.namespace)
        finally:
            store.close()
    except OSError as error:
        raise DataError(f"{options.out} cannot be written ({error.strerror}): make room, or name another") from None
    print(f"wrote {about.decisions} decisions and {about.labels} labels to {options.out}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
