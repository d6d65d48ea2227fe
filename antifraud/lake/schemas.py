"""The contract of the raw files and of every table: columns, types, units, meaning of null, sensitivity.

Everything else is made from it: the header and the shapes by which raw files are read, the Iceberg tables, the search
for leaks, and docs/tables.md.

Sensitivity classes: ``identifier`` (a raw id; allowed in the raw zone only), ``token`` (a pseudonym), ``amount``
(money of one cardholder), ``public`` (anything else).
"""

from collections.abc import Iterable
from typing import Final

from antifraud.features.registry import FORMULA_VERSION, REGISTRY, WINDOWS
from antifraud.keys.pseudonym import DIGITS, LARGEST_ID
from antifraud.lake.judged_table import JUDGED_SCORES
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.raw_format import RawColumn, RawFormat
from antifraud.lake.shipped_tables import SHIPPED_TABLES
from antifraud.lake.table_format import Column, Table

BUCKET_FIELDS: Final = (
    "tx_count bigint, amount_sum bigint, amount_sum_sq decimal(38,0), amount_max bigint, last_time bigint"
)
BUCKET: Final = f"struct<{BUCKET_FIELDS}>"
HOUR_BUCKETS: Final = f"array<struct<hour int, {BUCKET_FIELDS}>>"
DAY_BUCKETS: Final = f"array<struct<day_number int, {BUCKET_FIELDS}>>"
CHANGES: Final = "array<struct<hour int, since int, known bigint, fraud bigint>>"
LABEL_DAYS: Final = "array<struct<day_number int, known bigint, fraud bigint>>"
LABEL_HOURS: Final = "array<struct<hour int, known bigint, fraud bigint>>"
STREAK: Final = "array<struct<hour int, fraud bigint>>"
DAY_CHANGES: Final = f"array<struct<day_number int, changes {CHANGES}>>"
DAY_ROWS: Final = "array<struct<day date, rows bigint, usable bigint, last_second int>>"


RAW: Final = RawFormat((
    RawColumn(
        "tranaction_id", "bigint", "id of the transaction; spelt as the feed spells it", DIGITS, largest=LARGEST_ID,
    ),
    RawColumn(
        "tx_datetime", "timestamp", "when it happened; 24:00:00 is the midnight that ends the day",
        # Without the year 0, which is a year for Spark and none for Python.
        "(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", unit="UTC",
    ),
    RawColumn(
        "customer_id", "bigint", "id of the customer", DIGITS, "identifier", largest=LARGEST_ID,
    ),
    RawColumn(
        "terminal_id", "bigint", "id of the terminal", DIGITS, "identifier", largest=LARGEST_ID,
    ),
    RawColumn(
        "tx_amount", "decimal(12,2)", "amount of the transaction, at most two decimals",
        r"-?[0-9]{1,10}(?:\.[0-9]{1,2})?", "amount", "RUB", least=1, largest=10**9,
    ),
    RawColumn(
        "tx_time_seconds", "bigint", "time since the base time of its file, which most of its rows agree on",
        "[0-9]{1,10}", unit="seconds", largest=10**10 - 1,
    ),
    RawColumn(
        "tx_time_days", "bigint", "the same in whole days; checked, not used", "-?[0-9]{1,9}",
        unit="days", least=1 - 10**9, largest=10**9 - 1,
    ),
    RawColumn("tx_fraud", "boolean", "1 for a fraud", "[01]", unit="0 or 1", largest=1),
    RawColumn("tx_fraud_scenario", "int", "fraud scenario, 0 for none", "[0-9]{1,2}", largest=99),
), optional=(
    RawColumn(
        "terminal_group_id", "bigint", "id of the terminal's chain or region, empty for none", "(?:[0-9]{1,18})?",
        "identifier", largest=LARGEST_ID,
    ),
))  # fmt: skip

DAY: Final = Column("day", "date", "UTC day of the event")
TRANSACTION: Final = Column("transaction_id", "bigint", "id of the transaction, unique within its day")
TIME: Final = Column("event_time", "bigint", "when it happened", unit="UTC seconds")
CUSTOMER: Final = Column("customer", "string", "token of the customer", "token")
TERMINAL: Final = Column("terminal", "string", "token of the terminal", "token")
AMOUNT: Final = Column("amount", "bigint", "amount of the transaction", "amount", "minor units")
GROUP: Final = Column(
    "terminal_group", "string", "token of the terminal's chain or region", "token", null="the source names none"
)
"""Added without a new version of its tables: days without it are those of sources that do not tell it."""


