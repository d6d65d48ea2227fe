"""Everything that can be wrong with a row of the raw files, in the order in which it is looked for.

From this one list come the verdict on each row (`jobs/raw/rows.py`), the reasons in `quarantine`, and the column
"quarantined as" of docs/tables.md. A new defect is one more entry.
"""

from dataclasses import dataclass
from typing import Final

from antifraud.figures import MINOR_UNITS
from antifraud.lake.schemas import RAW


@dataclass(frozen=True, slots=True)
class Defect:
    """One way in which a row is unusable.

    Attributes:
        reason: Reason that `quarantine` gives.
        column: Raw column at fault; None for the row as a whole.
        condition: SQL that is true of such a row if it has none of the earlier defects. It may use the
            columns of `jobs.raw.columns.parse`, and columns that `jobs.raw.rows.judge_rows` adds.
        meaning: The condition in words, for docs/tables.md.
    """

    reason: str
    column: str | None
    condition: str
    meaning: str


UNPARSABLE: Final = "unparsable"
NO_ID: Final = "not 1 to 18 digits"
AMOUNT: Final = RAW.column("tx_amount")

OUTSIDE: Final = Defect(
    "outside_file",
    "tx_datetime",
    "event_day NOT BETWEEN first_day AND last_day",
    "a day that the file neither covers nor overlaps into",
)
"""Its condition knows the days that a file may cover. The rows tell which it covers (`jobs.raw.rows.place_rows`)."""
# A row gets its first defect only. So a number is compared with its limits after it could be read, and a day with the
# file's days after the row has a usable time.
ROW_DEFECTS: Final = (
    Defect(UNPARSABLE, None, "NOT complete", "a line with another number of columns"),
    Defect(UNPARSABLE, "tranaction_id", "transaction_id IS NULL", NO_ID),
    Defect(UNPARSABLE, "tx_time_seconds", "seconds IS NULL", "not 1 to 10 digits"),
    Defect(
        UNPARSABLE, "tx_datetime", "event_time IS NULL", "no such time, or not the time that `tx_time_seconds` tells"
    ),
    OUTSIDE,
    Defect("customer_invalid", "customer_id", "customer_id IS NULL", NO_ID),
    Defect("terminal_invalid", "terminal_id", "terminal_id IS NULL", NO_ID),
    Defect(
        UNPARSABLE,
        "tx_amount",
        f"amount IS NULL OR amount > {AMOUNT.largest}",
        f"no such number, or above {AMOUNT.largest / MINOR_UNITS:.2f}",
    ),
    Defect("amount_not_positive", "tx_amount", f"amount < {AMOUNT.least}", "zero or less"),
    Defect(UNPARSABLE, "tx_time_days", "days IS NULL", "not 1 to 9 digits"),
    Defect(UNPARSABLE, "tx_fraud", "is_fraud IS NULL", "neither 0 nor 1"),
    Defect(UNPARSABLE, "tx_fraud_scenario", "scenario IS NULL", "not 1 or 2 digits"),
)
"""Defects of a row taken alone."""
DUPLICATE: Final = Defect("duplicate", "tranaction_id", "repeats", "an earlier row of the day has it")
"""The only defect that other rows decide: `jobs.raw.repeats` looks for it among rows that have no other."""
DEFECTS: Final = (*ROW_DEFECTS, DUPLICATE)
"""All defects. The rows carry the place in this tuple instead of reason and column."""
