"""Read from Spark's event log what its tasks read, table by table.

A scan of an Iceberg table reports how many data files it chose, their size, and how many manifests it opened. A task
reports the bytes and records that it read. The counters that it updated identify the scan that it read them for.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, Self

from pyspark.sql import SparkSession

from antifraud.lake.schemas import CATALOG, NAMESPACE

SCAN: Final = f"BatchScan {CATALOG}.{NAMESPACE}."
TEXT_SCAN: Final = "Scan text"
RAW: Final = "raw files"
"""Name for reads of text files."""
ELSEWHERE: Final = "elsewhere"
"""Name for reads without a scan: rows that Spark keeps between two queries."""
COUNTED: Final = {
    "number of result data files": "files",
    "total data file size (bytes)": "file_bytes",
    "number of files read": "files",
    "size of files read": "file_bytes",
    "number of scanned data manifests": "manifests",
    "number of skipped data manifests": "manifests_skipped",
}
"""Fields of `Read` by the name of the scan's metric that they add up."""
WRITER: Final = {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}


@dataclass(frozen=True, slots=True)
class Read:
    """Reads of one table; a file that was read twice counts twice.

    Tasks count `bytes` and `records`. Scans choose `files`, data files with `file_bytes` in all. Iceberg fetches
    columns in its own threads, which no task counts, and skips columns that are not needed. The bytes read from Parquet
    therefore lie between `bytes`, the footers of the files, and `file_bytes`.

    Scans read `manifests` and skip `manifests_skipped`, which hold no such day according to the list of manifests.
    """

    bytes: int = 0
    records: int = 0
    files: int = 0
    file_bytes: int = 0
    manifests: int = 0
    manifests_skipped: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def data(self) -> tuple[int, int, int, int]:
        """The counts without metadata: `bytes`, `records`, `files`, `file_bytes`."""
        return self.bytes, self.records, self.files, self.file_bytes


@contextmanager
def event_log(spark: SparkSession, path: Path) -> Iterator[None]:
    """Write an event log inside the block; the name of its file has only lower-case letters and hyphens."""
    jvm: Any = spark._jvm  # noqa: SLF001 - a session that runs already cannot be told to write one
    context: Any = spark.sparkContext._jsc.sc()  # noqa: SLF001
    conf = context.conf().clone()
    for key, value in WRITER.items():
        conf.set(key, value)
    folder, nobody = jvm.java.net.URI(path.parent.resolve().as_uri()), jvm.scala.Option.empty()
    listener = jvm.org.apache.spark.scheduler.EventLoggingListener(
        path.name, nobody, folder, conf, context.hadoopConfiguration()
    )
    context.listenerBus().waitUntilEmpty()
    listener.start()
    context.addSparkListener(listener)
    try:
        yield
        context.listenerBus().waitUntilEmpty()
    finally:
        context.removeSparkListener(listener)
        listener.stop()


def reads_of(log: Iterable[str]) -> dict[str, Read]:
    """Return the reads in the lines of an event log, by the name of the table, `RAW` or `ELSEWHERE`.

    A task that reads for scans of several tables counts under their names joined by a plus.
    """
    events = [json.loads(line) for line in log]
    metrics = {number: metric for event in events for number, metric in _metrics(event.get("sparkPlanInfo"))}
    found: dict[str, Read] = defaultdict(Read)
    for event in events:
        for table, read in (*_chosen(event, metrics), *_task(event, metrics)):
            found[table] += read
    return {table: read for table, read in sorted(found.items()) if any(astuple(read))}


def total(reads: Mapping[str, Read]) -> Read:
    """Return the sum of the reads of files over all tables."""
    return sum((read for table, read in reads.items() if table != ELSEWHERE), Read())


def _metrics(plan: Any) -> Iterator[tuple[int, tuple[str, str]]]:
    """Return the counters of every scan of a plan: number, and table with metric name."""
    if not plan:
        return
    if (table := _table(plan["nodeName"])) is not None:
        yield from ((metric["accumulatorId"], (table, metric["name"])) for metric in plan["metrics"])
    for child in plan["children"]:
        yield from _metrics(child)


def _table(node: str) -> str | None:
    if node.startswith(SCAN):
        return node.removeprefix(SCAN)
    return RAW if node.startswith(TEXT_SCAN) else None


def _chosen(event: Mapping[str, Any], metrics: Mapping[int, tuple[str, str]]) -> Iterator[tuple[str, Read]]:
    """Yield the table and the reads of each metric that the driver reports for a planned scan."""
    for number, value in event.get("accumUpdates", ()):
        table, name = metrics.get(number, ("", ""))
        if name in COUNTED:
            yield table, Read(**{COUNTED[name]: value})


def _task(event: Mapping[str, Any], metrics: Mapping[int, tuple[str, str]]) -> Iterator[tuple[str, Read]]:
    if event["Event"] != "SparkListenerTaskEnd" or not event.get("Task Metrics"):
        return
    tables = {metrics[each["ID"]][0] for each in event["Task Info"]["Accumulables"] if each["ID"] in metrics}
    counted = event["Task Metrics"]["Input Metrics"]
    yield "+".join(sorted(tables)) or ELSEWHERE, Read(counted["Bytes Read"], counted["Records Read"])
