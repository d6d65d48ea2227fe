"""The options that a driver's JVM starts with."""

from antifraud.jars import ARCHIVE, driver_options


def test_an_archive_is_used_where_there_is_one(tmp_path):
    """Without an archive the option is left out."""
    class_path = {"spark.driver.extraClassPath": f"{tmp_path}/*"}
    assert driver_options(tmp_path) == class_path

    (tmp_path / ARCHIVE).touch()
    shared = f"-XX:SharedArchiveFile={tmp_path}/classes.jsa"
    assert driver_options(tmp_path) == class_path | {"spark.driver.defaultJavaOptions": shared}
