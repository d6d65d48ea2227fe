"""The reads of a hand-written event log are added up by table."""

import json

from bench.lake.event_log import ELSEWHERE, RAW, Read, reads_of, total

SQL = "org.apache.spark.sql.execution.ui.SparkListener"


def node(name, metrics=(), children=()):
    """Make a node of a plan with numbered counters."""
    counters = [{"name": text, "accumulatorId": number, "metricType": "sum"} for number, text in metrics]
    return {"nodeName": name, "simpleString": name, "children": list(children), "metadata": {}, "metrics": counters}


def task(bytes_read, records, *moved):
    """Make the end of a task that moved the counters of these numbers."""
    return {
        "Event": "SparkListenerTaskEnd",
        "Task Info": {"Accumulables": [{"ID": number, "Name": "x", "Update": "1"} for number in moved]},
        "Task Metrics": {"Input Metrics": {"Bytes Read": bytes_read, "Records Read": records}},
    }


CLEAN = node(
    "BatchScan lake.antifraud.clean",
    [(1, "number of output rows"), (2, "number of result data files"), (3, "total data file size (bytes)"),
     (4, "number of scanned data manifests"), (5, "number of skipped data manifests"),
     (6, "number of skipped data files")],
)  # fmt: skip
STATE = node("BatchScan lake.antifraud.state", [(11, "number of output rows"), (12, "number of result data files")])
TEXT = node("Scan text ", [(21, "number of output rows"), (22, "number of files read"), (23, "size of files read")])
LOG = [
    {"Event": "SparkListenerLogStart", "Spark Version": "4.1.1"},
    {"Event": f"{SQL}SQLExecutionStart", "executionId": 1, "sparkPlanInfo": node("Project", [(7, "time")], [CLEAN])},
    {"Event": f"{SQL}DriverAccumUpdates", "executionId": 1, "accumUpdates": [[2, 1], [3, 900], [4, 2], [5, 7], [6, 9]]},
    task(700, 10, 1, 7),
    # The plan as it is after a first stage has run: the scan that ran is in it again, and another one beside it.
    {"Event": f"{SQL}SQLAdaptiveExecutionUpdate", "executionId": 1, "sparkPlanInfo": node("Union", (), [CLEAN, STATE])},
    {"Event": f"{SQL}DriverAccumUpdates", "executionId": 1, "accumUpdates": [[12, 3], [99, 1_000]]},
    task(50, 4, 11),
    task(30, 2, 1, 11),
    {"Event": f"{SQL}SQLExecutionStart", "executionId": 2, "sparkPlanInfo": TEXT},
    {"Event": f"{SQL}DriverAccumUpdates", "executionId": 2, "accumUpdates": [[22, 2], [23, 5_000]]},
    task(5_100, 80, 21),
    task(64, 1, 98),
    task(0, 0),
    {"Event": "SparkListenerTaskEnd", "Task Info": {"Accumulables": []}},
]  # fmt: skip


def test_what_was_read_by_table():
    """Tasks by the scans that they read for, data files and manifests by the scan that chose them."""
    assert reads_of(map(json.dumps, LOG)) == {
        "clean": Read(bytes=700, records=10, files=1, file_bytes=900, manifests=2, manifests_skipped=7),
        "clean+state": Read(bytes=30, records=2),
        "state": Read(bytes=50, records=4, files=3),
        RAW: Read(bytes=5_100, records=80, files=2, file_bytes=5_000),
        ELSEWHERE: Read(bytes=64, records=1),
    }


def test_all_tables_together():
    """Every task that read a file counts once."""
    assert total(reads_of(map(json.dumps, LOG))) == Read(5_880, 96, 6, 5_900, 2, 7)
    assert total({}) == Read()


def test_data_is_apart_from_metadata():
    """Manifests grow with a table's history, however little of the table is read."""
    assert Read(1, 2, 3, 4, 5, 6).data == Read(1, 2, 3, 4, 50, 60).data == (1, 2, 3, 4)
