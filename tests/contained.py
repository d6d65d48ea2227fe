"""Run a command and fail if it leaves a process or a mount behind: ``python -m tests.contained command ...``.

Orphans become children of this process, so none is overlooked, even if it changes its title or environment.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import psutil

LEFT_BEHIND = 70
"""Exit code if something was left behind although the command itself succeeded."""
ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 30
"""Time for processes that still end after the command, such as a JVM or a database that writes its last page."""
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans():
    """Become the parent of every descendant that outlives its own parent, which only Linux can do."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_CHILD_SUBREAPER")


def end_leftovers(patience=PATIENCE_SECONDS):
    """End the descendants that are still alive after some seconds, and return their command lines."""
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=patience)
    names = [f"process {each.pid}: {' '.join(each.cmdline())[:120]}" for each in alive if each.is_running()]
    for each in alive:
        each.kill()
    psutil.wait_procs(alive)
    return names


def wait_and_reap(pid):
    """Return the exit code of a child, and reap orphans meanwhile, because tests wait for some to disappear."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def mounts():
    """Return the mount points that this process sees, or none where there is no /proc."""
    listed = Path("/proc/self/mounts")
    return {line.split()[1] for line in listed.read_text().splitlines()} if listed.exists() else set()


def run(command, patience=PATIENCE_SECONDS):
    """Run a command; return its exit code, or `LEFT_BEHIND` if it succeeded and left something behind."""
    adopt_orphans()
    mounted = mounts()
    code = wait_and_reap(subprocess.Popen(command).pid)
    left = [*end_leftovers(patience), *(f"mount {place}" for place in sorted(mounts() - mounted))]
    for each in left:
        sys.stderr.write(f"error: {command[0]} left behind {each}: whoever starts or mounts something ends it\n")
    return code or (LEFT_BEHIND if left else 0)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
