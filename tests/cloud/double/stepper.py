"""Take steps one after the other in one process, as `python -m antifraud.compute` does one: imports take half a second.

Each line of standard input is a JSON list of step and order, each line of the output one of exit code and answer.
"""

import dataclasses
import json
import os
import sys
import time

from antifraud.compute.__main__ import STEPS
from antifraud.errors import AntifraudError
from antifraud.settings.cloud import CloudSettings


def answer(step, order):
    """Return exit code and progress of a step, or its error in the words of its process."""
    try:
        progress = STEPS[step](CloudSettings.from_environment(os.environ), order, int(time.time()))
    except AntifraudError as error:
        return error.exit_code, f"error: {error}"
    return 0, dataclasses.asdict(progress)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)  # noqa: T201 - the answer to the test
