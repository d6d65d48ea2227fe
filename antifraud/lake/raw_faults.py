"""Faults of lines of raw files, in words that never repeat a value: it may be an identifier."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from antifraud.lake.raw_defects import DEFECTS, UNPARSABLE, Defect
from antifraud.lake.raw_rows import NAMES, SHAPES, WIDTH, FileDays, RawRow, fields_of, parse_row
from antifraud.lake.schemas import RAW

KINDS: Final = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (rb"", "nothing"),
        (rb"[\"'].*|.*[\"']", "a quoted text"),
        (rb".*\0.*", "a text with NULs"),
        (rb".*\r.*", "a text with a carriage return"),
        (rb"\s+", "only spaces"),
        (rb"\s.*|.*\s", "a text with spaces around it"),
        (rb"[0-9]+", "{digits}"),
        (rb"-[0-9]+", "a negative number of {digits}"),
        (rb"\+[0-9.]+", "a number with a plus sign"),
        (rb"-?[0-9]+\.[0-9]*", "a number with {decimals}"),
        (rb"[-+]?[0-9.]+[eE][-+]?[0-9]+", "a number with an exponent"),
        (rb"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date without a time"),
        (rb"[0-9-]{10} [0-9:]{8}", "a time that no calendar has"),
        (rb"[0-9-]{10}[T ][0-9:]{8}[.][0-9]+", "a time with fractions of a second"),
        (rb"[0-9-]{10}[T ][0-9:]{8}([.][0-9]+)?(Z|[-+][0-9:]+)", "a time with a zone"),
        (rb"[0-9-]{10}T[0-9:]{8}", "a time with a T after the date"),
        (rb"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}.*", "a date in another order"),
        (rb"(?i:nan|null|none|na|n/a|inf|infinity)", "a word for a missing number"),
    )
)
"""Kinds of texts, each with its words; the first that fits counts."""
SEPARATORS: Final = {b";": "semicolons", b"\t": "tabs", b"|": "bars"}
OTHER_FORMATS: Final = (
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive without .gz in its name"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"PAR1", "a Parquet file"),
)
"""Beginnings of files that are no text in UTF-8."""


def fault_of(line: bytes, defect: Defect, file: FileDays) -> str:
    """Return the column, what a line with the defect has there, and what was expected."""
    column = f"{defect.column}: " if defect.column else ""
    expected = defect.expected if defect.column else _count(file.width, "column")
    return f"{column}{_found(line, defect, file)} found, {expected} expected"


def count_text(rows: Mapping[Defect, int]) -> str:
    """Return rows by reason and, in brackets, by column.

    >>> from antifraud.lake.raw_defects import ROW_DEFECTS
    >>> count_text({ROW_DEFECTS[1]: 2, ROW_DEFECTS[0]: 1})
    'unparsable 3 (columns 1, tranaction_id 2)'
    """
    reasons: dict[str, dict[str, int]] = {}
    for defect in sorted(rows, key=DEFECTS.index):
        reasons.setdefault(defect.reason, {})[defect.column or "columns"] = rows[defect]
    return ", ".join(
        f"{reason} {sum(columns.values())} ({', '.join(f'{name} {count}' for name, count in columns.items())})"
        for reason, columns in sorted(reasons.items())
    )


def header_fault(header: bytes) -> str:
    """Return how the first line of a file differs from the header."""
    for beginning, words in OTHER_FORMATS:
        if header.startswith(beginning):
            return f"{words} found"
    if len(fields_of(header, len(NAMES))) in RAW.widths:
        return "commas between the columns found, ' | ' expected"
    names = [name.strip() for name in header.removeprefix(b"#").split(b"|")]
    if len(names) not in RAW.widths:
        return f"{_count(len(names), 'column')} found, {WIDTH} expected"
    wrong = next((name for name, found in zip(NAMES, names, strict=False) if found != name.encode()), None)
    return f"another name than {wrong} found" if wrong else "the names with other signs or spaces between them found"


def describe(text: bytes) -> str:
    """Return what kind of text it is, without the text itself.

    >>> describe(b"1234567890123"), describe(b'"x"'), describe(b"70.912"), describe(b"Err")
    ('13 digits', 'a quoted text', 'a number with 3 decimals', 'a text of 3 bytes')
    """
    words = next((words for kind, words in KINDS if kind.fullmatch(text)), None)
    if words is None:
        return f"a text of {_count(len(text), 'byte')}" if _is_utf8(text) else "bytes that are not UTF-8"
    digits, decimals = len(re.findall(rb"[0-9]", text)), len(text.partition(b".")[2])
    return words.format(digits=_count(digits, "digit"), decimals=_count(decimals, "decimal"))


def _found(line: bytes, defect: Defect, file: FileDays) -> str:
    if defect.column is None:
        return _columns(line, file.width)
    text = fields_of(line, file.width)[NAMES.index(defect.column)]
    # A text of the right shape has a wrong value, so the words of its shape would explain nothing.
    if not SHAPES[defect.column].fullmatch(text):
        return describe(text)
    if defect.column == "tx_datetime":
        return _time(parse_row(line, file), file)
    # For an unparsable text, the expectation says all that there is to say.
    return describe(text) if defect.reason == UNPARSABLE else f"{describe(text)} ({defect.meaning})"


def _columns(line: bytes, width: int) -> str:
    """Return the number of columns, and the reason for it if there is a usual one; `width` are expected."""
    fields, names = fields_of(line, width), NAMES[:width]
    reasons = (
        (bool(line) and not line.strip(b"\0"), "only NULs"),
        (len(fields) == width + 1 and not fields[-1], "the last one is empty"),
        *((line.count(separator) == width - 1, f"{name} between them") for separator, name in SEPARATORS.items()),
        *((_is_decimal_comma(fields, place, width), f"a decimal comma in {name}") for place, name in enumerate(names)),
    )
    reason = next((f" ({words})" for holds, words in reasons if holds), "")
    return f"{_count(line.count(b',') + 1, 'column')}{reason}"


def _is_decimal_comma(fields: list[bytes], place: int, width: int) -> bool:
    """Return whether a point in place of the comma after a column makes a whole row."""
    joined = [*fields[:place], b".".join(fields[place : place + 2]), *fields[place + 2 :]]
    shapes = zip(SHAPES.values(), joined, strict=False)
    return len(joined) == width < len(fields) and all(shape.fullmatch(text) for shape, text in shapes)


def _time(row: RawRow, file: FileDays) -> str:
    if row.event_day is not None:
        after, before = row.event_day - row.last_day, row.first_day - row.event_day
        place = "after the last" if after > 0 else "before the first"
        return f"a day {_count(max(after, before), 'day')} {place} of the file"
    if row.printed_time is None or row.seconds is None or file.base is None:
        return "a time that no calendar has"
    off = dt.timedelta(seconds=row.printed_time - file.base - row.seconds)
    return f"a time {abs(off)} {'later' if off > dt.timedelta() else 'earlier'}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