def _totals(entity: Column) -> tuple[Column, ...]:
    return (
        DAY,
        entity,
        Column("tx_count", "bigint", "transactions of the day", unit="transactions"),
        Column("amount_sum", "bigint", "sum of amounts", "amount", "minor units"),
        Column("amount_sum_sq", "decimal(38,0)", "sum of squared amounts", "amount", "minor units squared"),
        Column("amount_max", "bigint", "largest amount", "amount", "minor units"),
        Column("last_time", "bigint", "time of the last transaction", unit="UTC seconds"),
        Column("hours", HOUR_BUCKETS, "the same by hour number (hours since 1970-01-01), ascending", "amount"),
    )


CATALOG: Final = "lake"
NAMESPACE: Final = "antifraud"
"""Namespace of the tables in the Iceberg catalog; SQL names them by it."""

CLEAN: Final = Table(
    "clean",
    "Usable transactions, with tokens instead of ids. Readers start from this table, because it is published last.",
    ("day",),
    ("event_time", "transaction_id"),
    (DAY, TRANSACTION, TIME, CUSTOMER, TERMINAL, AMOUNT, GROUP),
)
QUARANTINE: Final = Table(
    "quarantine",
    "Unusable rows: where each one is and why it is unusable, never its content.",
    ("day",),
    ("file", "line"),
    (
        Column("day", "date", "day of the event; its file's nearest day if outside, first day without a usable time"),
        Column("file", "string", "name of the raw file"),
        Column("line", "bigint", "line of the file; the header is line 1"),
        Column("reason", "string", "reason, one of those listed with the columns of the raw files"),
        Column("column", "string", "raw column at fault", null="the row as a whole is at fault"),
    ),
)
LABELS: Final = Table(
    "labels",
    "Labels of transactions, with the time when each became known. If a transaction has several, the "
    "latest by (learned_at, source, sequence) holds.",
    ("day", "source"),
    ("transaction_id",),
    (
        DAY,
        TRANSACTION,
        Column("status", "string", "fraud, legitimate or unknown"),
        Column("learned_at", "bigint", "when it became known", unit="UTC seconds"),
        Column("source", "string", "feed, or the client that posted it"),
        Column("sequence", "bigint", "order within the source"),
        Column("scenario", "int", "fraud scenario of the feed, 0 for none", null="unknown: a client posted the label"),
    ),
    version=2,
)
TOTALS_CUSTOMER: Final = Table(
    "totals_customer", "A customer's transactions of one day.", ("day",), ("customer",), _totals(CUSTOMER)
)
TOTALS_TERMINAL: Final = Table(
    "totals_terminal",
    "A terminal's transactions of one day, and the hours in which their labels were learnt.",
    ("day",),
    ("terminal",),
    (
        *_totals(TERMINAL),
        Column(
            "label_changes",
            CHANGES,
            "changes of the day's labelled transactions and frauds, by the hour number of the change and by that of "
            "their place in the windows, ascending",
        ),
    ),
    version=2,
    retired=("learned",),
)
STATE: Final = Table(
    "state",
    "Everything known of each customer and terminal at the end of a day, the cut-off. Features and the scorer both "
    "start from this table.",
    ("day", "kind"),
    ("entity",),
    (
        Column("day", "date", "the cut-off: last closed day"),
        Column("kind", "string", "customer or terminal"),
        Column("entity", "string", "its token", "token"),
        Column("days", DAY_BUCKETS, "buckets of the last 30 days by day number, without empty days", "amount"),
        Column("hours", HOUR_BUCKETS, "buckets of the cut-off day by hour number, without empty hours", "amount"),
        *(
            Column(f"closed_{days}d", BUCKET, f"sum of `days` over the last {days} days", "amount")
            for days in WINDOWS[1:]
        ),
        *(
            Column(f"{count}_{days}d", "bigint", f"{text} of the last {days} days up to the cut-off; 0 for customers")
            for days in WINDOWS[1:]
            for count, text in (("known", "labels learnt"), ("fraud", "frauds among the labels learnt"))
        ),
        Column(
            "label_days",
            LABEL_DAYS,
            "labels known at the cut-off by the day of their place; one day may have several entries, which add up",
        ),
        Column("label_hours", LABEL_HOURS, "the same by hour number, of places on the cut-off day, ascending"),
        Column("last_legit", "int", "hour number in which the last legitimate label was learnt; -1 for none"),
        Column("streak", STREAK, "frauds learnt since, by hour number; entries of one hour add up"),
        Column("changes_ahead", CHANGES, "changes that become known on the two days after the cut-off, ascending"),
        Column(
            "label_changes",
            DAY_CHANGES,
            "`label_changes` of a terminal's totals by day number, for days with labels that this cut-off or a later "
            "one counts; empty for customers",
        ),
    ),
    version=5,
    retired=("known_1d", "fraud_1d", "streak_fraud", "streak_age", "legit_age", "labels"),
)
FEATURES: Final = Table(
    "features",
    "Feature vectors of a day's events.",
    ("day",),
    ("event_time", "transaction_id"),
    (
        DAY,
        TRANSACTION,
        TIME,
        CUSTOMER,
        TERMINAL,
        Column("amount_minor", "bigint", "amount of the transaction", "amount", "minor units"),
        *(
            Column(
                f.name,
                "double",
                f.meaning + (f", {f.window} days" if f.window else ""),
                "amount" if f.unit == "RUB" else "public",
                f.unit,
                f.null,
            )
            for f in REGISTRY
        ),
        GROUP,
    ),
    version=FORMULA_VERSION,
)
SCORES: Final = Table(
    "scores",
    "Score tables: a candidate's rows reduced to counts by day and score. Transactions without a label are counted "
    "apart.",
    ("release",),
    ("day", "score"),
    (
        Column("release", "string", "id of the release (or candidate) that scored"),
        Column("window", "string", "select, certify, or history (a sample of legitimate transactions)"),
        DAY,
        Column("score", "int", "risk", unit="parts per million"),
        Column("legit", "bigint", "legitimate transactions", unit="transactions"),
        Column("fraud", "bigint", "frauds", unit="transactions"),
        Column("fraud_amount", "bigint", "amount of the frauds", unit="minor units"),
        Column("fraud_amount_sq", "decimal(38,0)", "squares of their amounts, summed", unit="minor units squared"),
        Column("fraud_amount_max", "bigint", "largest fraud", unit="minor units"),
        Column("unknown", "bigint", "transactions without a label", unit="transactions"),
    ),
)
RUNS: Final = Table(
    "runs",
    "Published days of each table, and the hash of their inputs. A day without a row, or with `expired` in its counts, "
    "is stale.",
    (),
    (),
    (
        Column("table", "string", "table that was published; `feed` for what raw files said about a day"),
        Column("day", "date", "day that was published"),
        Column("inputs", "string", "hash of everything that the day was made from"),
        Column("snapshot_id", "bigint", "Iceberg snapshot that published it"),
        Column("rows", "bigint", "rows published", unit="rows"),
        Column("counts", "string", "more counts, JSON"),
        Column(
            "sequence",
            "bigint",
            "Iceberg sequence number of that snapshot; of two runs of a day the run with the larger number holds",
        ),
    ),
)
FILES: Final = Table(
    "files",
    "Raw files that were read, a row for each version of a file. A file with the status or the checksum of a row is "
    "not read again to learn which days it covers.",
    (),
    (),
    (
        Column("path", "string", "path below the folder of raw files"),
        Column("size", "bigint", "size", unit="bytes"),
        Column("modified", "bigint", "time of the last write", unit="ns"),
        Column(
            "changed", "bigint", "time of the last change, also of its status", unit="ns", null="S3 has no such time"
        ),
        Column("version", "string", "entity tag in S3, inode number on a disk"),
        Column("sha256", "string", "checksum of the bytes"),
        Column("whole", "boolean", "whether all rows were read, and not only the overlap into the next file"),
        Column("days", DAY_ROWS, "rows by UTC day, usable ones, and the last one's second; empty unless `whole`"),
    ),
)

TABLES: Final[tuple[Table, ...]] = (
    CLEAN, QUARANTINE, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES, SCORES, RUNS,
    FILES, OUTCOMES, JUDGED_SCORES, *SHIPPED_TABLES,
)  # fmt: skip


def identifiers_among(names: Iterable[str]) -> list[str]:
    """Return the names that a column of class ``identifier`` has in the raw files, in upper or lower case.

    >>> identifiers_among(["day", "Customer_ID"])
    ['Customer_ID']
    """
    called = {column.name for column in RAW.identifiers}
    return sorted(name for name in names if name.lower() in called)
