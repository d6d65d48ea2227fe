"""The three windows of a training run, in time order: train, select, certify."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from antifraud.clock import ONE_DAY, Span
from antifraud.errors import SettingsError
from antifraud.settings.core import JobSettings
from antifraud.stats.threshold import MIN_BLOCKS

SHORTEST_CERTIFY_DAYS: Final = 14
"""The compromise of a customer lasts 14 days; a shorter window would not see one end."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Where a model learns (`train`), where it is chosen (`select`), where it is judged once (`certify`)."""

    train: Span
    select: Span
    certify: Span

    @property
    def spans(self) -> dict[str, Span]:
        """The windows by name, in time order."""
        return {"train": self.train, "select": self.select, "certify": self.certify}

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Return the days as ISO texts, for JSON."""
        return {name: {"first": str(span.first), "last": str(span.last)} for name, span in self.spans.items()}

    @classmethod
    def from_dict(cls, spans: dict[str, dict[str, str]]) -> "Windows":
        """Return the windows that `to_dict` gave as texts."""
        day = dt.date.fromisoformat
        return cls(**{name: Span(day(ends["first"]), day(ends["last"])) for name, ends in spans.items()})


def windows_as_of(
    as_of: dt.date, *, train_days: int, select_days: int, certify_days: int, label_delay_days: int
) -> Windows:
    """Return windows that use only labels known at the end of `as_of`.

    Certify ends at the newest day whose labels are matured, ``as_of - label_delay_days``; select ends the day before
    certify begins, train the day before select begins.

    Raises:
        SettingsError: There is nothing to train on, or select is too short to tune on, or certify to judge on.

    >>> windows = windows_as_of(
    ...     dt.date(2026, 4, 10), train_days=28, select_days=7, certify_days=28, label_delay_days=7)
    >>> print(windows.train, windows.select, windows.certify)
    2026-01-31..2026-02-27 2026-02-28..2026-03-06 2026-03-07..2026-04-03
    """
    too_short = train_days < 1 or select_days < MIN_BLOCKS or certify_days < SHORTEST_CERTIFY_DAYS
    if too_short or label_delay_days < 0:
        raise SettingsError(
            f"windows of {train_days} train, {select_days} select and {certify_days} certify days: expected at least "
            f"1, {MIN_BLOCKS} and {SHORTEST_CERTIFY_DAYS}, and a label delay of 0 or more"
        )
    certify = _ending(as_of - dt.timedelta(days=label_delay_days), certify_days)
    select = _ending(certify.first - ONE_DAY, select_days)
    return Windows(_ending(select.first - ONE_DAY, train_days), select, certify)


def windows_of(settings: JobSettings, as_of: dt.date) -> Windows:
    """Return windows of the lengths in the settings; raises as `windows_as_of` does."""
    return windows_as_of(
        as_of,
        train_days=settings.train_days,
        select_days=settings.select_days,
        certify_days=settings.certify_days,
        label_delay_days=settings.label_delay_days,
    )


def _ending(last: dt.date, days: int) -> Span:
    return Span(last - dt.timedelta(days=days - 1), last)
