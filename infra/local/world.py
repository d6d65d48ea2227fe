"""Fill the raw zone of a run: secrets, the history that Airflow loads, the live days that clients send."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antifraud.errors import PublishError, RawFileError
from antifraud.keys.subscribers import add_subscriber, load_subscribers, move_subscriber
from antifraud.settings.serving import GuardSettings
from infra.local.environment import ROOT
from infra.local.plan import HISTORY_DAYS, LIVE_DAYS, WORLD_SEED, WORLD_START, Options, Plan, make_plan
from infra.local.raw_folder import calendar, no_files, raw_files

PRICE_LEVELS: Final = {"default": 0.35, "small": 1.25}
"""Presets of the simulator with a factor of all amounts until the change. It is so low that a model can keep the loss
limit after the change, too."""
CHANGE: Final = "double-prices"
"""The change of the simulator."""
SIMULATED: Final = "simulate:"
"""Beginning of the simulator's last line; the lines before it are one for each day."""
SECRETS: Final = {
    "keys": "raw/secrets/keyring.json",
    "access": "secrets/access.json",
    "release-key": "secrets/release.key",
}
"""Files that `python -m antifraud <name> generate` makes, by name."""
SUBSCRIBER: Final = "local"
"""Name under which the run's own receiver gets webhooks."""
REGISTRATION: Final = "releases/store.json"
"""File that `python -m serving.store init` writes beside the release pointer."""


def feed_folder(home: Path) -> Path:
    """Return the folder of the history's raw files."""
    return home / "raw" / "feed"


def live_folder(home: Path) -> Path:
    """Return the folder of the live days' raw files, which no job reads."""
    return home / "raw" / "live"


def plan_for(options: Options) -> Plan:
    """Return the calendar of the options.

    Raises:
        RawFileError: The folder of ``--data`` holds no raw files, or one that cannot be read.
        MissingDay: The history is too short for a model.
    """
    if options.data is None:
        return make_plan(WORLD_START, options.days or HISTORY_DAYS, is_simulated=True, way_back=options.way_back)
    first, last = calendar(options.data)
    _leave_out(no_files(options.data), first, last)
    return make_plan(first, options.days or (last - first).days + 1 - LIVE_DAYS)


def _leave_out(refused: dict[dt.date, str], first: dt.date, last: dt.date) -> None:
    """Tell which entries are left out because they are no files; refuse one that leaves a hole in the calendar."""
    for day, reason in refused.items():
        if first < day < last:
            raise RawFileError(reason)
        print(f"left out: {reason}", flush=True)


def make_secrets(home: Path, environ: dict[str, str], say: Callable[[str], None]) -> None:
    """Generate the missing secrets: key ring, access files, release keys. Nothing of them is printed."""
    for name, made in SECRETS.items():
        if not (home / made).is_file():
            run_module("antifraud", [name, "generate"], environ, say)


def subscribe(home: Path, url: str) -> None:
    """Send webhooks to the receiver of this run, which may have another port than that of an earlier run."""
    path = GuardSettings(home=home).subscribers_path
    known = load_subscribers(path, ())
    if SUBSCRIBER not in known:
        add_subscriber(path, SUBSCRIBER, url, ())
    elif known[SUBSCRIBER].url != url:
        move_subscriber(path, SUBSCRIBER, url, ())


def init_store(home: Path, environ: dict[str, str], say: Callable[[str], None]) -> None:
    """Initialise the decision store, unless the service has one."""
    if not (home / REGISTRATION).is_file():
        run_module("serving.store", ["init"], environ, say)


def fill_raw_zone(options: Options, plan: Plan, environ: dict[str, str], say: Callable[[str], None]) -> None:
    """Put history and live days into the raw zone, and keep what is already there."""
    if options.data is None:
        days_after = (plan.until - plan.last).days
        _simulate(options, plan, feed_folder(options.home), 0, plan.history_days, environ, say)
        _simulate(options, plan, live_folder(options.home), plan.history_days, days_after, environ, say)
    else:
        _link(raw_files(options.data), plan.last, feed_folder(options.home))
        _link(raw_files(options.data), plan.live[-1], live_folder(options.home))


def deliver(home: Path, last: dt.date) -> None:
    """Let the feed deliver the days up to `last`, those of the live payments among them."""
    _link(raw_files(live_folder(home)), last, feed_folder(home))


def _simulate(
    options: Options,
    plan: Plan,
    out: Path,
    first_day: int,
    days: int,
    environ: dict[str, str],
    say: Callable[[str], None],
) -> None:
    # The feed's folder has more files as soon as later days were delivered.
    if out.is_dir() and len(list(out.glob("*.txt"))) >= days:
        return
    arguments = ["--preset", options.preset, "--out", str(out), "--seed", str(WORLD_SEED)]
    arguments += ["--start", str(WORLD_START), "--first-day", str(first_day), "--days", str(days)]
    arguments += ["--change", str(plan.onset), "--change-kind", CHANGE]
    arguments += ["--price-level", str(PRICE_LEVELS[options.preset])]
    arguments += ["--sparse-ids"] if options.sparse_ids else []
    run_module("jobs.simulate", arguments, environ, say, shown=SIMULATED)


def _link(files: dict[dt.date, Path], last: dt.date, folder: Path) -> None:
    """Link the files that begin on `last` or earlier into a folder; a file of many days may reach beyond it."""
    folder.mkdir(parents=True, exist_ok=True)
    for day, source in files.items():
        target = folder / source.name
        if day <= last and not target.is_symlink():
            target.symlink_to(source.resolve())


def run_module(
    module: str, arguments: list[str], environ: dict[str, str], say: Callable[[str], None], shown: str = ""
) -> None:
    """Run ``python -m module`` and pass on the lines that begin with `shown`.

    Raises:
        PublishError: The module failed.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        line = ""
        for line in process.stdout or ():
            if line.startswith(shown):
                say(f"   {line.rstrip()}")
    if process.returncode:
        raise PublishError(f"python -m {module} ended with code {process.returncode}: {line.rstrip()}")
