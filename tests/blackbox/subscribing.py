"""Subscribers of any version: by commands, or by the settings of versions that had one subscriber."""

import subprocess
from pathlib import Path

from bench.serving.processes import wait_for

LIMIT_SECONDS = 10


class Subscribing:
    """Ways to say who gets the webhooks of a home."""

    def __init__(self, version, home):
        self.version, self.home = version, home
        self.by_commands = (version.checkout / "antifraud" / "commands" / "subscribers.py").exists()

    def settings(self, url):
        """Settings that scorer and guard need for a subscriber at `url`."""
        return {} if self.by_commands else {"ANTIFRAUD_WEBHOOK_URL": url}

    def add(self, name, url):
        """Add a subscriber, if that takes a command; return the file with its secret."""
        if not self.by_commands:
            return self.home / "secrets" / "webhook.secret"
        self.version.require(self.home, "-m", "antifraud", "subscribers", "add", name, "--url", url)
        return self.home / "secrets" / f"webhook-{name}.secret"

    def refusal(self, url):
        """Exit code and errors of the first process that refuses a URL: the command, or else the guard."""
        if self.by_commands:
            ended = self.version.run(self.home, "-m", "antifraud", "subscribers", "add", "ops", "--url", url)
            return ended.returncode, ended.stderr
        environment = {**self.version.environment(self.home), **self.settings(url)}
        command = [self.version.python, "-m", "serving.guard"]
        try:
            ended = subprocess.run(
                command, cwd=self.version.checkout, env=environment, check=False, capture_output=True, text=True,
                timeout=LIMIT_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None, ""
        return ended.returncode, ended.stderr


def guard_log(home):
    """All that the guard of a home has logged."""
    return Path(home).with_name(f"{Path(home).name}-serving.guard.log").read_text()


def wait_until_told(scorer):
    """Wait until no notification waits any more."""
    wait_for(lambda: scorer.status()["counts"]["outbox"] == 0, "an empty outbox", 30)
