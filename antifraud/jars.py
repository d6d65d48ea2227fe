"""The jars that Spark needs in addition to its own, and the options with which a driver's JVM starts with them."""

import sys
from pathlib import Path
from typing import Final

JARS: Final = Path(sys.prefix).resolve() / "jars"
"""In the Python environment, as Spark itself is: an environment with another Spark has other jars."""
ARCHIVE: Final = "classes.jsa"
"""File next to the jars: classes of Spark and of the jars, as the JVM keeps them in memory."""
CLASS_PATH: Final = "spark.driver.extraClassPath"


def driver_options(folder: Path = JARS) -> dict[str, str]:
    """Return Spark's configuration for starting a driver's JVM with the jars in `folder`.

    With the jars on its class path a driver neither copies them nor makes each of them executable. The JVM ignores an
    archive that was made by another JVM, or with another class path.

    >>> driver_options(Path("/srv/jars"))
    {'spark.driver.extraClassPath': '/srv/jars/*'}
    """
    archive = folder / ARCHIVE
    # An administrator's option: what users give as spark.driver.extraJavaOptions is added to it.
    shared = {"spark.driver.defaultJavaOptions": f"-XX:SharedArchiveFile={archive}"} if archive.exists() else {}
    return {CLASS_PATH: f"{folder}/*"} | shared
