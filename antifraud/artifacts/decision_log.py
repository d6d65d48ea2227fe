"""The decision log: a file of past decisions, without a token, for replays and explanations.

``python -m serving.export_log`` writes the file; `jobs/replay.py` and ``antifraud explain`` read it. It is an NPZ
archive with members ``<column>.<piece>``, so neither side holds more than `ROWS_A_PIECE` rows in memory. Customers and
terminals are integer codes that mean nothing outside their file. Decisions are ordered by the length of their
transaction ids, then by the ids; labels are ordered by arrival.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from antifraud.errors import DataError, SchemaError
from antifraud.policy.rules import EFFECTS
from antifraud.transaction_id import LONGEST

FORMAT: Final = 4
ROWS_A_PIECE: Final = 65_536
ABOUT: Final = "about"
SUFFIX: Final = ".npy"
STATUS: Final = ("fraud", "legitimate", "unknown")
"""A label's status is stored as its position in this tuple."""
SAID: Final = EFFECTS
NO_SCORE: Final = -1
DECISION_COLUMNS: Final[Mapping[str, Any]] = {
    "transaction_id": np.bytes_, "event_time": np.int64, "amount": np.int64, "customer": np.int64,
    "terminal": np.int64, "release": np.int32, "score": np.int32, "threshold": np.int32, "flagged": np.bool_,
    "history_complete": np.bool_, "said": np.int8, "propensity": np.float64, "policy": np.int64,
}  # fmt: skip
"""Columns of a decision, and there is ``vector`` (n, features) too.

`transaction_id` is text of a fixed width: that of the longest id of its piece. `event_time` is in UTC seconds, `amount`
in minor units, `score` and `threshold` in ppm. `customer` and `terminal` are codes, and `release` is a position in
`About.releases`. `said` is a position in `SAID`, and `flagged` says whether it is a flag. `propensity` is the chance
that the payment was not flagged, and `policy` the version of the active policy, 0 for none. A decision of rules alone
has score `NO_SCORE`, threshold 0, and a release with an empty name. Where `history_complete` is false, the vector has
nulls that the lake's does not have.
"""
HIT_COLUMNS: Final[Mapping[str, Any]] = {"hit_transaction_id": np.bytes_, "hit_rule": np.int32}
"""Columns of a hit of a rule of the policy; `hit_rule` is a position in `About.rules`."""
LABEL_COLUMNS: Final[Mapping[str, Any]] = {
    "label_transaction_id": np.bytes_, "label_status": np.int8, "label_learned_at": np.int64, "label_source": np.int32,
}  # fmt: skip
"""Columns of a label; `label_source` is a position in `About.sources`, which is sorted."""
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class About:
    """The description that a file carries.

    Attributes:
        first: First day of the decisions, ISO.
        last: Last day of the decisions, ISO, included.
        exported_at: Business time of the export, UTC seconds; labels that had arrived by then are in the file.
        feature_set: Hash of the feature set of the vectors.
        features: Length of a vector.
        decisions: Number of decisions.
        labels: Number of labels.
        releases: Names that the column `release` points to.
        sources: Names that the column `label_source` points to.
        rules: Names that the column `hit_rule` points to.
        format: Version of the file's format.
    """

    first: str
    last: str
    exported_at: int
    feature_set: str
    features: int
    decisions: int
    labels: int
    releases: list[str]
    sources: list[str]
    rules: list[str] = field(default_factory=list)
    format: int = FORMAT


class LogWriter:
    """Writes a file in pieces under a temporary name; `finish` puts the whole file in place, never over another one."""

    def __init__(self, path: Path) -> None:
        """Begin a file of mode 0600.

        Raises:
            DataError: `path` exists, or its folder does not.
        """
        if path.exists():
            raise _exists_error(path)
        try:
            descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        except OSError as error:
            raise DataError(
                f"{path.parent} cannot be written ({error.strerror}): name a file in a folder that you can write to"
            ) from error
        self._path, self._scratch, self._pieces = path, Path(scratch), 0
        self._file = os.fdopen(descriptor, "wb")
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._archive.close()
            self._file.close()
        finally:  # on a full disk, closing the archive fails too
            self._scratch.unlink(missing_ok=True)

    def write(self, columns: Columns) -> None:
        """Add rows: equally long arrays by column name."""
        for name, values in columns.items():
            self._member(f"{name}.{self._pieces:06}", values)
        self._pieces += 1

    def finish(self, about: About) -> None:
        """Describe the file and put it in place.

        Raises:
            DataError: Another process has put a file there in the meantime.
        """
        self._member(ABOUT, np.array(json.dumps(asdict(about), sort_keys=True)))
        self._archive.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            # A hard link, unlike a rename, fails if the name is taken: nothing is ever overwritten.
            self._path.hardlink_to(self._scratch)
        except FileExistsError:
            raise _exists_error(self._path) from None

    def _member(self, name: str, values: npt.NDArray[Any]) -> None:
        with self._archive.open(name + SUFFIX, "w", force_zip64=True) as member:
            np.lib.format.write_array(member, values, allow_pickle=False)


