"""Ship a home's store and kill this process at a step: `kill_shipper.py HOME STEP CALL`.

CALL counts the appends before, so that each stream has its turn.
"""

import inspect
import os
import signal
import sys

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Transaction

from serving.shipper.__main__ import main
from serving.store.store import Store

calls = 0


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def is_due():
    global calls  # noqa: PLW0603 a process of its own
    calls += 1
    return calls == CALL


def patch(place, name, before, after):
    original = getattr(place, name)

    def killed(*arguments, **options):
        due = is_due()
        if due and before:
            die()
        result = original(*arguments, **options)
        if due and after:
            die()
        return result

    is_static = isinstance(inspect.getattr_static(place, name), staticmethod)
    setattr(place, name, staticmethod(killed) if is_static else killed)


def die_in_release(store, first, last):
    """Let the store go of a half, then die."""
    release(store, first, (first + last) // 2)
    die()


STEPS = {
    "before the rows are written": lambda: patch(Transaction, "append", before=True, after=False),
    "after the rows are written": lambda: patch(Transaction, "append", before=False, after=True),
    "before the commit": lambda: patch(SqlCatalog, "commit_table", before=True, after=False),
    "after the metadata is written": lambda: patch(SqlCatalog, "_write_metadata", before=False, after=True),
    "after the commit": lambda: patch(SqlCatalog, "commit_table", before=False, after=True),
    "while the store lets go": lambda: setattr(Store, "release", die_in_release),
}
release = Store.release

if __name__ == "__main__":
    home, step, call = sys.argv[1:]
    CALL = int(call)
    STEPS[step]()
    sys.exit(main(["--once"], {"ANTIFRAUD_HOME": home, "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 26)}))
