"""Rules that hold when a service comes back by itself: a model that shares no code with the consequence of a trip.

It knows what the world has judged, which bundles it has damaged, and what workers have reported. From the history of
the switch it knows which releases have tripped. Each change is checked when it is seen, against all of that.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from antifraud.artifacts.pointer import Pointer
from antifraud.clock import date_of
from bench.switch.simulator.checks import Change, champion_of, has_stayed, require
from bench.switch.simulator.stage import Stage
from serving.store.store import Store

HOURS_FRESH, HOURS_AHEAD, DAYS_CERTIFIED = 36, 1, 14
HASH_LENGTH: Final = 64
SILENT_SECONDS: Final = 60
SLACK_SECONDS: Final = 600
FOREVER: Final = 1 << 40
GUARD, RECOVERY, BOSS, STORE = "guard", "recovery", "boss", "store"


@dataclass(frozen=True)
class Judged:
    """A judgement that can be read: its hash, when it was made, the releases that pass, and the last day it knows."""

    sha256: str
    made_at: int
    passing: frozenset[str]
    last: str = ""


NOBODY: Final = Judged("", 0, frozenset())


class Stood(NamedTuple):
    """A judgement that stands, or stood until a business time; None if there is none that can be read."""

    judged: Judged | None
    until: int


class Scene(NamedTuple):
    """The judgements, the reports of workers, and wall time, at a change of the switch."""

    standing: tuple[Stood, ...]
    reported: Mapping[str, tuple[int, frozenset[str]]]
    wall: int


@dataclass
class Rules:
    """The model, and how often something has happened.

    Attributes:
        stage: The stage.
        store: The store of an observer.
        standing: The judgement that stands, and before it the ones that a guard may still have in its memory.
        damaged: Releases whose bundles do not verify.
        tripped: Releases that served at a trip, and were not put back since.
        rolled: Epochs of trips that the recovery has rolled back.
        seen: Number of ways back by their kind.
    """

    stage: Stage
    store: Store
    standing: list[Stood] = field(default_factory=lambda: [Stood(None, FOREVER)])
    damaged: set[str] = field(default_factory=set)
    tripped: set[str] = field(default_factory=set)
    rolled: set[int] = field(default_factory=set)
    seen: dict[str, int] = field(default_factory=dict)
    witnessed: dict[int, Scene] = field(default_factory=dict)
    epoch: int = 0

    def witness(self, epoch: int) -> None:
        """Note what stands, and what workers have reported, when the switch gets to an epoch.

        A transaction that is killed leaves no trace, so the last note before the next epoch is the right one.
        """
        if epoch > self.epoch:
            self.witnessed[epoch] = Scene(tuple(self.standing), dict(self.stage.reported), self.stage.wall)

    def stands(self, judged: Judged | None) -> None:
        """Note what stands from now on.

        A guard may have read what stood at the same time, and not have committed yet: clocks differ by the slack.
        """
        since = self.stage.now - SLACK_SECONDS
        now, *earlier = self.standing
        recent = [each for each in earlier if each.until >= since]
        self.standing = [Stood(judged, FOREVER), Stood(now.judged, self.stage.now), *recent]

    def check(self, before: Change, after: Change) -> None:
        """Check a change of the switch.

        Raises:
            Violated: A rule does not hold.
        """
        self._check_authorship(after)
        self.epoch = after["epoch"]
        self._scene = self.witnessed.pop(self.epoch)
        serving = before["release"] if before["mode"] == "ROLLED_BACK" else self._read_champion(before)
        is_trip = before["at"] != after["at"] or before["reason"] != after["reason"]
        if after["cause"] == "trip" and after["by"] == GUARD and is_trip:
            self._check_trip(before, after, serving)
        elif has_stayed(before, after):
            self._count("stay")
            told = after["warned"]
            evidence = told["evidence"]
            judged = self._require_good(evidence["release"], evidence, told["at"], "stays", self._scene.standing)
            _require_after_onset(judged, evidence["onset"])
        elif after["mode"] == "ROLLED_BACK" and after["by"] == RECOVERY and before["began"] != after["began"]:
            self._check_recovery(before, after)
        elif after["mode"] == "SERVING" and after["by"] == RECOVERY and before["began"] != after["began"]:
            self._check_resume(before, after)
        if after["mode"] in {"SERVING", "ROLLED_BACK"} and before["began"] != after["began"]:
            served = after["release"] or self._read_champion(after)
            if after["by"] in {BOSS, RECOVERY} and (after["by"] == BOSS or after["mode"] == "SERVING"):
                self.tripped.discard(served)
            require(served not in self.tripped, f"{served} serves although it has tripped")
        require({*after["tripped"]} == self.tripped, f"tripped are {after['tripped']}, not {sorted(self.tripped)}")

    def _read_champion(self, switch: Change) -> str:
        pointer = json.loads((self.stage.settings.releases_dir / "pointer.json").read_text())
        return champion_of(switch, Pointer(**pointer))

    def _check_authorship(self, after: Change) -> None:
        require(after["by"] in {GUARD, RECOVERY, BOSS, STORE} and after["reason"], "a change has no author or reason")
        require(after["cause"] in {"store", "admin", "trip", "signal", "pass"}, "a change has no cause")
        if after["cause"] == "pass":
            require(len(after["evidence"].get("report", "")) == HASH_LENGTH, "a PASS has no hash of its report")

    def _check_trip(self, before: Change, after: Change, serving: str) -> None:
        self.tripped |= {serving} if serving else set()
        if before["mode"] not in {"SERVING", "ROLLED_BACK"}:
            return
        self._count(f"trip to {after['mode']}")
        require(after["mode"] in {"SUSPENDED", "ROLLED_BACK"}, f"a trip led to {after['mode']}")
        if after["mode"] != "ROLLED_BACK":
            require(after["release"] is None, "a suspended switch names a release")
            return
        release, evidence = after["release"], after["evidence"]
        require(release != serving, f"{release} serves on although it has tripped")
        judged = self._require_good(release, evidence, after["at"], "rolled back", self._scene.standing)
        self._require_loaded(release)
        _require_after_onset(judged, after["trip"]["onset"])

    def _check_recovery(self, before: Change, after: Change) -> None:
        trip = before["trip"]
        require(before["mode"] == "SUSPENDED" and trip, "the recovery rolled back a service that no trip has suspended")
        require(trip["epoch"] not in self.rolled, f"two roll-backs by the recovery for the trip {trip['epoch']}")
        self.rolled.add(trip["epoch"])
        self._count("recovery")
        told = {"judgement": after["evidence"].get("report")}
        judged = self._require_good(after["release"], told, after["at"], "recovered", self._scene.standing[:1])
        _require_after_onset(judged, trip["onset"])
        require(after["release"] not in self.damaged, f"recovered to {after['release']}, whose bundle is damaged")

    def _check_resume(self, before: Change, after: Change) -> None:
        trip, release = before["trip"], after["champion"]
        require(trip, "the recovery resumed a service that does not recover from a trip")
        self._count("resume")
        last = date_of(int(release[1:]) - 1 - self.stage.world.delay)
        days = (last - dt.date.fromisoformat(trip["onset"])).days
        require(days >= DAYS_CERTIFIED, f"a PASS has resumed {days} certify days after the onset")
        require(release not in self.damaged, f"{release} was resumed although it is damaged")

    def _require_good(
        self, release: str, evidence: dict[str, Any], at: int, what: str, standing: Sequence[Stood]
    ) -> Judged:
        """Require that a judgement which stands, and is fresh, lets a release serve; return it."""
        named = evidence.get("judgement")
        judged = next((each.judged for each in standing if each.judged and each.judged.sha256 == named), NOBODY)
        require(judged is not NOBODY, f"{release} was {what} by no judgement that stands")
        age = at - judged.made_at
        is_fresh = -HOURS_AHEAD * 3_600 <= age <= HOURS_FRESH * 3_600
        require(is_fresh, f"{release} was {what} by a judgement that is {age} seconds old")
        require(release in judged.passing, f"{release} was {what} although it does not pass")
        require(release not in self.tripped, f"{release} was {what} although it has tripped")
        return judged

    def _require_loaded(self, release: str) -> None:
        require(release not in self.damaged, f"a trip went back to {release}, whose bundle is damaged")
        for worker, (at, loaded) in self._scene.reported.items():
            if self._scene.wall - at <= SILENT_SECONDS:
                require(release in loaded, f"a trip went back to {release}, which {worker} has not loaded")

    def _count(self, kind: str) -> None:
        self.seen[kind] = self.seen.get(kind, 0) + 1


def _require_after_onset(judged: Judged, onset: str) -> None:
    require(judged.last >= onset, "a judgement that knows no day since the onset has decided")
