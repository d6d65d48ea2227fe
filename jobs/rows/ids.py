"""The key of a transaction in the lake, and the scorer's ids read as such keys."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from antifraud.transaction_id import NUMBER_PATTERN, IdScope

KEYS: Final = ("day", "transaction_id")


def with_lake_ids(rows: DataFrame, scope: IdScope) -> DataFrame:
    """Return shipped rows with the lake's numbers as `transaction_id`, without ids that no transaction of the lake has.

    The ids are read as `antifraud.transaction_id.number_of` reads them. Ids of other namespaces are none of the lake's.
    """
    prefix = F.concat(F.date_format("day", "yyyy-MM-dd"), F.lit(":")) if scope == "day" else F.lit("")
    text = F.col("transaction_id")
    digits = F.expr("substring(transaction_id, 12)") if scope == "day" else text
    is_ours = (F.col("namespace") == "") & text.startswith(prefix) & digits.rlike(f"^(?:{NUMBER_PATTERN})$")
    # A case, because a cast of another text is an error.
    number = F.when(is_ours, digits.cast("bigint"))
    return rows.where(is_ours).withColumn("transaction_id", number)
