"""Run a command and fail if it leaves a process or a mount behind: ``python -m infra.local.contained command ...``.

Orphans become children of this process, whatever they do to their title or environment, so none is overlooked.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

LEFT_BEHIND: Final = 80
"""Exit code when the command itself succeeded."""
PATIENCE_SECONDS: Final = 30.0
"""A process may still be on its way out when the command ends: a JVM, a database that writes its last page."""
PR_SET_CHILD_SUBREAPER: Final = 36
"""Option of prctl(2), from linux/prctl.h."""


def run(command: Sequence[str], patience: float = PATIENCE_SECONDS) -> int:
    """Run a command; return its exit code, or `LEFT_BEHIND` if it succeeded and left something behind."""
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    mounted = find_mounts()
    process = subprocess.Popen(command)
    try:
        code = wait_and_reap(process.pid)
    except BaseException:
        process.terminate()  # who stops the command stops everything that it started
        end_leftovers(patience)
        raise
    left = [*end_leftovers(patience), *(f"mount {place}" for place in sorted(find_mounts() - mounted))]
    for each in left:
        sys.stderr.write(f"error: {command[0]} left behind {each}: whoever starts or mounts something ends it\n")
    return code or (LEFT_BEHIND if left else 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant that outlives its own parent. Only Linux can do that."""
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_CHILD_SUBREAPER")


def wait_and_reap(pid: int) -> int:
    """Return the exit code of a child, and reap orphans meanwhile: somebody may be waiting for their end."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def end_leftovers(patience: float = PATIENCE_SECONDS) -> list[str]:
    """End the descendants that are still alive after some seconds, and return what each one was."""
    _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=patience)
    names = [_describe(each) for each in alive]
    for each in alive:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            each.kill()
    psutil.wait_procs(alive)
    return names


def _describe(process: psutil.Process) -> str:
    try:
        return f"process {process.pid}: {' '.join(process.cmdline())[:120]}"
    except psutil.Error:
        return f"process {process.pid}, which ended late"


def find_mounts() -> set[str]:
    """Return the mount points that this process sees; none where there is no /proc."""
    listed = Path("/proc/self/mounts")
    return {line.split()[1] for line in listed.read_text().splitlines()} if listed.exists() else set()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
