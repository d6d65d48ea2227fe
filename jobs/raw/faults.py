"""The unusable rows of a day in an error message: how many, why, and where the first one is."""

from collections.abc import Sequence
from typing import NamedTuple

from antifraud.lake.feed import RawFile
from antifraud.lake.raw_bases import base_of
from antifraud.lake.raw_defects import DEFECTS
from antifraud.lake.raw_faults import count_text, fault_of
from antifraud.lake.raw_lines import line_of, width_of
from antifraud.lake.raw_rows import FileDays
from jobs.raw.rows import LINE_BITS


class Fault(NamedTuple):
    """Rows with one defect.

    Attributes:
        rows: Number of rows.
        place: Place of the first one, as in `jobs.raw.rows.JUDGED`.
    """

    rows: int
    place: int


Faults = dict[int, Fault]
"""The faults of a day, by the index of their defect in `DEFECTS`."""


def add_fault(faults: Faults, defect: int, fault: Fault) -> None:
    """Add rows with a defect, which may be of another file than the rows before."""
    before = faults.get(defect, Fault(0, fault.place))
    faults[defect] = Fault(before.rows + fault.rows, min(before.place, fault.place))


def counts_in_words(faults: Faults) -> str:
    """Return rows by reason and column."""
    return count_text({DEFECTS[index]: fault.rows for index, fault in faults.items()})


def first_in_words(faults: Faults, files: Sequence[RawFile]) -> str:
    """Return file, line, column, finding and expectation of the first unusable row; `files` are the judged files."""
    index, fault = min(faults.items(), key=lambda item: item[1].place)
    file, line = files[fault.place >> LINE_BITS], fault.place & ((1 << LINE_BITS) - 1)
    # Only the failing run reads the file once more, and only up to this line.
    days = FileDays.of(base_of(file.path), file.first, file.last, width_of(file.path))
    return f"{file.path.name}, line {line}: {fault_of(line_of(file.path, line), DEFECTS[index], days)}"
