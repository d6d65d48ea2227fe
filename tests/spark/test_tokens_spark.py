"""Spark's token expressions reproduce the shared vectors."""

import json
from pathlib import Path

from pyspark.sql import functions as F  # noqa: N812

from antifraud.keys.pseudonym import Key
from jobs.raw.tokens import hide, token

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "golden" / "tokens.json").read_text())


def test_spark_reproduces_the_vectors(spark):
    """For every key, kind and id, Spark makes the token that openssl makes; null stays null."""
    ids = spark.createDataFrame([(vector["id"],) for vector in VECTORS] + [(None,)], "id bigint")
    keys = {(vector["key_id"], vector["secret"], vector["kind"]) for vector in VECTORS}
    columns = [token(hide(spark, Key(name, bytes.fromhex(secret))), kind, F.col("id")).alias(f"{name}-{kind}")
               for name, secret, kind in sorted(keys)]  # fmt: skip
    found = {row["id"]: row.asDict() for row in ids.select("id", *columns).collect()}

    assert all(found[v["id"]][f"{v['key_id']}-{v['kind']}"] == v["token"] for v in VECTORS)
    assert set(found[None].values()) == {None}
