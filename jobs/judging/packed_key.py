"""Pack window, day and score of a row, and whether it has a label, into one number to group by.

Spark groups a month of scored rows by one 64-bit number faster than by four columns (`bench/gate/tables.py`). The
example is a labelled row of the certify window that scored 250,000 ppm on 2026-03-01; the highest bits come first:

```
part     without a label   window, from 1   day + DAY_ZERO       score
bits     58                57-55            54-31                30-0
example  0                 3                20,513 + 8,388,608   250,000
```

>>> window, day, score = WINDOW_NAMES.index("certify") + 1, 20_513, 250_000
>>> key = (((window << DAY_BITS) + day + DAY_ZERO) << SCORE_BITS) + score
>>> key
126144840898695312
>>> key >> SCORE_BITS + DAY_BITS, (key >> SCORE_BITS) % (1 << DAY_BITS) - DAY_ZERO, key % (1 << SCORE_BITS)
(3, 20513, 250000)
>>> key < UNKNOWN <= key + UNKNOWN
True
"""

from typing import Final, NamedTuple, get_args

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.rows.dataset import WindowName

WINDOW_NAMES: Final[tuple[str, ...]] = get_args(WindowName)
WINDOW_BITS: Final = 3
DAY_BITS: Final = 24
DAY_ZERO: Final = 1 << (DAY_BITS - 1)
"""1970-01-01 in a key, so that no day is negative there."""
SCORE_BITS: Final = 31
"""Scores need 20 bits. A score out of range must stay one, to be refused, and not pass for another row's."""
UNKNOWN: Final = 1 << (WINDOW_BITS + DAY_BITS + SCORE_BITS)
"""Added to the key of a row without a label."""


class KeyParts(NamedTuple):
    """Columns that a packed key was made from."""

    window: Column
    day: Column
    score: Column
    is_unknown: Column


def pack_key() -> Column:
    """Return the packed key of rows with `window`, `day`, `score` (ppm) and `status`."""
    window_and_day = F.shiftleft(_window_number().cast("bigint"), DAY_BITS) + F.unix_date("day") + DAY_ZERO
    # Added, not masked: a score of -1 borrows from the day and reads as 2^31 - 1, which no table accepts
    # (test_a_score_out_of_range_is_refused).
    labelled = F.shiftleft(window_and_day, SCORE_BITS) + F.col("score")
    return F.when(F.col("status") == "unknown", labelled + UNKNOWN).otherwise(labelled)


def unpack_key(key: Column) -> KeyParts:
    """Return the parts of a packed key."""
    number = _bits(key, SCORE_BITS + DAY_BITS, WINDOW_BITS)
    return KeyParts(
        window=F.element_at(F.array(*map(F.lit, WINDOW_NAMES)), number),
        day=F.date_from_unix_date(_bits(key, SCORE_BITS, DAY_BITS) - DAY_ZERO),
        score=_bits(key, 0, SCORE_BITS),
        is_unknown=key >= UNKNOWN,
    )


def _bits(key: Column, first: int, width: int) -> Column:
    """Return the `width` bits of a key from bit `first` up."""
    return F.shiftright(key, first).bitwiseAND(F.lit((1 << width) - 1)).cast("int")


def _window_number() -> Column:
    """Return the position of a row's window in `WINDOW_NAMES`, from 1; a window of another name stops the job."""
    number = F.raise_error(F.concat(F.lit("there is no window "), F.col("window"))).cast("int")
    for position, name in enumerate(WINDOW_NAMES, start=1):
        number = F.when(F.col("window") == name, position).otherwise(number)
    return number
