"""The Spark session of a job: the Iceberg catalog of its lake, UTC, and nothing that would write rows into logs."""

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
from antifraud.lake.storage import CONNECT_SECONDS, LOCK_SECONDS, catalog_url
from antifraud.settings.accounts import load_account
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import bucket_of, catalog_address, is_remote

SHUFFLE_PARTITIONS: Final = 8
"""Few, because the smallest job pays for each of them, and adaptive execution splits large ones anyway."""
DRIVER_MEMORY: Final = "2g"
S3A: Final = "spark.hadoop.fs.s3a"
MARKERS: Final = {f"{S3A}.directory.marker.retention": "keep"}
"""By default, the Hadoop of Spark 3.5 deletes markers of parent folders after every file; newer ones leave them."""
RETRY_PAUSE: Final = "1s"
"""Pause before the second attempt; it doubles before each further one."""
SPARK_SUBMIT: Final = "PYSPARK_GATEWAY_PORT"
"""Variable that spark-submit sets for the Python it starts; the JVM is running already then."""
REPEATED: Final = ("org.apache.spark.executor.Executor", "org.apache.spark.scheduler.TaskSetManager")
"""Loggers that write the stack trace of a failed task, which reaches Python as an exception anyway."""
GENERAL: Final[dict[str, str]] = {
    "spark.driver.memory": DRIVER_MEMORY,
    "spark.log.level": "ERROR",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": str(SHUFFLE_PARTITIONS),
    # Half of Spark's default: with larger pieces of raw text, cores wait longer for the last task.
    "spark.sql.files.maxPartitionBytes": "64m",
    # The JVM never compiles a method of more than 8,000 bytes, and Spark's default would generate such methods.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # Ten times Spark's default: a job has some hundred generated classes. A class that falls out of the cache is
    # compiled again by Spark and by the JVM, each time that the job needs it.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # Tokens hardly repeat within a batch, so compression costs more than it saves.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Otherwise every column remembers its line of Python for error messages, which costs a call of the JVM each.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Spark writes every query's plan out for UI and event log, even without either; the simple mode is the cheapest.
    "spark.sql.ui.explainMode": "simple",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A file for each job that nobody reads. A cluster may switch it on: plans show no key (jobs/raw/tokens.py).
    "spark.eventLog.enabled": "false",
}
"""Spark's configuration that all sessions share, whatever their lake."""


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
    _silence(REPEATED)
    return spark


def _silence(loggers: Sequence[str]) -> None:
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    log4j = jvm.org.apache.logging.log4j
    for logger in loggers:
        log4j.core.config.Configurator.setLevel(logger, log4j.Level.OFF)


def lake_configuration(settings: JobSettings) -> dict[str, str]:
    """Return Spark's configuration of the Iceberg catalog that the settings name."""
    catalog = f"spark.sql.catalog.{CATALOG}"
    account = load_account(settings.catalog_account) if settings.catalog_account else None
    login = {f"{catalog}.jdbc.user": account.user, f"{catalog}.jdbc.password": account.password} if account else {}
    return login | {
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "jdbc",
        f"{catalog}.uri": jdbc_uri(settings),
        f"{catalog}.jdbc.schema-version": "V1",
        # How long SQLite waits for a process that is writing; other databases ignore the property.
        f"{catalog}.jdbc.busy_timeout": str(LOCK_SECONDS * 1_000),
        f"{catalog}.warehouse": settings.lake_warehouse,
        # Other processes publish too, so a cached table would be stale.
        f"{catalog}.cache-enabled": "false",
    }


def s3_configuration(settings: JobSettings) -> dict[str, str]:
    """Return Hadoop's configuration of the buckets that the settings name, each with the account of its zone."""
    zones = ((settings.raw_location, settings.raw_account), (settings.lake_warehouse, settings.lake_account))
    configuration: dict[str, str] = {}
    for location, account in zones:
        if is_remote(location):
            configuration |= _bucket(settings, f"{S3A}.bucket.{bucket_of(location)}", account)
    return configuration | MARKERS | _patience(settings) if configuration else {}


