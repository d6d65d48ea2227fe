"""Fetch the jars of a pom with Spark's own resolver, for machines without Maven: ``fetch_jars.py pom.xml folder``."""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}


def coordinates(pom: Path) -> list[str]:
    """Return ``group:artifact:version`` of every dependency of a pom."""
    dependencies = ET.parse(pom).getroot().findall("m:dependencies/m:dependency", MAVEN)  # noqa: S314  # our own file
    names = ("groupId", "artifactId", "version")
    return [":".join(found.findtext(f"m:{name}", "", MAVEN) for name in names) for found in dependencies]


def exclusions(pom: Path) -> list[str]:
    """Return ``group:artifact`` of every exclusion of a pom; an artifact may be ``*``."""
    found = ET.parse(pom).getroot().iterfind(".//m:exclusion", MAVEN)  # noqa: S314  # our own file
    return sorted(
        {":".join(each.findtext(f"m:{name}", "", MAVEN) for name in ("groupId", "artifactId")) for each in found}
    )


def fetch(pom: Path, folder: Path) -> None:
    """Resolve the coordinates of a pom into a fresh cache and copy the jars to `folder`."""
    pyspark = find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        sys.exit("error: this Python has no pyspark: run `make setup`")
    submit = Path(pyspark.origin).parent / "bin" / "spark-submit"
    with tempfile.TemporaryDirectory() as cache:
        empty = Path(cache) / "nothing.py"
        empty.write_text("")
        options = ["--packages", ",".join(coordinates(pom)), "--exclude-packages", ",".join(exclusions(pom))]
        options += ["--conf", f"spark.jars.ivy={cache}"]
        environ = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(submit.parents[1])}
        subprocess.run([str(submit), "--master", "local[1]", *options, str(empty)], check=True, env=environ)
        folder.mkdir(parents=True, exist_ok=True)
        for jar in (Path(cache) / "jars").glob("*.jar"):
            shutil.copy(jar, folder / jar.name.split("_", 1)[1])


if __name__ == "__main__":
    fetch(Path(sys.argv[1]), Path(sys.argv[2]))
