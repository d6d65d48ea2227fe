"""The state of the double: clusters, jobs and operations, saved to a file after each change, and its own clock."""

import json
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

RATES = {"create": 0.3, "delete": 0.2, "job": 0.3, "clock": 0, "runner": None}
"""Seconds that operations take; seconds that the cloud's clock is ahead; command that runs jobs for real."""


EMPTY = {"clusters": {}, "jobs": {}, "operations": {}, "keys": {}, "calls": []}


class World:
    """All that the double knows. Times are of the cloud's clock, which may differ from that of its clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.path = folder / "state.json"
        self.state = json.loads(self.path.read_text()) if self.path.exists() else EMPTY

    @property
    def rates(self):
        """How fast this world is; read anew each time, so that a test can change it."""
        path = self.folder / "world.json"
        return RATES | (json.loads(path.read_text()) if path.exists() else {})

    def now(self):
        """Return the cloud's time."""
        return time.time() + self.rates["clock"]

    @contextmanager
    def opened(self):
        """Hold the lock, let time pass, yield the state, and save it."""
        with self.lock:
            put = self.folder / "put.json"
            if put.exists():  # a test has put another state in place
                self.state = json.loads(put.read_text())
                put.unlink()
            self._pass_time()
            try:
                yield self.state
            finally:
                fresh = self.path.with_suffix(".new")
                fresh.write_text(json.dumps(self.state))
                fresh.replace(self.path)

    def fault(self, call):
        """Return the next planned fault of a call, and take it off the plan."""
        path = self.folder / "faults.json"
        planned = json.loads(path.read_text()) if path.exists() else []
        self.state["calls"].append(call)
        found = next((each for each in planned if each["call"] == call), None)
        if found is None:
            return ""
        found["times"] = found.get("times", 1) - 1
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps([each for each in planned if each.get("times", 1) > 0]))
        fresh.replace(path)
        return found["fault"]

    def begin(self, kind, subject, seconds, key="", **more):
        """Begin an operation and return its id."""
        id_ = f"op{uuid.uuid4().hex[:10]}"
        due = self.now() + seconds
        self.state["operations"][id_] = {"kind": kind, "subject": subject, "due": due, "done": False, **more}
        if key:
            self.state["keys"][key] = id_
        return id_

    def _pass_time(self):
        for operation in self.state["operations"].values():
            if not operation["done"] and operation["due"] <= self.now():
                operation["done"] = True
                ENDS[operation["kind"]](self, operation)


def _end_create(world, operation):
    cluster = world.state["clusters"].get(operation["subject"])
    if cluster and cluster["status"] == "CREATING":
        cluster["status"] = operation.get("leaves", "RUNNING")


def _end_delete(world, operation):
    cluster = world.state["clusters"][operation["subject"]]
    if "error" not in operation and cluster["gone"] is None:
        # The bill ends when the operation does, and not when somebody looks at it.
        cluster["gone"] = operation["due"]


def _end_job(world, operation):
    job = world.state["jobs"].get(operation["subject"])
    if job and job["status"] == "RUNNING":
        job["status"] = operation.get("leaves", "DONE")


ENDS = {"create": _end_create, "delete": _end_delete, "job": _end_job}
