"""Raw lines as typed columns; a value is null if its text breaks the contract."""

from collections.abc import Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS
from antifraud.lake.raw_format import RawColumn
from antifraud.lake.schemas import RAW

WIDTH: Final = len(RAW.columns)
"""Columns of a file without optional ones."""
MIDNIGHT_AFTER: Final = " 24:00:00"
NUMBERS: Final = {
    "tranaction_id": "transaction_id",
    "customer_id": "customer_id",
    "terminal_id": "terminal_id",
    "tx_time_seconds": "seconds",
    "tx_time_days": "days",
    "tx_fraud_scenario": "scenario",
    "terminal_group_id": "group_id",
}
"""Columns of whole numbers, each with its name in `parse`."""
AMOUNT: Final = RAW.column("tx_amount")
CENTS: Final = 10**12 - 1
"""The largest amount of that shape, in minor units. The limit is lower: `antifraud.lake.raw_defects` judges it."""


def parse(lines: DataFrame, widths: Mapping[str, int]) -> DataFrame:
    """Return typed columns of every line, with `file`, `line` and `complete`: whether the line has all columns.

    `printed_time` is the printed date and time in UTC seconds; `at_24` says whether it was printed as ``24:00:00``.
    `amount` is in minor units and may be zero or negative here. `group_given` says whether the line names a group of
    the terminal, in whatever text.

    Args:
        lines: What `jobs.raw.lines.read_lines` gave.
        widths: Number of columns by name of the file.
    """
    widest = max(widths.values(), default=WIDTH)
    complete = F.size("parts") == _width(widths)
    # A line with another number of columns gets empty texts, so that no later expression looks beyond its end.
    nothing = F.array(*(F.lit("") for _ in range(widest)))
    # One part more than there are columns tells as much as millions, which a line of commas would fill memory with.
    parts = lines.withColumn("parts", F.split("text", ",", widest + 1)).select(
        "file", "line", complete.alias("complete"), F.when(complete, F.col("parts")).otherwise(nothing).alias("parts")
    )
    texts = texts_of(widest)
    values = {f"value_{name}": _cast(text, "bigint") for name, text in texts.items() if name in NUMBERS}
    cents = _cast(f"replace({texts['tx_amount']}, '.', '')", "bigint")
    datetime, fraud = F.expr(texts["tx_datetime"]), F.expr(texts["tx_fraud"])
    printed = F.when(datetime.rlike(_whole("tx_datetime")), datetime)
    read = parts.withColumns(values | {"cents": cents, "printed": printed})
    at_24 = F.coalesce(F.col("printed").endswith(MIDNIGHT_AFTER), F.lit(False))
    numbers = {mine: _number(RAW.column(name), texts.get(name)) for name, mine in NUMBERS.items()}
    group = texts.get("terminal_group_id")
    return read.select(
        "file",
        "line",
        "complete",
        at_24.alias("at_24"),
        _time(at_24).alias("printed_time"),
        _minor_units(texts["tx_amount"]).alias("amount"),
        F.when(fraud == "1", F.lit(True)).when(fraud == "0", F.lit(False)).alias("is_fraud"),
        *(number.alias(name) for name, number in numbers.items()),
        (F.expr(f"{group} <> ''") if group else F.lit(False)).alias("group_given"),
    ).withColumn("scenario", F.col("scenario").cast("int"))


def _width(widths: Mapping[str, int]) -> Column:
    """Return the number of columns of the row's file."""
    wider = {
        width: [name for name, of_file in widths.items() if of_file == width]
        for width in RAW.widths[1:]
        if width in widths.values()
    }
    return F.coalesce(*(F.when(F.col("file").isin(names), width) for width, names in wider.items()), F.lit(WIDTH))


def texts_of(widest: int) -> dict[str, str]:
    """Return SQL of each column's text in files of `widest` columns at most.

    The text is empty in a line with another number of columns, and null where a file has no such column.

    Carriage returns at the end belong to the line end. They are taken off the last column and not off the whole line,
    which may have bytes that are no UTF-8: Spark's `trim` would read beyond its end.
    """
    texts = {name: f"get(parts, {place})" for place, name in enumerate(RAW.column_names[:widest])}
    for place, name in enumerate(RAW.column_names[WIDTH - 1 : widest], start=WIDTH):
        without_end = f"trim(TRAILING '\\r' FROM {texts[name]})"
        is_last = place == widest == WIDTH
        texts[name] = without_end if is_last else f"IF(size(parts) = {place}, {without_end}, {texts[name]})"
    return texts


def _cast(text: str, kind: str) -> Column:
    """Return an SQL expression as another type; null if Spark cannot read it as one."""
    # In SQL, because `Column.try_cast` came with Spark 4.
    return F.expr(f"try_cast({text} AS {kind})")


def _whole(name: str) -> str:
    # Ended by \z: Java's $ would let a carriage return pass.
    return rf"^(?:{RAW.column(name).shape})\z"


def _number(column: RawColumn, text: str | None) -> Column:
    """Return the number that a column's text, in SQL, stands for; null unless the text has the column's shape.

    Most texts are the number as it prints. Comparing with that is far cheaper than a regular expression, which costs
    more than all other checks together.
    """
    if text is None:
        return F.lit(None).cast("bigint")
    value, written = F.col(f"value_{column.name}"), F.expr(text)
    prints_again = (value.cast("string") == written) & value.between(column.least, column.largest)
    return F.when(prints_again | written.rlike(_whole(column.name)), value)


def _time(at_24: Column) -> Column:
    """Return the printed time in UTC seconds; ``X 24:00:00`` is the midnight that ends day X."""
    midnight = _cast("concat(substring(printed, 1, 10), ' 00:00:00')", "timestamp")
    ordinary = _cast("printed", "timestamp")
    return F.when(at_24, F.unix_seconds(midnight) + DAY_SECONDS).otherwise(F.unix_seconds(ordinary))


def _minor_units(text: str) -> Column:
    """Return an amount in minor units, never through a float: ``70.91`` is 7091, ``70.9`` is 7090, ``70`` is 7000."""
    cents = F.col("cents")
    printed = F.concat(F.expr("cents div 100").cast("string"), F.lit("."), F.lpad((cents % 100).cast("string"), 2, "0"))
    shaped = (F.expr(f"try_cast({text} AS {AMOUNT.type})") * 100).cast("bigint")
    return F.when((printed == F.expr(text)) & cents.between(0, CENTS), cents).when(
        F.expr(text).rlike(_whole(AMOUNT.name)), shaped
    )
