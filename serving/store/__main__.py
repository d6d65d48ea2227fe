"""Initialise the decision store, or accept one that is not the service's own.

    python -m serving.store init
    python -m serving.store join
    python -m serving.store accept
    python -m serving.store verify
    python -m serving.store audit

``init`` makes a store, or gives one of an earlier version an identity, and notes it beside the release pointer. It
refuses if the service has a store already. A new store is suspended until an admin begins. ``join`` is for another host
of a service with its store in Redis: it notes the store for this host, and changes nothing in it. ``accept`` is for a
person who knows what is lost: the store at hand, such as a copy that was restored, becomes the service's store, and is
suspended until an admin resumes it. ``verify`` reads the whole store, which no process may use meanwhile, and says
whether it is sound. ``audit`` checks the chain of the switch's audit trail, at any time.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing

from antifraud.errors import StoreForeign
from antifraud.exit_codes import returns_exit_code
from antifraud.killswitch.machine import Cause, Mode, Order
from antifraud.settings.serving import StoreSettings
from serving.store.opening import verify
from serving.store.registration import read_registration, require_registered, write_registration
from serving.store.store import Store, init_store, open_store


@returns_exit_code
def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Do what the command line says, and say what was done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("action", choices=("init", "join", "accept", "verify", "audit"))
    options = parser.parse_args(arguments)
    settings = StoreSettings.from_environment(environ)
    if options.action == "verify":
        _verify(settings)
        return
    if options.action == "audit":
        _audit(settings)
        return
    store = {"init": _initialise, "join": _join, "accept": _accept}[options.action](settings)
    try:
        # Whatever the registration says is on the disk.
        store.settle()
        write_registration(store, settings.releases_dir, store.newest_arrival())
        print(f"the service's store is {store.identity} in {settings.store_place}")  # noqa: T201
    finally:
        store.close()


def _initialise(settings: StoreSettings) -> Store:
    if (registration := read_registration(settings.releases_dir)) is not None:
        raise StoreForeign(
            f"the service has a store already, {registration.identity}: bring it back, or `accept` the one at hand"
        )
    return init_store(settings, uuid.uuid4().hex)


def _join(settings: StoreSettings) -> Store:
    if not settings.store_url:
        raise StoreForeign("a folder cannot be shared by two hosts: set ANTIFRAUD_STORE_URL, or `init` a store here")
    store = open_store(settings)
    if (registration := read_registration(settings.releases_dir)) is not None:
        try:
            require_registered(store, settings.releases_dir)
        except StoreForeign:
            store.close()
            raise StoreForeign(
                f"this host's store is {registration.identity}, and the one at hand is another one or an older copy of "
                "it: `accept` it if that is right"
            ) from None
    return store


def _accept(settings: StoreSettings) -> Store:
    store = open_store(settings, accept=True)
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
    if settings.store_url:
        with closing(open_store(settings)) as store:
            store.require_sound()
    else:
        verify(settings.store_dir)
    print(f"the decision store in {settings.store_place} is sound")  # noqa: T201


def _audit(settings: StoreSettings) -> None:
    store = open_store(settings)
    try:
        trail = store.verify_audit()
    finally:
        store.close()
    print(f"the audit trail of the switch is sound: {trail.entries} entries, the newest is {trail.head}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
