"""The Spark session of a job: the lake's Iceberg catalog, UTC, and nothing that would write rows into logs."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pyspark import SparkContext
from pyspark.sql import SparkSession

from antifraud.errors import SettingsError
from antifraud.lake import CATALOG
from antifraud.settings import JobSettings

JARS: Final = Path(__file__).resolve().parents[1] / "infra" / "jars"
SHUFFLE_PARTITIONS: Final = 8
"""Few: adaptive execution splits what is large, but the smallest job pays for every one of them."""
DRIVER_MEMORY: Final = "2g"
SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = "postgresql"
SPARK_SUBMIT: Final = "PYSPARK_GATEWAY_PORT"
"""Set by spark-submit for the Python that it starts: the JVM is running already."""


def start_session(name: str, settings: JobSettings) -> SparkSession:
    """Start (or get) the session `name`, under spark-submit as well as under plain Python.

    Raises:
        SettingsError: The jars are missing, or Spark has no driver for the catalog's kind of database.
    """
    jars = sorted(JARS.glob("*.jar"))
    if not jars:
        raise SettingsError(f"no jars in {JARS}: run `make setup`")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Workers would start the first python3 on PATH, which may lack every package.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name)
    for key, value in (_general(jars) | lake_configuration(settings)).items():
        builder = builder.config(key, value)
    if SPARK_SUBMIT in os.environ:
        _load_into_driver(jars)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _general(jars: Sequence[Path]) -> dict[str, str]:
    return {
        "spark.jars": ",".join(map(str, jars)),
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.log.level": "ERROR",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Plans of ingest hold the key, and event logs hold plans.
        "spark.eventLog.enabled": "false",
    }


def lake_configuration(settings: JobSettings) -> dict[str, str]:
    """Spark's configuration of the Iceberg catalog that the settings name."""
    catalog = f"spark.sql.catalog.{CATALOG}"
    return {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "jdbc",
        f"{catalog}.uri": jdbc_uri(settings.lake_catalog_uri),
        f"{catalog}.jdbc.schema-version": "V1",
        f"{catalog}.warehouse": settings.lake_warehouse,
        # Other processes publish too; a cached table would be an old one.
        f"{catalog}.cache-enabled": "false",
    }


def jdbc_uri(uri: str) -> str:
    """The JDBC form of a catalog URI; user and password of PostgreSQL come from Spark's properties file.

    >>> jdbc_uri("postgresql+psycopg2://user@db.example/lake")
    'jdbc:postgresql://db.example/lake'
    """
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE))
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"jdbc:sqlite:{path}"
    kind, _, address = uri.partition("://")
    if kind.partition("+")[0] != POSTGRESQL:
        raise SettingsError(f"ANTIFRAUD_CATALOG_URI is of kind {kind}: Spark has drivers for sqlite and postgresql")
    return f"jdbc:{POSTGRESQL}://{address.rpartition('@')[2]}"


def _load_into_driver(jars: Sequence[Path]) -> None:
    """Let a JVM that runs already see the jars; ``spark.jars`` alone would reach its executors only."""
    SparkContext._ensure_initialized()  # noqa: SLF001 - there is no public way to the JVM before the session
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for jar in jars:
        loader.addURL(jvm.java.io.File(str(jar)).toURI().toURL())
