"""The lease of the one guard that leads, with the fencing epoch that each of its changes is checked against.

No clock is part of it, because the clocks of two guards may differ. The holder raises `renewals` again and again. A
guard that sees no change for long enough, by a clock of its own, takes the lease and begins the next epoch.
"""

from typing import Final

import msgspec

from antifraud.errors import NotLeading
from serving.store.environment import Environment
from serving.store.records import Lease
from serving.store.view import View

_KEY: Final = b"lease"
NOBODY: Final = Lease()
_pack = msgspec.json.Encoder().encode
_unpack = msgspec.json.Decoder(Lease).decode


class Leadership:
    """The operations on the lease, each in a transaction of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def read(self) -> Lease:
        """Return the lease as it is now."""
        with self._environment.read() as view:
            return read_lease(view)

    def take(self, holder: str, seen: Lease) -> Lease | None:
        """Take or renew the lease if it is still as it was `seen`; return it, or None if somebody was faster."""
        return self._environment.write(lambda view: _take(view, holder, seen))

    def end(self, epoch: int) -> None:
        """Give the lease of `epoch` back, so that another guard need not wait."""
        self._environment.write(lambda view: _end(view, epoch))


def read_lease(view: View) -> Lease:
    """Return the lease; nobody holds that of a new store."""
    text = view.get("meta", _KEY)
    return _unpack(text) if text else NOBODY


def require_lease(view: View, epoch: int) -> None:
    """Refuse a change of a guard that leads no more.

    Raises:
        NotLeading: The epoch is over.
    """
    lease = read_lease(view)
    if lease.epoch != epoch or not lease.holder:
        raise NotLeading(
            f"this guard led in epoch {epoch}, and the present one is {lease.epoch}: nothing was changed, another "
            "guard goes on"
        )


def _take(view: View, holder: str, seen: Lease) -> Lease | None:
    if read_lease(view) != seen:
        return None
    is_renewal = seen.holder == holder
    taken = Lease(holder, seen.epoch + (not is_renewal), seen.renewals + 1 if is_renewal else 0)
    view.put("meta", _KEY, _pack(taken))
    return taken


def _end(view: View, epoch: int) -> None:
    if read_lease(view).epoch == epoch:
        view.put("meta", _KEY, _pack(Lease(epoch=epoch)))
