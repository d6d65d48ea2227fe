"""The kinds of news about the switch that subscribers get, each told by the switch before and after a change."""

from enum import StrEnum
from typing import Final

from antifraud.killswitch.machine import Mode, Switch


class News(StrEnum):
    """A kind of news; the type of its webhook is ``antifraud.switch.`` and this word."""

    SUSPENDED = "suspended"
    ROLLED_BACK = "rolled_back"
    RESUMED = "resumed"
    """Decisions are made again; the mode says whether they are only observed."""
    WARNING = "warning"
    """A warning has begun, changed or ended."""
    DRILL = "drill"
    """A drill has begun or ended."""


OF_MODE: Final = {
    Mode.SUSPENDED: News.SUSPENDED,
    Mode.ROLLED_BACK: News.ROLLED_BACK,
    Mode.SERVING: News.RESUMED,
    Mode.OBSERVE: News.RESUMED,
}


def news_of(before: Switch, after: Switch) -> list[News]:
    """Return the kinds of news that a change is.

    A drill that suspends is both: whoever asks for decisions has to react as if it were none.
    """
    told = [News.DRILL] if before.drill != after.drill else []
    told += [OF_MODE[after.mode]] if before.began != after.began else []
    # A trip that changes no mode, such as one while the service observes, is a warning.
    return told if told and before.warnings == after.warnings else [*told, News.WARNING]
