"""Run a job's body as a cloud's cluster does: code from the bucket, then ``spark-submit`` on a standalone cluster.

    python -m tests.cloud.run_job http://127.0.0.1:7070 lake.account spark://127.0.0.1:7077 body.json

It needs no package but those of the environment with Spark 3.5. The archive of the environment is not unpacked: the
environment is on this machine.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyspark
import s3fs

from antifraud.settings.accounts import load_account

SMALL_JOBS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"


def main(endpoint, account_file, master, body_file):
    """Fetch the code, submit the job, and end with its exit code."""
    job = json.loads(Path(body_file).read_text())
    account = load_account(Path(account_file))
    files = s3fs.S3FileSystem(
        key=account.user,
        secret=account.password,
        endpoint_url=endpoint,
        client_kwargs={"region_name": "ru-central1"},
    )
    with tempfile.TemporaryDirectory() as folder:
        for uri in (job["mainPythonFileUri"], *job["pythonFileUris"], *job["fileUris"]):
            files.get_file(uri.removeprefix("s3a://"), f"{folder}/{Path(uri).name}")
        home = str(Path(pyspark.__file__).parent)
        options = ["--master", master, "--py-files", "antifraud.zip", "--files", "cluster.json"]
        options += ["--conf", f"spark.executor.extraJavaOptions={SMALL_JOBS}", "--conf", "spark.driver.host=127.0.0.1"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTIFRAUD_", "PYTHONPATH"))}
        environ = kept | {"SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [f"{home}/bin/spark-submit", *options, "on_cluster.py", *job["args"]]
        return subprocess.run(command, cwd=folder, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
