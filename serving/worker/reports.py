"""Reports of workers: what each of them uses. The decision store keeps them, so workers of all hosts see each other."""

import dataclasses
import json
import os
import socket
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from antifraud.artifacts.state_export import StatePointer
from antifraud.clock import BusinessClock
from serving.store.signals import ALARMS, SIGNALS
from serving.worker.guard_watch import GUARD

if TYPE_CHECKING:
    # The guard reads reports, too, and needs nothing of what a worker consists of.
    from serving.worker.services import Services

Report = dict[str, Any]
SILENT_AFTER_SECONDS: Final = 60
WALL_CLOCK: Final = BusinessClock()


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerReports:
    """Reports of workers that have reported lately, and the names of silent ones."""

    alive: list[dict[str, Any]]
    silent: list[str]


def name_worker() -> str:
    """Return the name under which this process reports: a pid alone would stand for a process of every host."""
    return f"worker-{socket.gethostname()}-{os.getpid()}"


def describe_worker(services: "Services", state: StatePointer | None, epoch: int) -> dict[str, Any]:
    """Describe what this worker uses; `state` is the pointer that it follows, `epoch` the switch's that it saw."""
    serving = services.serving
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "at": WALL_CLOCK.now(),
        "release": serving and serving.release and serving.release.release,
        "cutoff": serving and serving.state.cutoff,
        "state_cutoff": serving and serving.state.cutoff_date,
        "state": state and dataclasses.asdict(state),
        "loaded": services.releases.names,
        "epoch": epoch,
        "policy": describe_policy(services),
        "troubles": services.troubles,
        "recent": services.metrics.recent.describe(),
    }


def describe_policy(services: "Services") -> dict[str, int] | None:
    """Describe the policy that this worker uses: its version, and the number of its activation."""
    used = services.policy
    return {"version": used.version, "sequence": used.sequence} if used else None


def read_workers(items: Iterable[tuple[str, bytes]], wall: int) -> WorkerReports:
    """Split reports into recent and silent ones, and add the age of each; `wall` is wall time in seconds.

    Only the age counts: a pid says nothing about a process of another host. A silent worker has successors, but a
    silent guard has none, so the guard is never forgotten.
    """
    alive, silent = [], []
    for name, text in items:
        if name in {GUARD, SIGNALS, ALARMS}:
            continue
        report = json.loads(text)
        # The clocks of two hosts differ, so a report may come from the future.
        report["age"] = max(0, wall - report["at"])
        if report["age"] > SILENT_AFTER_SECONDS:
            silent.append(name)
        else:
            alive.append(report)
    return WorkerReports(alive, silent)


def read_measurements(text: bytes | None) -> dict[str, Any]:
    """Return what the guard has measured last, by the name of the signal; nothing if it never has."""
    return dict(json.loads(text)) if text else {}


def find_newest_state(reports: Iterable[dict[str, Any]]) -> StatePointer | None:
    """Return the pointer with the newest cut-off that some worker uses."""
    pointers = [StatePointer(**report["state"]) for report in reports if report.get("state")]
    return max(pointers, key=lambda pointer: (pointer.cutoff, pointer.sequence), default=None)


def have_converged(
    workers: Sequence[dict[str, Any]],
    release: str | None,
    state: StatePointer | None,
    epoch: int,
    policy: int,
) -> bool:
    """Return whether there are workers, and all of them use these and have seen the switch's epoch.

    `policy` is the number of activations of policies so far.
    """
    if not workers or release is None or state is None:
        return False
    wanted = (release, dataclasses.asdict(state), epoch, policy)
    return all(
        (worker["release"], worker["state"], worker["epoch"], (worker.get("policy") or {}).get("sequence", 0)) == wanted
        for worker in workers
    )
