"""The Spark session of a job: the lake's Iceberg catalog, UTC, and nothing that would write rows into logs."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from antifraud.errors import SettingsError
from antifraud.jars import CLASS_PATH, JARS, driver_options
from antifraud.lake.schemas import CATALOG
from antifraud.lake.storage import CONNECT_SECONDS, LOCK_SECONDS, catalog_url, load_account
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import bucket_of, catalog_address, is_remote

SHUFFLE_PARTITIONS: Final = 8
"""Few: adaptive execution splits what is large, but the smallest job pays for every one of them."""
DRIVER_MEMORY: Final = "2g"
S3A: Final = "spark.hadoop.fs.s3a"
RETRY_PAUSE: Final = "1s"
"""Before the second attempt; doubled before each further one."""
SPARK_SUBMIT: Final = "PYSPARK_GATEWAY_PORT"
"""Set by spark-submit for the Python that it starts: the JVM is running already."""
GENERAL: Final[dict[str, str]] = {
    "spark.driver.memory": DRIVER_MEMORY,
    "spark.log.level": "ERROR",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
    # Of raw text, half of Spark's own: with longer tasks a core waits longer for the last one.
    "spark.sql.files.maxPartitionBytes": "64m",
    # The JVM interprets methods of more than 8,000 bytes for ever; Spark's own limit would let them be.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # Ten times Spark's own: a job has some hundred generated classes, and what falls out is compiled anew, first by
    # Spark and then by the JVM, each time that the job comes by.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # Tokens do not repeat within a batch: looking for repetitions costs more than it saves.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Errors would tell the line of Python that made a column, at the price of a question to the JVM for each.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Every query's plan is written out for the UI and the event log, even if there is neither.
    "spark.sql.ui.explainMode": "simple",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A file a job that nobody reads; a cluster may switch it on, for plans show no key (jobs/raw/tokens.py).
    "spark.eventLog.enabled": "false",
}
"""Spark's configuration of every session, whatever its lake."""


def start_session(name: str, settings: JobSettings) -> SparkSession:
    """Start (or get) the session `name`, under spark-submit as well as under plain Python.

    Raises:
        SettingsError: The jars are missing, or Spark has no driver for the catalog's kind of database.
    """
    folder = settings.jars_dir or JARS
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise SettingsError(f"no jars in {folder}: run `make setup`, or set ANTIFRAUD_JARS_DIR")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Workers would start the first python3 on PATH, which may lack every package.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _ensure_jvm(folder)
    _require_same_names(settings)
    configuration = GENERAL | _for_executors(jars) | lake_configuration(settings) | s3_configuration(settings)
    builder = SparkSession.builder.appName(name)
    for key, value in configuration.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def lake_configuration(settings: JobSettings) -> dict[str, str]:
    """Spark's configuration of the Iceberg catalog that the settings name."""
    catalog = f"spark.sql.catalog.{CATALOG}"
    account = load_account(settings.catalog_account) if settings.catalog_account else None
    login = {f"{catalog}.jdbc.user": account.user, f"{catalog}.jdbc.password": account.password} if account else {}
    return login | {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "jdbc",
        f"{catalog}.uri": jdbc_uri(settings),
        f"{catalog}.jdbc.schema-version": "V1",
        # SQLite: wait for a process that is writing; other databases do not know the property.
        f"{catalog}.jdbc.busy_timeout": str(LOCK_SECONDS * 1_000),
        f"{catalog}.warehouse": settings.lake_warehouse,
        # Other processes publish too; a cached table would be an old one.
        f"{catalog}.cache-enabled": "false",
    }


def s3_configuration(settings: JobSettings) -> dict[str, str]:
    """Hadoop's configuration of the buckets that the settings name, each with the account of its own zone."""
    zones = ((settings.raw_location, settings.raw_account), (settings.lake_warehouse, settings.lake_account))
    found: dict[str, str] = {}
    for location, account in zones:
        if is_remote(location):
            found |= _bucket(settings, f"{S3A}.bucket.{bucket_of(location)}", account)
    return found | _patience(settings) if found else {}


