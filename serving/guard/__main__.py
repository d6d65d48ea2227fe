"""Run the guard, or look after its webhooks.

Without a command, ``python -m serving.guard`` inspects the evidence again and again, until SIGTERM.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence

from antifraud.errors import SettingsError
from antifraud.exit_codes import returns_exit_code
from antifraud.killswitch.subjects import require_watchable
from antifraud.settings.serving import GuardSettings
from serving.guard.commands import add_commands
from serving.guard.courier import Courier
from serving.guard.following import SubscriberFile
from serving.guard.lead import Leader
from serving.guard.loop import Clocks, Loop
from serving.logs import json_logger
from serving.store.registration import require_registered
from serving.store.store import open_store


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Do what the command line says; without a command, run the guard."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.guard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.set_defaults(run=run_guard)
    add_commands(parser)
    options = parser.parse_args(arguments)
    options.run(options, environ)


def run_guard(_options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Run the guard of the settings until SIGTERM or SIGINT.

    A malformed setting, a limit that the guard cannot watch and an unusable file of subscribers end it at once, with
    the code of a `SettingsError`. A decision store that does not open ends it with the code of a `StoreError`.
    """
    settings = GuardSettings.from_environment(environ)
    _require_watchable(settings.fpr_limit)
    log = json_logger("guard")
    subscribers = SubscriberFile(settings.subscribers_path, settings.networks, log)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = open_store(settings)
    require_registered(store, settings.releases_dir)
    leader = Leader(store, settings.guard_lease_seconds, log)
    courier = Courier(lambda: leader.led, subscribers.current, settings.networks, log)
    courier.start(on_failure=stop.set)
    try:
        Loop(store, settings, leader, log, Clocks.of(settings)).run(stop)
    finally:
        courier.stop()
        leader.resign()
        store.close()
    courier.require_alive()


def _require_watchable(limit: float) -> None:
    try:
        require_watchable(limit)
    except ValueError as error:
        raise SettingsError(f"the guard cannot watch ANTIFRAUD_FPR_LIMIT={limit} ({error}): lower it") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
