"""The place of the jars, and the options that a driver's JVM starts with."""

import sys
from pathlib import Path

from antifraud.jars import ARCHIVE, JARS, driver_options


def test_the_jars_belong_to_the_environment():
    """An environment with another Spark has its own jars, and needs no setting to find them."""
    assert Path(sys.prefix).resolve() / "jars" == JARS


def test_an_archive_is_used_where_there_is_one(tmp_path):
    """Without an archive the option is left out."""
    class_path = {"spark.driver.extraClassPath": f"{tmp_path}/*"}
    assert driver_options(tmp_path) == class_path

    (tmp_path / ARCHIVE).touch()
    shared = f"-XX:SharedArchiveFile={tmp_path}/classes.jsa"
    assert driver_options(tmp_path) == class_path | {"spark.driver.defaultJavaOptions": shared}
