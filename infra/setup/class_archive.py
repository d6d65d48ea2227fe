"""Archive the loaded classes of Spark and its jars, so that every job starts some seconds sooner.

    python -m infra.setup.class_archive

A JVM reads, parses and verifies each class that it loads. From an archive (class-data sharing, JEP 350) it only maps
it into memory. The archive holds the classes of a small query on an empty lake, and lies beside the jars. It is valid
for one JVM and one class path; other JVMs run without it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from antifraud.jars import ARCHIVE, JARS
from antifraud.settings.core import JobSettings

QUERY = "--query"


def main() -> None:
    """Run the query in its own process: the JVM writes the archive when it ends."""
    fresh, log = JARS / "classes.new", JARS / "classes.log"
    (JARS / ARCHIVE).unlink(missing_ok=True)
    environ = {**os.environ, "SPARK_SUBMIT_OPTS": f"-XX:ArchiveClassesAtExit={fresh}"}
    with log.open("w") as output:
        query = [sys.executable, "-m", "infra.setup.class_archive", QUERY]
        done = subprocess.run(query, env=environ, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode or not fresh.exists():
        # The archive is optional, so a JVM that cannot write one must not fail the set-up.
        print(f"no archive of classes was written, so jobs start some seconds later: {log} says why")
        return
    fresh.rename(JARS / ARCHIVE)
    log.unlink()


def query() -> None:
    """Run the operations that jobs use, on a lake in a temporary folder: create, write, sort, join, aggregate."""
    from jobs.publishing.tables import create_tables
    from jobs.spark.session import start_session

    with tempfile.TemporaryDirectory() as home:
        settings = JobSettings(home=Path(home))
        spark = start_session("class_archive", settings)
        create_tables(spark, settings)
        rows = spark.range(1_000).selectExpr("id % 7 AS day", "cast(id AS string) AS token", "id AS amount")
        rows.writeTo("lake.archived").using("iceberg").partitionedBy(rows.day).create()
        written = spark.table("lake.archived")
        sums = written.groupBy("token").agg({"amount": "sum"})
        written.join(sums, "token").sort("token").toPandas()
        gateway: Any = spark.sparkContext._gateway  # noqa: SLF001 - there is no public way to the JVM's process
        gateway.proc.communicate()  # ends the JVM by closing its standard input


if __name__ == "__main__":
    query() if QUERY in sys.argv else main()
