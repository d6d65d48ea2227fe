"""Start the double of the cloud as a process, plan its faults, and look at what it has."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cluster.processes import HOST, Server, wait_until
from infra.local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"


@dataclass
class Double:
    """A running double; everything about it lies in its folder, so a restarted one goes on where it was."""

    folder: Path
    target: str = "dataproc"
    bucket: str = "jobs"
    port: int = field(default_factory=free_port)
    server: Server | None = None
    stepper: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the double and wait until it serves."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        command = [str(PYTHON), "-W", "ignore", "-m", "tests.cloud.double"]
        command += ["--folder", str(self.folder), "--port", str(self.port)]
        self.server = Server.start("double", command, self.folder / "double.log", outside())
        wait_until(self.server, ready.exists, self.folder / "double.log")

    def stop(self) -> None:
        """Stop the double and the process that takes steps."""
        if self.server:
            self.server.stop()
        if self.stepper:
            self.stepper.communicate()
            self.stepper = None

    @property
    def environ(self) -> dict[str, str]:
        """Variables of a process that uses this cloud."""
        return {
            "ANTIFRAUD_COMPUTE_TARGET": self.target,
            "ANTIFRAUD_CLOUD_ENDPOINT": f"{HOST}:{self.port}",
            "ANTIFRAUD_CLOUD_KEY": str(self.folder / "account.json"),
            "ANTIFRAUD_CLOUD_ROOTS": str(self.folder / "roots.pem"),
            "ANTIFRAUD_CLOUD_TIMEOUT_SECONDS": "5",
            "ANTIFRAUD_CLOUD_POLL_SECONDS": "1",
            "ANTIFRAUD_CLOUD_FOLDER": "b1gfolder",
            "ANTIFRAUD_CLUSTER_SUBNETS": "e9bsubnet",
            "ANTIFRAUD_CLUSTER_ACCOUNT": "ajeaccount",
            "ANTIFRAUD_CLUSTER_BUCKET": self.bucket,
            "ANTIFRAUD_HOME": str(self.folder / "home"),
        }

    def plan(self, *faults: str) -> None:
        """Plan faults, each as a text: the call, the fault and how often, such as ``create_cluster half 1``."""
        words = [fault.split() for fault in faults]
        planned = [{"call": call, "fault": kind, "times": int((*times, "1")[0])} for call, kind, *times in words]
        (self.folder / "faults.json").write_text(json.dumps(planned))

    def rates(self, **rates: Any) -> None:
        """Set how fast this world is."""
        (self.folder / "world.json").write_text(json.dumps(rates))

    @property
    def state(self) -> Any:
        """All that the double knows, as it was after the last call."""
        return json.loads((self.folder / "state.json").read_text())

    def alive(self) -> dict[str, Any]:
        """Return the clusters that exist."""
        return {id_: each for id_, each in self.state["clusters"].items() if each["gone"] is None}

    def put(self, clusters: dict[str, Any] | None = None) -> None:
        """Let the cloud have these clusters and no others, no faults, and its usual rates."""
        for name in ("faults.json", "world.json"):
            (self.folder / name).unlink(missing_ok=True)
        state = {"clusters": clusters or {}, "jobs": {}, "operations": {}, "keys": {}, "calls": []}
        for name in ("state.json", "put.json"):
            (self.folder / name).write_text(json.dumps(state))

    def step(self, step: str, order: dict[str, Any]) -> tuple[int, Any]:
        """Take one step; return the exit code and the answer, which is a text after a failure."""
        self.stepper = self.stepper or self._start_stepper()
        to, of = self.stepper.stdin, self.stepper.stdout
        assert to is not None
        assert of is not None
        to.write(json.dumps([step, order]) + "\n")
        to.flush()
        code, said = json.loads(of.readline())
        return code, said

    def _start_stepper(self) -> "subprocess.Popen[str]":
        command = [str(PYTHON), "-W", "ignore", "-m", "tests.cloud.double.stepper"]
        environ, pipe = outside() | self.environ, subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environ, stdin=pipe, stdout=pipe, text=True)

    def until_done(self, step: str, order: dict[str, Any], seconds: float = 60) -> tuple[int, Any]:
        """Take a step until it is done or fails; return the exit code and the last answer."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            code, said = self.step(step, order)
            if code or said["done"]:
                return code, said
            time.sleep(0.1)
        raise AssertionError(f"{step} was not done in {seconds} s: {said}")


def outside() -> dict[str, str]:
    """Return the environment of a process that has another environment of Python."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONPATH": str(ROOT)}
