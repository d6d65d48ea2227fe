"""Everything that can be wrong with a row of the raw files, in the order in which it is looked for.

From this one list come the verdict of Spark (`jobs/raw/rows.py`), that of Python (`antifraud/lake/raw_rows.py`), the
reasons in `quarantine`, the error messages, and the column "quarantined as" of docs/tables.md. A new defect is one
more entry.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from antifraud.figures import MINOR_UNITS
from antifraud.lake.schemas import RAW

if TYPE_CHECKING:
    from collections.abc import Callable

    from antifraud.lake.raw_rows import RawRow


@dataclass(frozen=True, slots=True)
class Defect:
    """One way in which a row is unusable.

    Attributes:
        reason: Reason that `quarantine` gives.
        column: Raw column at fault; None for the row as a whole.
        condition: SQL that is true of such a row if it has none of the earlier defects. It may use the
            columns of `jobs.raw.columns.parse`, and columns that `jobs.raw.rows.judge_rows` adds.
        meaning: The condition in words, for docs/tables.md.
        expected: What a usable row has there, for error messages.
    """

    reason: str
    column: str | None
    condition: str
    meaning: str
    expected: str


@dataclass(frozen=True, slots=True)
class RowDefect(Defect):
    """A defect that shows in the row alone.

    Attributes:
        holds: The condition in Python; tests/parity/test_raw_judges.py compares it with the SQL.
    """

    holds: "Callable[[RawRow], bool]"


UNPARSABLE: Final = "unparsable"
NO_ID: Final = "not 1 to 18 digits"
AN_ID: Final = "1 to 18 digits"
AMOUNT: Final = RAW.column("tx_amount")
LARGEST: Final = f"{AMOUNT.largest / MINOR_UNITS:.2f}"

OUTSIDE: Final = RowDefect(
    "outside_file", "tx_datetime", "event_day NOT BETWEEN first_day AND last_day",
    "a day that the file neither covers nor overlaps into", "a day of the file",
    lambda row: row.event_day is None or not row.first_day <= row.event_day <= row.last_day,
)  # fmt: skip
"""Its condition knows the days that a file may cover. The rows tell which it covers (`jobs.raw.rows.place_rows`)."""
# A row gets its first defect only. So a number is compared with its limits after it could be read, and a day with the
# file's days after the row has a usable time.
ROW_DEFECTS: Final = (
    RowDefect(
        UNPARSABLE, None, "NOT complete", "a line with another number of columns", "the columns of the header",
        lambda row: not row.complete,
    ),
    RowDefect(
        UNPARSABLE, "tranaction_id", "transaction_id IS NULL", NO_ID, AN_ID,
        lambda row: row.transaction_id is None,
    ),
    RowDefect(
        UNPARSABLE, "tx_time_seconds", "seconds IS NULL", "not 1 to 10 digits", "1 to 10 digits",
        lambda row: row.seconds is None,
    ),
    RowDefect(
        UNPARSABLE, "tx_datetime", "event_time IS NULL", "no such time, or not the time that `tx_time_seconds` tells",
        "YYYY-MM-DD hh:mm:ss, the time that tx_time_seconds tells",
        lambda row: row.event_time is None,
    ),
    OUTSIDE,
    RowDefect(
        "customer_invalid", "customer_id", "customer_id IS NULL", NO_ID, AN_ID,
        lambda row: row.customer_id is None,
    ),
    RowDefect(
        "terminal_invalid", "terminal_id", "terminal_id IS NULL", NO_ID, AN_ID,
        lambda row: row.terminal_id is None,
    ),
    RowDefect(
        UNPARSABLE, "tx_amount", f"amount IS NULL OR amount > {AMOUNT.largest}", f"no such number, or above {LARGEST}",
        f"a number up to {LARGEST} with a decimal point and at most two decimals",
        lambda row: row.amount is None or row.amount > AMOUNT.largest,
    ),
    RowDefect(
        "amount_not_positive", "tx_amount", f"amount < {AMOUNT.least}", "zero or less", "more than zero",
        lambda row: row.amount is None or row.amount < AMOUNT.least,
    ),
    RowDefect(
        UNPARSABLE, "tx_time_days", "days IS NULL", "not 1 to 9 digits", "1 to 9 digits",
        lambda row: row.days is None,
    ),
    RowDefect(
        UNPARSABLE, "tx_fraud", "is_fraud IS NULL", "neither 0 nor 1", "0 or 1",
        lambda row: row.is_fraud is None,
    ),
    RowDefect(
        UNPARSABLE, "tx_fraud_scenario", "scenario IS NULL", "not 1 or 2 digits", "1 or 2 digits",
        lambda row: row.scenario is None,
    ),
    RowDefect(
        UNPARSABLE, "terminal_group_id", "group_given AND group_id IS NULL", "neither empty nor 1 to 18 digits",
        "nothing, or 1 to 18 digits",
        lambda row: row.group_given and row.group_id is None,
    ),
)  # fmt: skip
"""Defects of a row taken alone."""
DUPLICATE: Final = Defect(
    "duplicate", "tranaction_id", "repeats", "an earlier row of the day has it", "an id that is new on its day"
)
"""The only defect that other rows decide: `jobs.raw.repeats` looks for it among rows that have no other."""
DEFECTS: Final = (*ROW_DEFECTS, DUPLICATE)
"""All defects. The rows carry the place in this tuple instead of reason and column."""
