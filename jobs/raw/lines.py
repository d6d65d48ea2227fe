"""Lines of raw files with their exact line numbers, however Spark splits the files.

Spark reads a split in order and numbers the rows of a partition consecutively. The number of a line is therefore its
place in its split plus the lines of all splits before. A first pass counts the lines of each split.

NULs at the end of a file are taken off here, and carriage returns at the end of a line in `jobs/raw/columns.py`.
`antifraud/lake/raw_lines.py` does both for readers in Python.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from antifraud.settings.locations import WILDCARD

SPLIT: Final = ["file", "block"]
FIRST_DATA_LINE: Final = 2
RAW_READER: Final = {
    "lineSep": "\n",
    # Hadoop compares a file on a disk with the checksums in a hidden sidecar, `.NAME.crc`. A raw file that was replaced
    # without its sidecar would fail. The class without checksums holds for this read only, if it is not cached.
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
}
"""Options by which Spark reads exactly the bytes that the checks of `jobs.raw.files` have read."""
SPLITS_AT_LEAST: Final = "spark.sql.files.minPartitionNum"
PADDING: Final = r"[\r\x00]+\z"
"""NULs at the end of a file, with carriage returns among them."""


def read_lines(spark: SparkSession, paths: Sequence[Path]) -> tuple[DataFrame, Mapping[str, int]]:
    """Return the data lines of the files (`file`, `line`, `text`; the header is line 1), and how many each file has."""
    lines = _numbered(spark, paths)
    splits = lines.groupBy(*SPLIT).agg(*_counts()).collect()
    offsets, totals, padded = [], {}, {}
    # Splits of a file in their order: `first_row` is what Spark numbered the first row of the split with.
    for file, group in groupby(sorted(splits, key=itemgetter(*SPLIT)), key=itemgetter("file")):
        before, of_file = 0, list(group)
        for split in of_file:
            offsets.append((file, split["block"], before - split["first_row"] + 1))
            before += split["lines"]
        totals[file] = before - (FIRST_DATA_LINE - 1)
        if _ends_padded(of_file[-1]):
            padded[file] = before
            # A last line of nothing but NULs is the rest of a block of the disk.
            totals[file] -= of_file[-1]["padded"]["blank"]
    offset_rows = spark.createDataFrame(offsets, "file string NOT NULL, block bigint NOT NULL, offset bigint NOT NULL")
    numbered = lines.join(F.broadcast(offset_rows), SPLIT, "inner").withColumn("line", F.col("row") + F.col("offset"))
    data = numbered.where(F.col("line") >= FIRST_DATA_LINE).select("file", "line", "text")
    return _without_padding(data, padded) if padded else data, totals


def name_of(path: Path) -> str:
    r"""Return a path with its wildcards escaped, so that Spark reads that file and no other.

    Spark's own option for that, ``__globPaths__``, reads each of n files n times.

    >>> name_of(Path("/srv/feed {old}/[1]?"))
    '/srv/feed \\{old\\}/\\[1\\]\\?'
    """
    return WILDCARD.sub(r"\\\g<0>", str(path))


def _numbered(spark: SparkSession, paths: Sequence[Path]) -> DataFrame:
    # Every pass must split the files alike. Spark splits by the number of executors, which may come and go meanwhile.
    if not spark.conf.get(SPLITS_AT_LEAST, None):
        spark.conf.set(SPLITS_AT_LEAST, spark.sparkContext.defaultParallelism)
    # A carriage return alone ends no line.
    return (
        spark.read.options(**RAW_READER)
        .text([name_of(path) for path in paths])
        .select(
            F.col("_metadata.file_name").alias("file"),
            F.col("_metadata.file_block_start").alias("block"),
            F.monotonically_increasing_id().alias("row"),
            F.col("value").alias("text"),
        )
    )


def _counts() -> list[Column]:
    """Return what is counted in each split: its lines, its first row, and its last line that ends with NULs."""
    text = F.col("text")
    # Looked for by bytes first: a regular expression for each line would cost more than counting it.
    padded = text.endswith("\0") | (text.endswith("\r") & text.rlike(rf"\x00{PADDING}"))
    line = F.struct("row", (F.regexp_replace(text, PADDING, "") == "").alias("blank"))
    return [
        F.count(F.lit(1)).alias("lines"),
        F.min("row").alias("first_row"),
        F.max(F.when(padded, line)).alias("padded"),
    ]


def _ends_padded(split: Row) -> bool:
    return split["padded"] is not None and split["padded"]["row"] == split["first_row"] + split["lines"] - 1


def _without_padding(data: DataFrame, last_lines: Mapping[str, int]) -> DataFrame:
    """Return the lines without the NULs that end the given last lines; a line of nothing else is dropped."""
    is_last = reduce(Column.__or__, ((F.col("file") == name) & (F.col("line") == n) for name, n in last_lines.items()))
    text = F.when(is_last, F.regexp_replace("text", PADDING, "")).otherwise(F.col("text"))
    return data.where(~(is_last & F.col("text").rlike(rf"^{PADDING}"))).select("file", "line", text.alias("text"))
