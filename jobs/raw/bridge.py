"""The bridge from the tokens of one key to the tokens of another, made from the ids in raw files.

Anybody who has the bridge can follow a customer across a rotation. So it lies in the raw zone, on a disk in a folder of
mode 0700, and is removed with the old key. While both keys are in use, exports of the state have its pairs.
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Final, get_args

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from antifraud.errors import PublishError
from antifraud.keys.pseudonym import Key, Kind
from antifraud.lake.bridges import TOKENS, bridge_folder
from antifraud.lake.feed import RawFile
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import is_remote
from jobs.raw.columns import parse
from jobs.raw.files import widths_of
from jobs.raw.lines import name_of, read_lines
from jobs.raw.tokens import hide, token

PRIVATE: Final = 0o700
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def build_bridge(spark: SparkSession, settings: JobSettings, files: Sequence[RawFile], old: Key, new: Key) -> DataFrame:
    """Return columns `old` and `new`: the two tokens of every customer, terminal and group in the raw files.

    Raises:
        PublishError: Two ids share a token.
    """
    folder = _private_folder(settings, old, new)
    paths = [file.path for file in files]
    lines, _ = read_lines(spark, paths)
    parsed = parse(lines, widths_of(paths))
    before, after = hide(spark, old), hide(spark, new)
    pairs = [
        parsed.select(F.col(f"{kind}_id").alias("id"))
        .where("id IS NOT NULL")
        .select(token(before, kind, F.col("id")).alias("old"), token(after, kind, F.col("id")).alias("new"))
        .distinct()
        for kind in KINDS
    ]
    path = folder / TOKENS
    # Overwritten, so that a repeat after a kill begins anew. Read back, so that tokens are computed only once.
    reduce(DataFrame.unionByName, pairs).write.mode("overwrite").parquet(str(path))
    bridge = spark.read.parquet(name_of(path))
    _require_one_to_one(bridge)
    return bridge


def rekey(rows: DataFrame, table: Table, bridge: DataFrame) -> DataFrame:
    """Return the rows with every token replaced that the bridge knows; others stay, and `require_key` finds them."""
    for column in table.token_names:
        known = bridge.select(F.col("old").alias(column), F.col("new").alias("rekeyed"))
        rows = rows.join(known, column, "left").withColumn(column, F.coalesce("rekeyed", column)).drop("rekeyed")
    return rows.select(*table.column_names)


def require_key(rows: DataFrame, table: Table, key: Key) -> None:
    """Refuse rows with tokens under another key.

    Raises:
        PublishError: Some tokens were missing from the bridge.
    """
    under = reduce(Column.__and__, (F.col(name).startswith(f"{key.key_id}.") for name in table.token_names))
    if strangers := rows.where(~under).count():
        raise PublishError(
            f"{strangers} rows of {table.name} have tokens of no id in the raw files, nothing was published: restore "
            "the raw files that these days were made from"
        )


def _private_folder(settings: JobSettings, old: Key, new: Key) -> Path:
    folder = bridge_folder(settings, old.key_id, new.key_id)
    if not is_remote(settings.raw_location):
        for private in (folder.parent, folder):
            private.mkdir(PRIVATE, exist_ok=True)
    return folder


def _require_one_to_one(bridge: DataFrame) -> None:
    # Two ids with one token would become one customer under the new key, and nobody could tell them apart again.
    counts = bridge.agg(F.count("*"), F.count_distinct("old"), F.count_distinct("new")).first()
    if counts is None or len(set(counts)) != 1:
        raise PublishError("two identifiers share a token under one key: rotate to another key with `keys rotate`")
