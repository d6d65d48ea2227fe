"""Initialise the decision store, or accept one that is not the service's own.

    python -m serving.store init
    python -m serving.store accept
    python -m serving.store verify
    python -m serving.store audit

``init`` makes a store, or gives one of an earlier version an identity, and notes it beside the release pointer. It
refuses if the service has a store already. A new store is suspended until an admin begins. ``accept`` is for a person
who knows what is lost: the store at hand, such as a copy that was restored, becomes the service's store, and is
suspended until an admin resumes it. ``verify`` reads the whole store, which no process may use meanwhile, and says
whether it is sound. ``audit`` checks the chain of the switch's audit trail, at any time.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Mapping, Sequence

from antifraud.errors import StoreForeign
from antifraud.exit_codes import returns_exit_code
from antifraud.killswitch.machine import Cause, Mode, Order
from antifraud.settings.serving import StoreSettings
from serving.store.opening import verify
from serving.store.registration import read_registration, write_registration
from serving.store.store import Store, init_store, open_store


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Do what the command line says, and say what was done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("action", choices=("init", "accept", "verify", "audit"))
    options = parser.parse_args(arguments)
    settings = StoreSettings.from_environment(environ)
    if options.action == "verify":
        _verify(settings)
        return
    if options.action == "audit":
        _audit(settings)
        return
    store = _initialise(settings) if options.action == "init" else _accept(settings)
    try:
        # Whatever the registration says is on the disk.
        store.settle()
        write_registration(store, settings.releases_dir, store.newest_arrival())
        print(f"the service's store is {store.identity} in {settings.store_dir}")  # noqa: T201
    finally:
        store.close()


def _initialise(settings: StoreSettings) -> Store:
    if (registration := read_registration(settings.releases_dir)) is not None:
        raise StoreForeign(
            f"the service has a store already, {registration.identity}: bring it back, or `accept` the one at hand"
        )
    return init_store(settings, uuid.uuid4().hex)


def _accept(settings: StoreSettings) -> Store:
    store = open_store(settings)
    switch = store.switch()
    if switch.mode is not Mode.SUSPENDED:
        # Decisions may be missing from the store, so a person has to say that repeats can be decided anew.
        now = settings.clock.now()
        reason = "another store was accepted: decisions may be missing from it"
        store.change_switch(
            Order(
                mode=Mode.SUSPENDED, expected_epoch=switch.epoch, reason=reason, by="store", at=now, cause=Cause.STORE
            )
        )
    return store


def _verify(settings: StoreSettings) -> None:
    verify(settings.store_dir)
    print(f"the decision store in {settings.store_dir} is sound")  # noqa: T201


def _audit(settings: StoreSettings) -> None:
    store = open_store(settings)
    try:
        trail = store.verify_audit()
    finally:
        store.close()
    print(f"the audit trail of the switch is sound: {trail.entries} entries, the newest is {trail.head}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