def _patience(settings: JobSettings) -> dict[str, str]:
    """Return how long Hadoop waits for S3; by default it would wait hours for a server that is too busy."""
    retries = str(settings.s3_attempts - 1)
    return {
        # In milliseconds without a unit: the Hadoop of Spark 3.5 takes only numbers.
        f"{S3A}.connection.establish.timeout": f"{CONNECT_SECONDS * 1_000}",
        f"{S3A}.connection.timeout": f"{settings.s3_timeout_seconds * 1_000}",
        # Retries are counted once, below: each attempt of Hadoop's client would otherwise be several of its own.
        f"{S3A}.attempts.maximum": "1",
        f"{S3A}.retry.limit": retries,
        f"{S3A}.retry.interval": RETRY_PAUSE,
        f"{S3A}.retry.throttle.limit": retries,
        f"{S3A}.retry.throttle.interval": RETRY_PAUSE,
    }


def _bucket(settings: JobSettings, prefix: str, account_file: Path | None) -> dict[str, str]:
    configuration = {f"{prefix}.endpoint.region": settings.s3_region}
    if settings.s3_endpoint:
        configuration |= {
            f"{prefix}.endpoint": settings.s3_endpoint,
            f"{prefix}.path.style.access": "true",
            f"{prefix}.connection.ssl.enabled": str(settings.s3_endpoint.startswith("https")).lower(),
        }
    if account_file:
        account = load_account(account_file)
        configuration |= {
            f"{prefix}.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
            f"{prefix}.access.key": account.user,
            f"{prefix}.secret.key": account.password,
        }
    return configuration


def jdbc_uri(settings: JobSettings) -> str:
    """Return the JDBC form of the catalog's URI; user and password of PostgreSQL come from their account file.

    >>> jdbc_uri(JobSettings(catalog_uri="postgresql+psycopg2://user@db.example/lake?sslmode=require"))
    'jdbc:postgresql://db.example:5432/lake?sslmode=require'
    """
    if file := settings.catalog_file:
        file.parent.mkdir(parents=True, exist_ok=True)
        # As a file URI with percent signs, because the driver interprets ? and % in a path.
        return f"jdbc:sqlite:file:{quote(str(file))}"
    options = urlencode(catalog_url(settings).query)
    return f"jdbc:{catalog_address(settings.lake_catalog_uri)}" + (f"?{options}" if options else "")


def _ensure_jvm(folder: Path) -> None:
    """Start the driver's JVM with the jars in `folder`, or add them to a running one."""
    # Python starts a JVM with its configuration on a command line, which every user of the machine can read. So the
    # JVM starts without accounts, and they follow over the authenticated local connection.
    options = driver_options(folder)
    SparkContext._ensure_initialized(conf=SparkConf().setAll(list((GENERAL | options).items())))  # noqa: SLF001
    if SparkConf().get(CLASS_PATH) == options[CLASS_PATH] or SPARK_SUBMIT not in os.environ:
        return
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for jar in sorted(folder.glob("*.jar")):
        loader.addURL(jvm.java.io.File(str(jar)).toURI().toURL())


def _require_same_names(settings: JobSettings) -> None:
    """Refuse a JVM that spells folders of the settings otherwise than Python: outside ASCII it goes by its locale.

    Raises:
        SettingsError: A folder is outside ASCII, and the locale is not UTF-8.
    """
    jvm: Any = SparkContext._jvm  # noqa: SLF001
    encoding = str(jvm.java.lang.System.getProperty("sun.jnu.encoding"))
    places = (settings.raw_location, settings.lake_warehouse, str(settings.catalog_file or ""))
    if encoding.upper() not in {"UTF-8", "UTF8"} and not all(map(str.isascii, places)):
        raise SettingsError(
            f"the locale's encoding is {encoding}, in which Spark cannot spell the folders of the settings: set "
            "LC_ALL=C.UTF-8, or choose ASCII names"
        )


def _for_executors(jars: Sequence[Path]) -> dict[str, str]:
    """Return the option by which executors fetch the jars; with a local master the driver has them already."""
    local = (SparkConf().get("spark.master") or "local").startswith("local")
    return {} if local else {"spark.jars": ",".join(map(str, jars))}
