"""The guard's part of the port of the decision store: counts of detectors, the lease, notifications, deliveries."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from antifraud.killswitch.cohorts import CohortCounts
from antifraud.killswitch.detectors.flagged_share import Minute
from antifraud.killswitch.detectors.missed_rate import MissedFraud
from serving.store.records import Delivery, Lease


class StoredTerminal(NamedTuple):
    """The timely counts of one terminal of a day in an era."""

    era: int
    timely: CohortCounts


class StoredFraud(NamedTuple):
    """A fraud that was not flagged, decided in an era; digests stand for its tokens."""

    era: int
    fraud: MissedFraud


class Counts(Protocol):
    """The counts beside those of the cohorts; each raises a StoreError if the store cannot be used."""

    def count_minute(self, now: int) -> bool:
        """Count the oldest minute that is over and not counted; return whether there was one."""

    def minutes(self) -> dict[int, Minute]:
        """Return what was decided and flagged in each of the last minutes, by the number of the minute."""

    def missed_frauds(self, known_before: int) -> list[StoredFraud]:
        """Return the missed frauds of days of episodes that are open, as they were known at a time."""

    def terminals_of(self, day: int) -> list[StoredTerminal]:
        """Return the counts of each terminal of a day that is closing."""


class Outbox(Protocol):
    """The operations on notifications and deliveries; each raises a StoreError if the store cannot be used."""

    def notifications(self) -> list[str]:
        """Return the notifications that have no deliveries yet, oldest first."""

    def queue_notifications(self, subscribers: Sequence[str], now: float) -> None:
        """Turn each notification into a delivery to each subscriber; deliveries to others become dead letters."""

    def deliveries(self) -> list[Delivery]:
        """Return all deliveries that wait, by subscriber, oldest first."""

    def begin_attempt(self, delivery: Delivery, due: float) -> Delivery | None:
        """Count an attempt before it is made, and note when the next one is due; return the delivery as it is now.

        Return None, and change nothing, if the delivery is no longer as it was read.
        """

    def postpone(self, delivery: Delivery, due: float, reason: str) -> None:
        """Note when the next attempt is due, and why the last one failed."""

    def settle(self, delivery: Delivery, *, given_up_because: str | None) -> None:
        """Remove a delivery; one that was given up becomes a dead letter."""

    def dead_letters(self) -> list[Delivery]:
        """Return the deliveries that were given up, by subscriber, oldest first."""

    def redeliver(self, letters: Sequence[Delivery], now: float) -> int:
        """Queue dead letters again, as if they were new; return how many there still were."""


class Leadership(Protocol):
    """The operations on the lease of the guard that leads; each raises a StoreError if the store cannot be used."""

    def read(self) -> Lease:
        """Return the lease as it is now."""

    def take(self, holder: str, seen: Lease) -> Lease | None:
        """Take or renew the lease if it is still as it was `seen`; return it, or None if somebody was faster.

        A renewal keeps the epoch; another holder begins the next one.
        """

    def end(self, epoch: int) -> None:
        """Give the lease of `epoch` back, so that another guard need not wait."""
