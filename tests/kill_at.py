"""Run a program of the project, and kill this process at one of its steps: `kill_at.py STEP MODULE [ARGUMENT...]`.

A step is the moment before or after something that others can see: a file is renamed, Spark commits to a table, an HTTP
request is answered. They are counted from 1, and named on stderr. The program ends by itself if it has fewer.
"""

import os
import runpy
import signal
import sys

from pyspark.sql.readwriter import DataFrameWriterV2

from antifraud.client.deadline import DeadlineTransport

VISIBLE = [
    (os, "rename"),
    (os, "replace"),
    *((DataFrameWriterV2, name) for name in ("append", "create", "overwrite", "overwritePartitions")),
    (DeadlineTransport, "handle_request"),
]
steps = 0


def step(moment, name):
    global steps  # noqa: PLW0603 a process of its own
    steps += 1
    sys.stderr.write(f"step {steps}: {moment} {name}\n")
    sys.stderr.flush()
    if steps == VICTIM:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(place, name):
    original = getattr(place, name)

    def watched(*arguments, **options):
        step("before", name)
        result = original(*arguments, **options)
        step("after", name)
        return result

    setattr(place, name, watched)


if __name__ == "__main__":
    VICTIM, module = int(sys.argv[1]), sys.argv[2]
    for place, name in VISIBLE:
        watch(place, name)
    sys.argv[:3] = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
