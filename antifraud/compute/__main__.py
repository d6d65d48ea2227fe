"""Take one step of a cluster's life, in a process of its own: ``python -m antifraud.compute create < order.json``.

Airflow's own environment cannot hold the cloud's SDK, which needs an older protobuf than MLflow. So this process runs
in an environment of its own (`ANTIFRAUD_CLOUD_PYTHON`). The order comes on standard input, and the progress is printed.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from antifraud.compute import steps
from antifraud.compute.lease import Lease
from antifraud.compute.yandex import YandexCloud
from antifraud.exit_codes import returns_exit_code
from antifraud.settings.cloud import CLOUD_TARGETS, CloudSettings

Order = Mapping[str, Any]


def _create(settings: CloudSettings, order: Order, now: int) -> steps.Progress:
    return steps.create(YandexCloud(settings), Lease(**order["lease"]), order["attempt"], now)


def _run(settings: CloudSettings, order: Order, now: int) -> steps.Progress:
    task = steps.Task(order["task"], order["command"])
    return steps.run(YandexCloud(settings), Lease(**order["lease"]), task, order["attempt"], now)


def _delete(settings: CloudSettings, order: Order, _now: int) -> steps.Progress:
    return steps.delete(YandexCloud(settings), Lease(**order["lease"]))


def _sweep(settings: CloudSettings, _order: Order, now: int) -> steps.Progress:
    # A cluster may be left from a time when the other target was chosen.
    swept = {
        target: steps.sweep(YandexCloud(dataclasses.replace(settings, compute_target=target)), settings, now)
        for target in CLOUD_TARGETS
    }
    says = "; ".join(f"{target}: {progress.says}" for target, progress in swept.items())
    return steps.Progress(all(progress.done for progress in swept.values()), says)


STEPS: Final[Mapping[str, Callable[[CloudSettings, Order, int], steps.Progress]]] = {
    "create": _create,
    "run": _run,
    "delete": _delete,
    "sweep": _sweep,
}


@returns_exit_code
def main() -> None:
    """Take the step of the arguments and print its progress as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=STEPS)
    step = STEPS[parser.parse_args().step]
    progress = step(CloudSettings.from_environment(os.environ), json.load(sys.stdin), int(time.time()))
    print(json.dumps(dataclasses.asdict(progress)))  # noqa: T201 - the answer to the process that asked


if __name__ == "__main__":
    sys.exit(main())
