"""Tokens by native Spark expressions: the same function as `antifraud.keys.pseudonym.tokenise`, without Python workers.

HMAC (RFC 2104) spelled out: ``H(key ^ opad, H(key ^ ipad, message))`` with the key padded to a block of SHA-256.

Spark prints literals into plans, and plans into the UI, event logs and error messages. So the two padded keys are not
literals but rows of a relation in the driver's memory. Each query reads them as a scalar subquery, and its plan shows
only the column's name. The keys reach the executors with the tasks and are never in a file
(tests/spark/test_key_hidden.py).
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import Any, Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from antifraud.keys.pseudonym import DIGEST_BYTES, Key, Kind

BLOCK_BYTES: Final = 64
PADS: Final = {"inner": 0x36, "outer": 0x5C}
TOKEN_CHARACTERS: Final = 22
SHA256_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class HiddenKey:
    """A key that expressions use and plans do not show; `view` is the name by which the session finds it."""

    key_id: str
    view: str


def hide(spark: SparkSession, key: Key) -> HiddenKey:
    """Make a key usable by the expressions of this session."""
    jvm: Any = spark._jvm  # noqa: SLF001 - createDataFrame of PySpark would write the key into a temporary file
    session: Any = spark._jsparkSession  # noqa: SLF001
    values = spark.sparkContext._gateway.new_array(jvm.java.lang.Object, len(PADS))  # type: ignore[union-attr]  # noqa: SLF001
    for position, pad in enumerate(PADS.values()):
        values[position] = pad_key(key.secret, pad)
    rows = jvm.java.util.ArrayList()
    rows.add(jvm.org.apache.spark.sql.RowFactory.create(values))
    schema = StructType([StructField(name, BinaryType()) for name in PADS])
    relation = DataFrame(session.createDataFrame(rows, session.parseDataType(schema.json())), spark)
    hidden = HiddenKey(key.key_id, f"hidden_{key.key_id}")
    relation.createOrReplaceTempView(hidden.view)
    return hidden


def token(key: HiddenKey, kind: Kind, identifier: Column) -> Column:
    """Return the token of an integer column; null for null."""
    inner, outer = (F.expr(f"(SELECT {name} FROM {key.view})") for name in PADS)  # noqa: S608 - names of our own
    message = F.concat(F.lit(f"{kind}:"), identifier.cast("string")).cast("binary")
    digest = F.sha2(F.concat(outer, F.unhex(F.sha2(F.concat(inner, message), SHA256_BITS))), SHA256_BITS)
    # Cut as bytes: Spark counts characters one by one.
    encoded = F.substring(F.base64(F.substring(F.unhex(digest), 1, DIGEST_BYTES)), 1, TOKEN_CHARACTERS)
    # Two replacements of one character are several times faster than `translate`.
    safe = F.replace(F.replace(encoded, F.lit("+"), F.lit("-")), F.lit("/"), F.lit("_"))
    return F.concat(F.lit(f"{key.key_id}."), safe)


def token_by_day(keys: Mapping[dt.date, HiddenKey], kind: Kind, identifier: Column) -> Column:
    """Return the token under the key of the row's `day`; null on days without a key."""
    # By key and not by day: each branch computes two digests, and a backfill has many days and few keys.
    days: dict[HiddenKey, list[dt.date]] = {}
    for day, key in keys.items():
        days.setdefault(key, []).append(day)
    by_key = [F.when(_among(those), token(key, kind, identifier)) for key, those in days.items()]
    return F.coalesce(*by_key) if by_key else F.lit(None).cast("string")


def _among(days: Iterable[dt.date]) -> Column:
    """Return whether the row's day is one of `days`, which are hundreds for a file that was not read before."""
    numbered = enumerate(sorted(days))
    spans = [list(span) for _, span in groupby(numbered, key=lambda item: item[1].toordinal() - item[0])]
    within = [F.col("day").between(F.lit(span[0][1]), F.lit(span[-1][1])) for span in spans]
    return reduce(Column.__or__, within)


def pad_key(secret: bytes, pad: int) -> bytearray:
    """Return a key of at most one block, padded with zeros, xor `pad`, as HMAC wants it."""
    return bytearray(byte ^ pad for byte in secret.ljust(BLOCK_BYTES, b"\0"))
