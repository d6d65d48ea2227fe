"""The table of scores that the standing judgement keeps, so that a night scores each day once."""

from typing import Final

from antifraud.lake.table_format import Column, Table

JUDGED_SCORES: Final = Table(
    "judged_scores",
    "Scores of the releases of the standing judgement on days after their certify windows. Labels are joined later, so "
    "a label that comes late needs no new score.",
    ("release", "day", "inputs"),
    ("transaction_id",),
    (
        Column("release", "string", "id of the release that scored"),
        Column("day", "date", "UTC day of the transaction"),
        Column("inputs", "string", "hash of what the day's features were made from"),
        Column("transaction_id", "bigint", "id of the transaction as the feed spells it"),
        Column("score", "int", "risk", unit="parts per million"),
    ),
)
