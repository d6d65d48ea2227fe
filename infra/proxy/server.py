"""Check a configuration with nginx, and run nginx on this machine."""

import dataclasses
import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Final

from antifraud.errors import SettingsError
from infra.cluster.processes import Server, accepts, wait_until
from infra.proxy.configuration import Proxy

_REASON: Final = re.compile(r"\[(?:alert|crit|emerg)\] \S+: (.*)")
"""The line of nginx that counts; warnings may stand before it."""
_REMEDIES: Final = {
    "Permission denied": "run it as root, as which nginx starts, or use files and a port that this account may use",
    "Operation not permitted": "run it as root, as which nginx starts",
    "Cannot assign requested address": "run it on the machine of the proxy, which has the address",
}
"""Errors of the machine rather than of the configuration, by their words, and the remedy for each."""
SBIN = "/usr/sbin"
"""The folder of Debian's nginx, which is not on everybody's path."""


def find_nginx() -> Path:
    """Return the program.

    Raises:
        SettingsError: nginx is not installed.
    """
    found = shutil.which("nginx") or shutil.which("nginx", path=SBIN)
    if found is None:
        raise SettingsError("nginx is not installed: apt-get install nginx (macOS: brew install nginx)")
    return Path(found)


def check_configuration(path: Path) -> None:
    """Let nginx read a configuration.

    Raises:
        SettingsError: nginx is not installed, refuses the configuration, or may not check it here; its words are in
            the message.
    """
    done = subprocess.run([*_command(path), "-t"], capture_output=True, text=True, check=False)
    if done.returncode:
        found = _REASON.search(done.stderr)
        raise SettingsError(_describe(found[1] if found else f"exit code {done.returncode}"))


def _describe(reason: str) -> str:
    for words, remedy in _REMEDIES.items():
        if words in reason:
            return f"nginx cannot check the configuration here: {reason}; {remedy}"
    return f"nginx refuses the configuration: {reason}; correct the options of `python -m infra.proxy`"


def start_proxy(folder: Path, proxy: Proxy) -> Server:
    """Start a proxy with configuration, process id and log in `folder`.

    Raises:
        SettingsError: nginx is not installed, refuses the configuration, or did not start.
    """
    configuration, log = folder / "nginx.conf", folder / "nginx.log"
    # As root, nginx has workers of another account, which cannot reach a private folder.
    scratch = proxy.scratch if os.geteuid() == 0 else str(folder)
    own = dataclasses.replace(proxy, log=str(log), pid=str(folder / "nginx.pid"), scratch=scratch)
    configuration.write_text(own.render())
    check_configuration(configuration)
    server = Server.start("nginx", [*_command(configuration), "-g", "daemon off;"], log, dict(os.environ))
    wait_until(server, partial(accepts, int(proxy.bind.rpartition(":")[2])), log)
    return server


def _command(configuration: Path) -> list[str]:
    # Without -e, nginx opens the error log of its package before it reads the configuration.
    return [str(find_nginx()), "-e", "stderr", "-p", str(configuration.parent), "-c", str(configuration)]
