"""The jars that Spark needs beside its own, and the options with which a driver's JVM starts with them."""

from pathlib import Path
from typing import Final

JARS: Final = Path(__file__).resolve().parents[1] / "infra" / "jars"
"""Where ``make setup`` puts them."""
ARCHIVE: Final = "classes.jsa"
"""Parsed classes of Spark and the jars, which a JVM maps into memory (`infra/setup/class_archive.py`)."""
CLASS_PATH: Final = "spark.driver.extraClassPath"


def driver_options(folder: Path = JARS) -> dict[str, str]:
    """Spark's configuration of a driver's JVM; too late for one that runs already.

    With the jars on its class path a driver neither copies them nor makes each of them executable. The JVM leaves an
    archive alone that another JVM, or one with another class path, has made.

    >>> driver_options(Path("/srv/jars"))
    {'spark.driver.extraClassPath': '/srv/jars/*'}
    """
    archive = folder / ARCHIVE
    # An administrator's option: what users give as spark.driver.extraJavaOptions is added to it.
    shared = {"spark.driver.defaultJavaOptions": f"-XX:SharedArchiveFile={archive}"} if archive.exists() else {}
    return {CLASS_PATH: f"{folder}/*"} | shared
