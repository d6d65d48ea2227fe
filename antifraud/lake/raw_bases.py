"""The base time of a raw file, at which `tx_time_seconds` is 0. No header tells it, but most lines agree on it."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from antifraud.errors import RawFileError
from antifraud.lake.raw_defects import Defect
from antifraud.lake.raw_faults import count_text, fault_of
from antifraud.lake.raw_lines import text_lines, width_of
from antifraud.lake.raw_rows import FileDays, base_by, parse_row
from antifraud.lake.raw_text import refuse_unreadable

BASE_LINES: Final = 100_000
"""Lines of a file, its header included, that vote on the base time."""


def base_of(path: Path) -> int | None:
    """Return the UTC seconds at which the file's `tx_time_seconds` is 0; None if no line tells.

    If several times are equally frequent, the earliest counts. The driver reads these lines itself: for so few, a pass
    of the cluster over the whole file would cost too much.
    """
    # A vote, so that damaged lines do not decide.
    with refuse_unreadable(path):
        votes = Counter(_bases(path))
    return max(votes, key=lambda base: (votes[base], -base), default=None)


def require_base(path: Path) -> int:
    """Return the base time of a file.

    Raises:
        RawFileError: No row tells it, so the file is no transaction file.
    """
    base = base_of(path)
    if base is None:
        raise _without_base(path)
    return base


def require_some_base(path: Path) -> None:
    """Refuse the files that `require_base` refuses, reading no further than the first line that tells a base time.

    Raises:
        RawFileError: No row tells the base time.
    """
    if next(_bases(path), None) is None:
        raise _without_base(path)


def _bases(path: Path) -> Iterator[int]:
    """Yield the base times that lines of a file tell."""
    width = width_of(path)
    told = (base_by(line, width) for line in islice(text_lines(path), BASE_LINES))
    return (base for base in told if base is not None)


def _without_base(path: Path) -> RawFileError:
    return RawFileError(f"{path.name}, line 2: {_reason(path)}: deliver it again")


def _reason(path: Path) -> str:
    """Return what is wrong with the first row, and how many rows have which defect."""
    rows = list(islice(text_lines(path), 1, BASE_LINES))
    if not rows:
        return "no row with a usable time follows the header"
    # Without a base time every row has a defect. The counter keeps their order, so its first key is the first row's.
    unknown = FileDays(None, 0, 0, width_of(path))
    defects = Counter[Defect](defect for line in rows if (defect := parse_row(line, unknown).defect))
    return (
        f"{fault_of(rows[0], next(iter(defects)), unknown)}; no row with a usable time among the first {len(rows):,} "
        f"({count_text(defects)})"
    )
