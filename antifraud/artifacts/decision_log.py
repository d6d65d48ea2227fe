"""Decisions of past days in one file, for replays and explanations: an NPZ without a token, written and read in pieces.

``python -m serving.export_log`` writes it, `jobs/replay.py` and ``antifraud explain`` read it. Columns lie in the
archive as members ``<column>.<piece>``, so neither side holds more than `ROWS_A_PIECE` rows at once. Customers and
terminals are integer codes that mean nothing outside their file. Decisions are in the order of their transaction id,
labels in the order of arrival.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from antifraud.errors import DataError, SchemaError

FORMAT: Final = 1
ROWS_A_PIECE: Final = 65_536
ABOUT: Final = "about"
SUFFIX: Final = ".npy"
STATUS: Final = ("fraud", "legitimate", "unknown")
"""A label's status is stored as its place here."""
DECISION_COLUMNS: Final[Mapping[str, Any]] = {
    "transaction_id": np.int64, "event_time": np.int64, "amount": np.int64, "customer": np.int64,
    "terminal": np.int64, "release": np.int32, "score": np.int32, "threshold": np.int32, "flagged": np.bool_,
}  # fmt: skip
"""Beside ``vector`` (n, features): UTC seconds, minor units, codes, a place in `About.releases`, ppm."""
LABEL_COLUMNS: Final[Mapping[str, Any]] = {
    "label_transaction_id": np.int64, "label_status": np.int8, "label_learned_at": np.int64, "label_source": np.int32,
}  # fmt: skip
"""`label_source` is a place in `About.sources`, which is in alphabetical order."""
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class About:
    """What a file holds: days (ISO, both included), feature set, sizes, and the names that codes stand for.

    Labels are those that had arrived at `exported_at` (business time, UTC seconds).
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
    format: int = FORMAT


class LogWriter:
    """Writes a file piece by piece under a temporary name; `finish` puts it in place, whole, and never over another."""

    def __init__(self, path: Path) -> None:
        """Begin a file, mode 0600.

        Raises:
            DataError: `path` exists, or its folder does not.
        """
        if path.exists():
            raise _exists_error(path)
        try:
            descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        except OSError as error:
            raise DataError(
                f"{path.parent} cannot be written ({error.strerror}): name a file in a folder of yours"
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
        finally:  # a full disk refuses the archive's end as well
            self._scratch.unlink(missing_ok=True)

    def write(self, columns: Columns) -> None:
        """Add rows: equally long arrays by column name."""
        for name, values in columns.items():
            self._member(f"{name}.{self._pieces:06}", values)
        self._pieces += 1

    def finish(self, about: About) -> None:
        """Describe the file and put it in place.

        Raises:
            DataError: Somebody else has put a file there.
        """
        self._member(ABOUT, np.array(json.dumps(asdict(about), sort_keys=True)))
        self._archive.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
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
            SchemaError: It is not there, not an export, or of another format.
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
        """Decisions in pieces: `DECISION_COLUMNS` and ``vector`` (n, features), null is NaN."""
        yield from self._read_pieces({**DECISION_COLUMNS, "vector": np.float64})

    def labels(self) -> Columns:
        """All labels, in the order of arrival, as `LABEL_COLUMNS`."""
        pieces = list(self._read_pieces(LABEL_COLUMNS))
        return {
            name: np.concatenate([piece[name] for piece in pieces]) if pieces else np.zeros(0, kind)
            for name, kind in LABEL_COLUMNS.items()
        }

    def vector_of(self, transaction_id: int) -> npt.NDArray[np.float64]:
        """The vector that a transaction was decided by.

        Raises:
            SchemaError: The file does not hold the transaction.
        """
        for piece in self._read_pieces({"transaction_id": np.int64, "vector": np.float64}):
            if (places := np.flatnonzero(piece["transaction_id"] == transaction_id)).size:
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
            if any(read[name].dtype != kind or len(read[name]) != len(read[lead]) for name, kind in columns.items()):
                raise SchemaError("the columns of the export do not fit together: export again")
            yield read

    def _member(self, name: str) -> npt.NDArray[Any]:
        with self._archive.open(name + SUFFIX) as member:
            values: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
            return values
