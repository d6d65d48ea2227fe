"""Ship decisions, labels, outcomes and the history of the switch to the lake, again and again until SIGTERM.

    python -m serving.shipper
    python -m serving.shipper --once

With ``--once``, ship what is there and end. While catalog or storage are away, the store keeps everything, and the
shipper tries again.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from antifraud.errors import AntifraudError, StoreForeign
from antifraud.exit_codes import returns_exit_code
from antifraud.lake.appending import Appender
from antifraud.lake.errors import LakeBehind, StoreBehind
from antifraud.settings.core import JobSettings
from antifraud.settings.serving import ShipperSettings
from serving.logs import json_logger
from serving.shipper.shipping import Lake, ship
from serving.store.port import DecisionStore
from serving.store.registration import require_registered
from serving.store.store import open_store

RETRY_SECONDS: Final = 30.0
"""Longest pause after a failure that may pass."""


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run the shipper of the settings."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.shipper", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--once", action="store_true", help="ship what is there and end")
    options = parser.parse_args(arguments)
    settings, lake_settings = ShipperSettings.from_environment(environ), JobSettings.from_environment(environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log, store = json_logger("shipper"), open_store(settings)
    try:
        require_registered(store, settings.releases_dir)
        lake = Appender(lake_settings, store.identity)
        if options.once:
            _ship(store, lake, settings, stop, log)
        else:
            _ship_until_stopped(store, lake, settings, stop, log)
    finally:
        store.close()


def _ship_until_stopped(
    store: DecisionStore, lake: Lake, settings: ShipperSettings, stop: threading.Event, log: Any
) -> None:
    log.info("shipping", seconds=settings.ship_seconds, rows=settings.ship_rows)
    pause = 0.0
    while not stop.wait(pause):
        pause = settings.ship_seconds
        try:
            _ship(store, lake, settings, stop, log)
        except (StoreForeign, StoreBehind, LakeBehind):
            # Only a person can tell which of the two histories is the right one.
            raise
        except AntifraudError as error:
            log.error("not shipped", reason=str(error))  # noqa: TRY400 the message says all, and the shipper goes on
            pause = min(pause, RETRY_SECONDS)


def _ship(store: DecisionStore, lake: Lake, settings: ShipperSettings, stop: threading.Event, log: Any) -> None:
    shipped = ship(store, lake, settings.ship_rows, should_stop=stop.is_set)
    if any(shipped.values()):
        log.info("shipped", **shipped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