def _exists_error(path: Path) -> DataError:
    return DataError(f"{path} exists: an export is never overwritten, name another file")


class DecisionLog:
    """An exported file, open for reading."""

    def __init__(self, path: Path) -> None:
        """Open `path`.

        Raises:
            SchemaError: The file is missing, is not an export, or has another format.
        """
        try:
            self._archive = zipfile.ZipFile(path)
            described = json.loads(str(self._member(ABOUT)))
            if described["format"] != FORMAT:
                raise SchemaError(
                    f"{path.name} has format {described['format']}, this code reads {FORMAT}: export again"
                )
            self.about = About(**described)
        except (
            # NumPy and zipfile raise all of these on a damaged file, depending on where the damage is.
            OSError,
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
            EOFError,
            zlib.error,
            zipfile.BadZipFile,
        ) as error:
            raise SchemaError(
                f"{path.name} is not an export of decisions ({type(error).__name__}): "
                "`python -m serving.export_log` makes one"
            ) from error

    def decisions(self) -> Iterator[Columns]:
        """Yield the decisions in pieces: `DECISION_COLUMNS` and ``vector`` (n, features), where null is NaN."""
        yield from self._read_pieces({**DECISION_COLUMNS, "vector": np.float64})

    def labels(self) -> Columns:
        """Return all labels in the order of arrival, as `LABEL_COLUMNS`."""
        return self._read_all(LABEL_COLUMNS)

    def hits(self) -> Columns:
        """Return the hits of rules, in the order of the decisions, as `HIT_COLUMNS`."""
        return self._read_all(HIT_COLUMNS)

    def _read_all(self, columns: Mapping[str, Any]) -> Columns:
        pieces = list(self._read_pieces(columns))
        return {
            name: np.concatenate([piece[name] for piece in pieces]) if pieces else np.zeros(0, kind)
            for name, kind in columns.items()
        }

    def vector_of(self, transaction_id: str) -> npt.NDArray[np.float64]:
        """Return the vector that a transaction was decided by.

        Raises:
            SchemaError: The file does not hold the transaction.
        """
        for piece in self._read_pieces({"transaction_id": np.bytes_, "vector": np.float64}):
            if (places := np.flatnonzero(piece["transaction_id"] == transaction_id.encode())).size:
                vector: npt.NDArray[np.float64] = piece["vector"][places[0]]
                return vector
        raise SchemaError(
            f"the export holds no such transaction; it covers {self.about.first} to {self.about.last}: export its day"
        )

    def _read_pieces(self, columns: Mapping[str, Any]) -> Iterator[Columns]:
        lead = next(iter(columns))
        for member in sorted(name for name in self._archive.namelist() if name.startswith(f"{lead}.")):
            piece = member.removeprefix(lead).removesuffix(SUFFIX)
            try:
                read = {name: self._member(name + piece) for name in columns}
            except (KeyError, ValueError, zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
                raise SchemaError(f"the export is damaged ({type(error).__name__}): export again") from error
            same_length = len({len(values) for values in read.values()}) == 1
            if not same_length or not all(map(_has_kind, read.values(), columns.values())):
                raise SchemaError("the columns of the export do not fit together: export again")
            yield read

    def _member(self, name: str) -> npt.NDArray[Any]:
        with self._archive.open(name + SUFFIX) as member:
            # No pickles: reading one can run any code, and the file may come from elsewhere.
            values: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
            return values


def _has_kind(values: npt.NDArray[Any], kind: Any) -> bool:
    """Return whether a column has the type of its declaration; ids may have any width up to the longest."""
    return values.dtype.char == "S" and values.itemsize <= LONGEST if kind is np.bytes_ else values.dtype == kind
