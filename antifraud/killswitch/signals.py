"""The technical signals: what each measures, when it warns, and what else it does if somebody has set that.

A signal says nothing about the quality of the model. Therefore only a release that nobody can read suspends the
service by default, and all others warn. A store that nobody can read needs no signal: workers then decide nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Final

from antifraud.errors import SettingsError
from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.hysteresis import Band, Latch
from antifraud.killswitch.machine import Level


class SignalName(StrEnum):
    """Name of a signal, as warnings, metrics and `ANTIFRAUD_SIGNAL_POLICIES` spell it."""

    ERROR_SHARE = "error_share"
    """Share of the requests for decisions that failed in the last minute."""
    P99 = "p99"
    """Seconds that one decision in a hundred exceeded in the last minute."""
    STALE_STATE = "stale_state"
    """Hours since the end of the oldest cut-off day in use."""
    PARITY_SHARE = "parity_share"
    """Share of the logged vectors of the newest report that their replay reproduces."""
    STORE_FILL = "store_fill"
    """Used share of the decision store."""
    SHIPPER_BEHIND = "shipper_behind"
    """Seconds since the oldest decision that is not shipped was made; unknown where nothing was ever shipped."""
    RELEASE_UNREADABLE = "release_unreadable"
    """Share of the workers that can read no release and have none to serve."""
    GUARD_SILENT = "guard_silent"
    """Seconds since the last sign of life of the guard; the workers measure it, each for itself."""


class Policy(StrEnum):
    """The reaction to a signal that is too bad."""

    OFF = "off"
    WARN = "warn"
    SUSPEND = "suspend"


DEFAULTS: Final[Mapping[SignalName | AlarmName, Policy]] = {
    **dict.fromkeys(SignalName, Policy.WARN),
    **dict.fromkeys(AlarmName, Policy.WARN),
    SignalName.RELEASE_UNREADABLE: Policy.SUSPEND,
}


def parse_policies(text: str) -> dict[SignalName | AlarmName, Policy]:
    """Return the policy of every signal and alarm; the text names policies other than the default.

    >>> parse_policies("p99=off, error_share=suspend")[SignalName.P99]
    <Policy.OFF: 'off'>

    Raises:
        SettingsError: The text is something else, or lets something suspend the service that can only warn.
    """
    policies, names = dict(DEFAULTS), {name.value: name for name in DEFAULTS}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, policy = (each.strip() for each in part.partition("="))
        if name not in names or policy not in set(Policy):
            raise SettingsError(
                f"ANTIFRAUD_SIGNAL_POLICIES has a part that is no policy: expected name=policy, separated by commas, "
                f"with a name of {', '.join(names)} and a policy of {', '.join(Policy)}; correct it or unset it"
            )
        policies[names[name]] = Policy(policy)
    if policies[SignalName.GUARD_SILENT] is Policy.SUSPEND:
        raise SettingsError(
            "ANTIFRAUD_SIGNAL_POLICIES lets guard_silent suspend the service, which only the guard could do: set it "
            "to warn or off"
        )
    if tripping := [name for name in AlarmName if policies[name] is Policy.SUSPEND]:
        raise SettingsError(
            f"ANTIFRAUD_SIGNAL_POLICIES lets {tripping[0]} suspend the service, but evidence does that only by the "
            "tests of its detectors: set it to warn or off"
        )
    return policies


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal with its band and policy; `words` describe a value that is too bad, with places for it and the limit."""

    name: SignalName
    band: Band
    policy: Policy
    words: str

    @property
    def alarm(self) -> Level:
        """The level of its warning: a signal that suspends the service pages a person."""
        return Level.PAGE if self.policy is Policy.SUSPEND else Level.WARN


@dataclass(frozen=True, slots=True)
class Reading:
    """A signal after a measurement; the value is None if nobody knows it."""

    signal: Signal
    value: float | None
    latch: Latch

    @property
    def trips(self) -> bool:
        """Whether it suspends the service."""
        return self.latch.raised and self.signal.policy is Policy.SUSPEND

    def describe(self) -> str:
        """Return a value that is too bad as a sentence."""
        return self.signal.words.format(value=self.value, limit=self.signal.band.begin)


def read_signals(
    signals: Iterable[Signal],
    values: Mapping[SignalName, float | None],
    latches: Mapping[SignalName, Latch],
    now: float,
) -> list[Reading]:
    """Return every signal after a measurement at `now`; `latches` are those from before."""
    return [
        Reading(signal, value, latches.get(signal.name, Latch()).after(value, signal.band, now))
        for signal in signals
        for value in [values.get(signal.name)]
    ]


def quantile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """Return the value that `share` of the counted values do not exceed, as Prometheus does; None without values.

    `counts[i]` values lie between the bounds `i - 1` and `i`. One more count than bounds is for those above the last.

    >>> quantile([0, 98, 2, 0], [1.0, 2.0, 4.0], 0.99)
    3.0
    """
    if not (total := sum(counts)):
        return None
    rank, below = share * total, [0, *accumulate(counts)]
    place = next(place for place, _ in enumerate(counts) if below[place + 1] >= rank)
    if place == len(bounds):
        return bounds[-1]
    low = bounds[place - 1] if place else 0.0
    return low + (bounds[place] - low) * (rank - below[place]) / counts[place]
