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
from typing import Any, TypeVar

import msgspec
import numpy as np

from antifraud.artifacts.decision_log import DECISION_COLUMNS, LABEL_COLUMNS, ROWS_A_PIECE, STATUS, About, LogWriter
from antifraud.clock import DAY_SECONDS, BusinessClock, day_number
from antifraud.errors import DataError, returns_exit_code
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.settings.serving import StoreSettings
from serving.store.keys import id_of, key_of_id
from serving.store.lmdb import Store, View
from serving.store.records import Answer, Decision, Label, unpack_decision, unpack_label

VECTOR_BYTES = 8 * len(FEATURE_NAMES)
Row = TypeVar("Row")
_unpack_answer = msgspec.json.Decoder(Answer).decode


class Codes(dict[str, int]):
    """Numbers of names: the first name that is looked up gets 0, the next new one 1."""

    def __missing__(self, name: str) -> int:
        """Give a new name the next number."""
        self[name] = len(self)
        return self[name]


def export(store: Store, first: dt.date, last: dt.date, path: Path, *, now: int) -> About:
    """Write the decisions about events of the days `first` to `last`, with their labels at `now`.

    Raises:
        DataError: There are no decisions, the file exists, or a vector has other features than this code.
        StoreError: The store cannot be read.
    """
    times = range(day_number(first) * DAY_SECONDS, (day_number(last) + 1) * DAY_SECONDS)
    # One view for everything: decisions and labels of the file are of one moment, while the scorer goes on.
    with store.read() as view, LogWriter(path) as writer:
        releases, decisions = _write_decisions(view, writer, times)
        sources, labels = _write_labels(view, writer, times)
        if not decisions:
            raise DataError(f"the store holds no decision about {first} to {last}: name other days")
        about = About(
            str(first), str(last), now, feature_set_hash(), len(FEATURE_NAMES), decisions, labels, releases, sources
        )
        writer.finish(about)
    return about


def _write_decisions(view: View, writer: LogWriter, times: range) -> tuple[list[str], int]:
    releases, customers, terminals, written = Codes(), Codes(), Codes(), 0
    every = ((id_of(key), unpack_decision(text)) for key, text in view.items("decisions"))
    for piece in _cut_into_pieces((each, decision) for each, decision in every if decision.event_time in times):
        rows = [_decision_row(each, decision, releases, customers, terminals) for each, decision in piece]
        vectors = np.frombuffer(b"".join(decision.vector for _, decision in piece), dtype="<f8")
        columns = {"vector": vectors.reshape(len(piece), -1).astype(np.float64)}
        writer.write({**_to_columns(rows, DECISION_COLUMNS), **columns})
        written += len(piece)
    return list(releases), written


def _decision_row(
    transaction_id: str, decision: Decision, releases: Codes, customers: Codes, terminals: Codes
) -> tuple[Any, ...]:
    """Return a decision as the values of `DECISION_COLUMNS`."""
    if len(decision.vector) != VECTOR_BYTES:
        raise DataError(
            f"a decision of release {decision.release} has {len(decision.vector) // 8} features, this code has "
            f"{len(FEATURE_NAMES)}: export days after the change of the feature set"
        )
    answer = _unpack_answer(decision.answer)
    codes = customers[decision.customer], terminals[decision.terminal], releases[decision.release]
    said = answer.score, answer.threshold, decision.flagged, decision.history_complete
    return transaction_id, decision.event_time, decision.amount, *codes, *said


def _write_labels(view: View, writer: LogWriter, times: range) -> tuple[list[str], int]:
    """Write the labels of the decisions in `times`; return the names of the sources and the number of labels."""
    # A first pass collects the sources: the order of their codes is then that of their names, in every export.
    sources = sorted({label.source for label in _read_labels(view, times)})
    code, written = {name: place for place, name in enumerate(sources)}, 0
    for labels in _cut_into_pieces(_read_labels(view, times)):
        rows = [
            (label.transaction_id, STATUS.index(label.status), label.learned_at, code[label.source]) for label in labels
        ]
        writer.write(_to_columns(rows, LABEL_COLUMNS))
        written += len(labels)
    return sources, written


def _read_labels(view: View, times: range) -> Iterator[Label]:
    for _, text in view.items("labels"):
        label = unpack_label(text)
        stored = view.get("decisions", key_of_id(label.transaction_id))
        if stored is not None and unpack_decision(stored).event_time in times:
            yield label


def _cut_into_pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while piece := list(itertools.islice(source, ROWS_A_PIECE)):
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
    options = parser.parse_args(arguments)
    try:
        settings = StoreSettings.from_environment(environ)
        if not settings.store_dir.is_dir():
            raise DataError(f"there is no decision store in {settings.store_dir}: set ANTIFRAUD_HOME")
        now = BusinessClock(settings.clock_offset_seconds).now()
        store = Store(settings.store_dir, settings.store_map_bytes)
        try:
            about = export(store, options.first, options.last, options.out, now=now)
        finally:
            store.close()
    except OSError as error:
        raise DataError(f"{options.out} cannot be written ({error.strerror}): make room, or name another") from None
    print(f"wrote {about.decisions} decisions and {about.labels} labels to {options.out}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
