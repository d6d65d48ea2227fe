"""Jobs for real: a command gets the job's body as a file, and its exit code becomes the job's status."""

import json
import subprocess
import threading


def start_runner(world, command, job):
    """Start the command in the background and set the job's status when it ends."""
    body = world.folder / f"{job}.json"
    body.write_text(json.dumps(world.state["jobs"][job]["job"]))
    threading.Thread(target=_run, args=(world, [*command, str(body)], job), daemon=True).start()


def _run(world, command, job):
    with (world.folder / f"{job}.log").open("wb") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    with world.opened() as state:
        state["jobs"][job]["status"] = "ERROR" if code else "DONE"
