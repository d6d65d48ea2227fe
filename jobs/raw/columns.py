"""One raw line into typed columns, each null where its text does not follow the contract."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

COLUMNS: Final = (
    "tranaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount", "tx_time_seconds", "tx_time_days",
    "tx_fraud", "tx_fraud_scenario",
)  # fmt: skip
"""As the files spell them."""
# Ended by \z: Java's $ would let a carriage return pass.
NATURAL: Final = r"^[0-9]{1,18}\z"
SECONDS: Final = r"^[0-9]{1,10}\z"
INTEGER: Final = r"^-?[0-9]{1,9}\z"
MONEY: Final = r"^(-?)([0-9]{1,10})(?:\.([0-9]{1,2}))?\z"
SMALL: Final = r"^[0-9]{1,2}\z"
DATETIME: Final = "yyyy-MM-dd HH:mm:ss"
DATETIME_SHAPE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\z"
MIDNIGHT_AFTER: Final = " 24:00:00"
DAY_SECONDS: Final = 86_400


def parse(lines: DataFrame) -> DataFrame:
    """Typed columns of every line beside `file`, `line` and `complete` (whether the line has all columns).

    `printed_time` is UTC seconds of the printed date and time, `at_24` whether it was printed as ``24:00:00``;
    `amount` is minor units and may be zero or negative here.
    """
    parts = lines.withColumn("parts", F.split("text", ",")).withColumn("complete", F.size("parts") == len(COLUMNS))
    raw = {name: F.when(F.col("complete"), F.col("parts")[i]) for i, name in enumerate(COLUMNS)}
    at_24 = raw["tx_datetime"].rlike(DATETIME_SHAPE) & raw["tx_datetime"].endswith(MIDNIGHT_AFTER)
    return parts.select(
        "file",
        "line",
        "complete",
        _number(raw["tranaction_id"], NATURAL).alias("transaction_id"),
        F.coalesce(at_24, F.lit(False)).alias("at_24"),
        _time(raw["tx_datetime"], at_24).alias("printed_time"),
        _number(raw["customer_id"], NATURAL).alias("customer_id"),
        _number(raw["terminal_id"], NATURAL).alias("terminal_id"),
        _minor_units(raw["tx_amount"]).alias("amount"),
        _number(raw["tx_time_seconds"], SECONDS).alias("seconds"),
        _number(raw["tx_time_days"], INTEGER).alias("days"),
        F.when(raw["tx_fraud"].isin("0", "1"), raw["tx_fraud"] == "1").alias("is_fraud"),
        _number(raw["tx_fraud_scenario"], SMALL).cast("int").alias("scenario"),
    )


def _number(text: Column, shape: str) -> Column:
    return F.when(text.rlike(shape), text.cast("bigint"))


def _time(text: Column, at_24: Column) -> Column:
    """UTC seconds; ``X 24:00:00`` is the midnight that ends day X."""
    day = F.when(at_24, F.concat(F.substring(text, 1, 10), F.lit(" 00:00:00"))).otherwise(text)
    shaped = F.when(text.rlike(DATETIME_SHAPE), day)
    seconds = F.unix_seconds(F.try_to_timestamp(shaped, F.lit(DATETIME)))
    return seconds + F.when(at_24, F.lit(DAY_SECONDS)).otherwise(F.lit(0))


def _minor_units(text: Column) -> Column:
    """``70.91`` is 7091, ``70.9`` is 7090, ``70`` is 7000; never through a float."""
    whole, cents = (F.regexp_extract(text, MONEY, group) for group in (2, 3))
    units = whole.cast("bigint") * 100 + F.rpad(cents, 2, "0").cast("bigint")
    return F.when(text.rlike(MONEY), F.when(F.regexp_extract(text, MONEY, 1) == "-", -units).otherwise(units))
