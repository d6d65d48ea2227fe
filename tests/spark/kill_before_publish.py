"""Run a job and kill it between staging a table and publishing it: `kill_before_publish.py TABLE FROM TO`."""

import os
import signal
import sys

from jobs.publishing import staging

publish_staged = staging.publish_staged


def die_at(spark, table, wap_id):
    """Publish every other table, but end the process at TABLE as `kill -9` does."""
    if table.name == VICTIM:
        os.kill(os.getpid(), signal.SIGKILL)
    return publish_staged(spark, table, wap_id)


if __name__ == "__main__":
    VICTIM, first, last = sys.argv[1:]
    staging.publish_staged = die_at
    sys.argv[1:] = ["--from", first, "--to", last, "--stages", "ingest,totals,state,features"]
    from jobs.day import main, parser
    from jobs.spark.runtime import run_job

    run_job("day", main, parser(), reads_raw=True)
