"""A process that ingests with event log and UI switched on, and saves what a curious operator could see.

    python ingest_watched.py <folder for what was seen> <first day> <last day>

Settings come from the environment. The folder receives the event log, Spark's scratch files, the plans and the pages of
the UI. It also receives what the process table shows of this process and its JVM. Nothing is compressed, because
`test_key_hidden.py` searches the files for the key.
"""

import contextlib
import datetime as dt
import os
import shutil
import sys
import urllib.request
from pathlib import Path

from pyspark.sql import DataFrame

from antifraud.settings.core import JobSettings
from jobs.lake import feed_days
from jobs.lake import ingest as job
from jobs.publishing.tables import create_tables
from jobs.spark import session as sessions

QUERIES = "api/v1/applications/{}/sql?details=true&length=1000"
"""The queries with their plans. The length is given because the UI lists only twenty by default."""
PAGES = ("jobs", "stages", "storage", "environment", "executors", "SQL", QUERIES)


def main(folder: Path, days: list[dt.date]) -> None:
    (folder / "events").mkdir()
    watched = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{folder / 'events'}",
        "spark.eventLog.compress": "false",
        "spark.rdd.compress": "false",
        "spark.shuffle.compress": "false",
        "spark.shuffle.spill.compress": "false",
        "spark.broadcast.compress": "false",
        "spark.ui.enabled": "true",
        "spark.ui.port": "0",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "scratch"),
    }
    sessions.GENERAL.update(watched)
    settings = JobSettings.from_environment(os.environ)
    spark = sessions.start_session("watched", settings)
    create_tables(spark, settings)
    job.judge_rows = watching(job.judge_rows, folder)
    feed_days.clean_rows = watching(feed_days.clean_rows, folder)
    assert job.ingest(spark, settings, days) > 0
    keep_processes(folder)
    no_jars = shutil.ignore_patterns("*.jar")
    shutil.copytree(folder / "scratch", folder / "kept-scratch", ignore=no_jars, copy_function=copy_unless_gone)
    address = spark.sparkContext.uiWebUrl
    for number, page in enumerate(PAGES):
        url = f"{address}/{page.format(spark.sparkContext.applicationId)}"
        (folder / f"page-{number}").write_bytes(urllib.request.urlopen(url).read())  # noqa: S310 - our own UI
    spark.stop()


def watching(make, folder):
    """Wrap `make` so that every plan of its result and Spark's blocks on disk are saved in the folder."""

    def made(*arguments: object) -> DataFrame:
        rows: DataFrame = make(*arguments)
        execution = rows._jdf.queryExecution()
        plans = [str(execution), execution.logical().toString(), execution.optimizedPlan().toString()]
        modes = rows.sparkSession._jvm.org.apache.spark.sql.execution.ExplainMode
        plans += [execution.explainString(modes.fromString(mode)) for mode in ("extended", "codegen", "formatted")]
        (folder / f"plans-{make.__name__}").write_text("\n".join(plans))
        for block in (folder / "scratch").rglob("rdd_*"):
            shutil.copy(block, folder / f"{make.__name__}-{block.name}")
        return rows

    return made


def copy_unless_gone(source: str, target: str) -> None:
    """Copy a file, unless Spark removes it meanwhile, as it does with blocks that are no longer kept."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, target)


def keep_processes(folder: Path) -> None:
    """Save command line and environment of this process and of each child."""
    me = os.getpid()
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    for pid in (str(me), *children):
        for view in ("cmdline", "environ"):
            source = Path("/proc") / pid / view
            if source.exists():
                (folder / f"{view}-{pid}").write_bytes(source.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), [dt.date.fromisoformat(text) for text in sys.argv[2:]])
