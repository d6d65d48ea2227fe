"""The promise of a release's manifest to the guard: how its days vary, and how much of its fraud is known in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antifraud.killswitch.detectors.noise import Noise


@dataclass(frozen=True, slots=True)
class Promise:
    """Everything that is known about a release beforehand.

    Attributes:
        noise: How its days vary.
        known: Share of a day's frauds that is known when the day closes.
        known_shares: Share of a day's frauds that is known when the day is 0, 1, 2, … days old.
        volume: Transactions a month at which the gate has judged its loss; None if the manifest does not say.
    """

    noise: Noise
    known: float = 1.0
    known_shares: tuple[float, ...] = (1.0,)
    volume: float | None = None


def promise_of(manifest: Mapping[str, Any], limit: float, age: int) -> Promise:
    """Return the promise of a release's manifest about days that close at an age of so many days.

    A manifest without ``known_shares`` promises that all fraud is known by then.

    >>> promise_of({"known_shares": [0.2, 0.6, 0.9]}, 0.05, age=8).known
    0.9
    """
    shares = tuple(manifest.get("known_shares") or (1.0,))
    known = float(shares[min(age, len(shares) - 1)])
    return Promise(Noise.of_manifest(manifest, limit), known, shares, manifest.get("transactions_a_month"))
