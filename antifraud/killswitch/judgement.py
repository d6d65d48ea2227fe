"""The standing judgement: which releases are good on today's data, so that the guard knows where to go back to.

The DAG `monitor` makes one every night (`jobs/judge.py`), of what serves and of the releases kept to go back to. The
guard reads it when it trips. A judgement is plain values with one canonical text, and the hash of that text names it.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from antifraud.clock import HOUR_SECONDS

VERSION: Final = 1
"""Version of the file. Raise it whenever a field is added, renamed or removed."""
FRESH_SECONDS: Final = 36 * HOUR_SECONDS
"""A judgement is used for so long: a night and half a day, so one failed night is seen at noon."""
AHEAD_SECONDS: Final = HOUR_SECONDS
"""By how much the clocks of two hosts may differ."""


class Standing(StrEnum):
    """Verdict of a test of the standing judgement."""

    PASS = "pass"  # noqa: S105 a verdict, no password
    FAIL = "fail"
    NOT_JUDGEABLE = "not_judgeable"


class Role(StrEnum):
    """Why a release is judged: the pointer names it, the ladder has it, or it is long proven."""

    CHAMPION = "champion"
    LADDER = "ladder"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The conditions of both tests. Shares are fractions, money is minor units.

    Attributes:
        fpr_limit: Largest false-positive rate.
        loss_limit_minor: Largest missed fraud of a 30-day month.
        delta: Probability with which the long test of one release may pass wrongly: its part of the night's delta.
        onset_delta: The same of the onset test's bound of the rate.
    """

    fpr_limit: float
    loss_limit_minor: int
    delta: float
    onset_delta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one test of one release; figures are None where the test could not be made.

    Attributes:
        verdict: Whether the release passes.
        sentence: Why, with the figures.
        warning: What makes the verdict less sure; empty if nothing does.
        first: First day of the test.
        last: Its last day.
        days: Days with transactions.
        rows: Legitimate rows.
        fpr_bound: Upper bound of the false-positive rate.
        missed_minor: Missed fraud a month, minor units: the upper bound in the long test, the estimate in the onset
            test.
    """

    verdict: Standing
    sentence: str
    warning: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    days: int = 0
    rows: int = 0
    fpr_bound: float | None = None
    missed_minor: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read an outcome back from plain values."""
        days = {name: _day(values[name]) for name in ("first", "last")}
        return cls(**{**values, **days, "verdict": Standing(values["verdict"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A release with the outcomes of both tests.

    Attributes:
        release: Its id.
        role: Why it is judged.
        trained: Day that it was trained as of; None if its bundle cannot be read.
        long: The gate's limits on matured days after the release's own certify window.
        onset: The limits on the days since the estimated onset, or on the newest matured days.
        passes: Whether the guard may let it serve: both tests pass.
        reason: Why, in a sentence.
    """

    release: str
    role: Role
    trained: dt.date | None
    long: Outcome
    onset: Outcome | None
    passes: bool
    reason: str

    @classmethod
    def of_tests(cls, release: str, role: Role, trained: dt.date | None, long: Outcome, onset: Outcome | None) -> Self:
        """Return a release that passes if both tests do; the reason is that of the first test that does not."""
        failing = [test for test in (long, onset) if test and test.verdict is not Standing.PASS]
        passes = onset is not None and not failing
        if passes:
            reason = "It passes both tests."
        else:
            reason = failing[0].sentence if failing else "The onset test was not made."
        return cls(release=release, role=role, trained=trained, long=long, onset=onset, passes=passes, reason=reason)

    def reaches(self, onset: dt.date) -> bool:
        """Return whether the onset test knows a day since `onset`; earlier days do not show the trouble."""
        return self.onset is not None and self.onset.last is not None and self.onset.last >= onset

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read a judged release back from plain values."""
        onset = None if values["onset"] is None else Outcome.from_dict(values["onset"])
        read = {"role": Role(values["role"]), "trained": _day(values["trained"]), "onset": onset}
        found = cls(**{**values, **read, "long": Outcome.from_dict(values["long"])})
        if found.passes and not cls.of_tests(found.release, found.role, found.trained, found.long, onset).passes:
            raise ValueError(f"release {found.release} is said to pass although a test does not")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Releases that serve or are kept to go back to, judged on one day's knowledge.

    Attributes:
        made_at: Business time, UTC seconds: what was known by then counts.
        as_of_day: Labels known at the end of this day count.
        switch_epoch: Epoch of the switch that the job has read; None if no scorer told it.
        terms: The conditions of both tests.
        releases: The judged releases, newest first.
        warnings: Sentences about the judgement as a whole.
    """

    made_at: int
    as_of_day: dt.date
    switch_epoch: int | None
    terms: Terms
    releases: tuple[Judged, ...]
    warnings: tuple[str, ...] = ()

    def is_fresh(self, now: int) -> bool:
        """Return whether the judgement may be used at business time `now` (UTC seconds).

        One from the future is as little fresh as an old one, because it would never expire.
        """
        return -AHEAD_SECONDS <= now - self.made_at <= FRESH_SECONDS

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with their version."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return {"version": VERSION, **plain}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read a judgement back from plain values.

        Raises:
            UnknownVersion: Another version of the platform wrote it.
            ValueError: A value is missing or malformed.
        """
        if (found := values.get("version")) != VERSION:
            raise UnknownVersion(f"it has version {found}, expected {VERSION}")
        try:
            return cls(**_read_fields({name: value for name, value in values.items() if name != "version"}))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"it lacks a field or has a strange one ({error})") from error

    def to_bytes(self) -> bytes:
        """Return the canonical text: equal judgements have equal bytes."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode()

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the canonical text: the name of the judgement as evidence."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


class UnknownVersion(ValueError):
    """A judgement was written by another version of the platform."""


def _read_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    as_of = _day(values["as_of_day"])
    if type(values["made_at"]) is not int or as_of is None:
        raise ValueError("its time or its day is missing")
    return {
        **values,
        "as_of_day": as_of,
        "terms": Terms(**values["terms"]),
        "releases": tuple(map(Judged.from_dict, values["releases"])),
        "warnings": tuple(values["warnings"]),
    }


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


class Choice(NamedTuple):
    """The consequence of a trip: `release` serves from then on, or None if nothing may serve.

    `stays` says that `release` is what serves already, so only a warning is due.
    """

    release: str | None
    stays: bool
    reason: str


def choose(
    judgement: Judgement | None, now: int, onset: dt.date, serving: str | None, tripped: Collection[str] = ()
) -> Choice:
    """Choose the newest release that passes both tests; what serves stays if it passes, too.

    Args:
        judgement: The standing judgement; None if there is none that can be read.
        now: Business time, UTC seconds.
        onset: First day of the trouble; a release counts if a day since then was judged.
        serving: The release that serves now; None if none does.
        tripped: Releases that the evidence of the guard speaks against, so the judgement does not clear them.
    """
    if judgement is None:
        return Choice(None, stays=False, reason="There is no standing judgement.")
    if not judgement.is_fresh(now):
        hours = (now - judgement.made_at) / HOUR_SECONDS
        allowed = FRESH_SECONDS // HOUR_SECONDS
        reason = (
            f"The standing judgement of {judgement.as_of_day} is {hours:.0f} hours old, at most {allowed} are allowed."
        )
        return Choice(None, stays=False, reason=reason)
    passing = [each for each in judgement.releases if each.passes and each.release not in tripped]
    able = [each for each in passing if each.reaches(onset)]
    if any(each.release == serving for each in able):
        return Choice(serving, stays=True, reason=f"{serving}, which serves, passes both tests.")
    newest = max(able, key=lambda each: (str(each.trained), each.release), default=None)
    if newest is None and passing:
        names = ", ".join(each.release for each in passing)
        return Choice(None, stays=False, reason=f"{names} pass on days before the onset on {onset} only.")
    if newest is None:
        return Choice(None, stays=False, reason=f"None of {len(judgement.releases)} judged releases passes both tests.")
    reason = f"{newest.release} is the newest release that passes both tests."
    return Choice(newest.release, stays=False, reason=reason)
