"""Count what the tasks of Spark read, by table, from Spark's own event log.

A scan of an Iceberg table reports how many data files it chose, their size, and how many manifests it looked at. Each
task reports the bytes and records that it read. The counters that a task moved name the scan that it read them for.
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
"""Name of all text files together."""
ELSEWHERE: Final = "elsewhere"
"""Name of all reading for no scan: rows that Spark keeps itself between two queries."""
COUNTED: Final = {
    "number of result data files": "files",
    "total data file size (bytes)": "file_bytes",
    "number of files read": "files",
    "size of files read": "file_bytes",
    "number of scanned data manifests": "manifests",
    "number of skipped data manifests": "manifests_skipped",
}
"""Field of `Read` that a scan's metric adds to, by the name of the metric."""
WRITER: Final = {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}


@dataclass(frozen=True, slots=True)
class Read:
    """Reads of one table; a file that was read twice counts twice.

    Iceberg fetches columns by threads of its own, and no task counts their bytes. It skips the columns that are not
    needed. So the true reading of Parquet lies between `bytes`, the ends of the files, and `file_bytes`.

    Attributes:
        bytes: Bytes that tasks count.
        records: Records that tasks count.
        files: Data files that scans chose.
        file_bytes: Whole size of these files.
        manifests: Manifests that scans read.
        manifests_skipped: Manifests that were skipped, because the list of manifests says that they hold no such day.
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
        """All but the metadata: `bytes`, `records`, `files`, `file_bytes`."""
        return self.bytes, self.records, self.files, self.file_bytes


@contextmanager
def event_log(spark: SparkSession, path: Path) -> Iterator[None]:
    """Write an event log of the application meanwhile; the name of the file may have small letters and hyphens only."""
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
    """Add up the reads in the lines of an event log, by name of the table, `RAW` or `ELSEWHERE`.

    If a task reads for scans of several tables, its reads count for all of their names, joined by a plus.
    """
    events = [json.loads(line) for line in log]
    metrics = {number: metric for event in events for number, metric in _metrics(event.get("sparkPlanInfo"))}
    found: dict[str, Read] = defaultdict(Read)
    for event in events:
        for table, read in (*_chosen(event, metrics), *_task(event, metrics)):
            found[table] += read
    return {table: read for table, read in sorted(found.items()) if any(astuple(read))}


def total(reads: Mapping[str, Read]) -> Read:
    """Add up the reads of files, all tables together."""
    return sum((read for table, read in reads.items() if table != ELSEWHERE), Read())


def _metrics(plan: Any) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the counters of every scan of a plan: number, and table with name."""
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
    """Yield what the driver reports about scans that it has planned."""
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
