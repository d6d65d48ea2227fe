"""Hysteresis: a warning begins at one value and ends at a better one, and both must last, so that it does not flicker.

A value between the two keeps the warning as it is, and so does one that nobody knows.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Band:
    """The values between which a warning stays as it is.

    Attributes:
        begin: A value that is worse than this asks for the warning. Larger is worse if `begin` is at least `end`.
        end: A value that is no worse than this asks for its end.
        begin_after: Seconds for which a value has to ask for the warning.
        end_after: Seconds for which a value has to ask for the end.
    """

    begin: float
    end: float
    begin_after: float
    end_after: float

    def asks_for(self, value: float) -> bool | None:
        """Return whether a value asks for the warning or for its end; None if it asks for neither.

        >>> fill = Band(0.7, 0.6, begin_after=60, end_after=60)
        >>> fill.asks_for(0.71), fill.asks_for(0.7), fill.asks_for(0.6)
        (True, None, False)
        """
        worse = 1 if self.begin >= self.end else -1
        if worse * value > worse * self.begin:
            return True
        return False if worse * value <= worse * self.end else None


@dataclass(frozen=True, slots=True)
class Latch:
    """A warning that is raised or not, and since when the value has asked for the opposite; None while it does not."""

    raised: bool = False
    asking_since: float | None = None

    def after(self, value: float | None, band: Band, now: float) -> Self:
        """Return the latch after a measurement at `now`; a `value` of None is unknown.

        >>> fill = Band(0.7, 0.6, begin_after=60, end_after=60)
        >>> Latch().after(0.8, fill, now=100.0)
        Latch(raised=False, asking_since=100.0)
        >>> Latch(asking_since=100.0).after(0.8, fill, now=160.0)
        Latch(raised=True, asking_since=None)
        """
        asked = None if value is None else band.asks_for(value)
        if asked is None or asked is self.raised:
            return type(self)(self.raised)
        # A time ahead comes from another clock, or from one that was set back since.
        since = now if self.asking_since is None or self.asking_since > now else self.asking_since
        if now - since >= (band.begin_after if asked else band.end_after):
            return type(self)(asked)
        return type(self)(self.raised, since)