def _patience(settings: JobSettings) -> dict[str, str]:
    """How long Hadoop waits for S3; by its defaults a job waits for hours for a server that is too busy."""
    retries = str(settings.s3_attempts - 1)
    return {
        f"{S3A}.connection.establish.timeout": f"{CONNECT_SECONDS}s",
        f"{S3A}.connection.timeout": f"{settings.s3_timeout_seconds}s",
        # Attempts of Hadoop's client, each of which would be as many of its own.
        f"{S3A}.attempts.maximum": "1",
        f"{S3A}.retry.limit": retries,
        f"{S3A}.retry.interval": RETRY_PAUSE,
        f"{S3A}.retry.throttle.limit": retries,
        f"{S3A}.retry.throttle.interval": RETRY_PAUSE,
    }


def _bucket(settings: JobSettings, prefix: str, account_file: Path | None) -> dict[str, str]:
    found = {f"{prefix}.endpoint.region": settings.s3_region}
    if settings.s3_endpoint:
        found |= {
            f"{prefix}.endpoint": settings.s3_endpoint,
            f"{prefix}.path.style.access": "true",
            f"{prefix}.connection.ssl.enabled": str(settings.s3_endpoint.startswith("https")).lower(),
        }
    if account_file:
        account = load_account(account_file)
        found |= {
            f"{prefix}.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
            f"{prefix}.access.key": account.user,
            f"{prefix}.secret.key": account.password,
        }
    return found


def jdbc_uri(settings: JobSettings) -> str:
    """The JDBC form of the catalog's URI; user and password of PostgreSQL come from their account file.

    >>> jdbc_uri(JobSettings(catalog_uri="postgresql+psycopg2://user@db.example/lake?sslmode=require"))
    'jdbc:postgresql://db.example:5432/lake?sslmode=require'
    """
    if file := settings.catalog_file:
        file.parent.mkdir(parents=True, exist_ok=True)
        # As a URI of SQLite's own: after a plain path the driver takes ? and % for its own.
        return f"jdbc:sqlite:file:{quote(str(file))}"
    options = urlencode(catalog_url(settings).query)
    return f"jdbc:{catalog_address(settings.lake_catalog_uri)}" + (f"?{options}" if options else "")


def _ensure_jvm(folder: Path) -> None:
    """Start the driver's JVM with the jars in `folder`, or let one that runs see them."""
    # A JVM that Python starts is told its configuration on a command line, which every user can read: so it is
    # started without the accounts, which follow over the authenticated local connection.
    options = driver_options(folder)
    SparkContext._ensure_initialized(conf=SparkConf().setAll(list((GENERAL | options).items())))  # noqa: SLF001
    if SparkConf().get(CLASS_PATH) == options[CLASS_PATH] or SPARK_SUBMIT not in os.environ:
        return
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for jar in sorted(folder.glob("*.jar")):
        loader.addURL(jvm.java.io.File(str(jar)).toURI().toURL())


def _require_same_names(settings: JobSettings) -> None:
    """Refuse a JVM that would write another name than Python's: outside ASCII it goes by the locale it started with.

    Raises:
        SettingsError: Such a name is among the settings' folders.
    """
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    encoding = str(jvm.java.lang.System.getProperty("sun.jnu.encoding"))
    places = (settings.raw_location, settings.lake_warehouse, str(settings.catalog_file or ""))
    if encoding.upper() not in {"UTF-8", "UTF8"} and not all(map(str.isascii, places)):
        raise SettingsError(
            f"the locale's encoding is {encoding}, in which Spark cannot spell the folders of the settings: set "
            "LC_ALL=C.UTF-8, or choose names of ASCII"
        )


def _for_executors(jars: Sequence[Path]) -> dict[str, str]:
    """The jars for executors in processes of their own; those of a local master are in the driver's."""
    local = (SparkConf().get("spark.master") or "local").startswith("local")
    return {} if local else {"spark.jars": ",".join(map(str, jars))}
