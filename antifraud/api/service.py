"""``/v1/switch``, ``/v1/status`` and the probes: what the service does, and whether it may."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from antifraud.api.fields import MAX_ID, MAX_REASON, ReleaseName, Time

SwitchAction = Literal["suspend", "resume", "observe", "roll_back"]
ReportHash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="SHA-256 of a gate's report")]


class SwitchRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A requested change of the switch; `expected_epoch` is the epoch that the client has read.

    `resume` serves the release that the pointer names, `roll_back` the named `release`. `observe` scores and logs, and
    flags nothing; a new store may begin with it. `drill` marks a suspension or a roll-back as an exercise. `report` is
    the SHA-256 of a report by which the release passes the gate on today's data. `force` serves a release although the
    evidence forbids it.
    """

    action: SwitchAction
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    expected_epoch: Annotated[int, Meta(ge=0, le=MAX_ID)]
    release: ReleaseName | UnsetType = UNSET
    report: ReportHash | UnsetType = UNSET
    drill: bool = False
    force: bool = False


class SwitchAnswer(Struct, frozen=True):
    """The switch: its mode, the number of its changes, and who made the last one, why and when (UTC seconds).

    Epoch and time are null while the service has no decision store. `cause` is store, admin, trip, signal or pass.
    `release` is the one that serves while ROLLED_BACK. `began` is the epoch in which the mode began, and `champion` the
    release that the pointer named then. `warning` is none,
    warn or page, the highest of `warnings`, and `warned` says why. `drill` is true during an exercise, and `drilled`
    says why. `evidence` has the numbers behind the change. `tripped` lists releases that served when the guard tripped
    and have not served since; `unproved_at` is when such a release was last put back without a PASS, and `observed_at`
    when OBSERVE began. `trip` has epoch, time and onset of the trip that the service recovers from by itself.
    """

    mode: str
    epoch: int | None
    reason: str
    by: str
    at: int | None
    cause: str
    release: str | None = None
    began: int = 0
    champion: str | None = None
    warning: str = "none"
    warnings: dict[str, str] = {}
    warned: dict[str, Any] | None = None
    drill: bool = False
    drilled: dict[str, Any] | None = None
    evidence: dict[str, Any] = {}
    tripped: tuple[str, ...] = ()
    unproved_at: int | None = None
    observed_at: int | None = None
    trip: dict[str, Any] | None = None


class StatusAnswer(Struct, frozen=True):
    """The whole service: `converged` is true if all workers use what switch and pointers name and have seen the epoch.

    `guard` is the guard's last report; `silent_since` in it is the time of that report if the guard is dead since then.
    `release`, `verdict`, `threshold`, `state_cutoff` and `policy` (its version and activation) are those of the worker
    that answers. `troubles` says what it cannot use, and why.

    `evidence` is about each subject: the service, and each release. `coverage` says how many decisions of closed days
    have a label, and `finding` in it is ``evidence_unidentified`` if they are too few. `warnings` is what a person
    should know about the evidence although nothing trips.
    """

    switch: SwitchAnswer
    store: dict[str, Any] | None
    counts: dict[str, int]
    workers: list[dict[str, Any]]
    guard: dict[str, Any] | None
    signals: dict[str, Any]
    evidence: list[dict[str, Any]]
    coverage: dict[str, Any] | None
    warnings: list[str]
    release: str | None
    verdict: str | None
    threshold: int | None
    state_cutoff: str | None
    policy: dict[str, Any] | None
    converged: bool
    time: Time
    troubles: dict[str, str]


class ProbeAnswer(Struct, frozen=True, omit_defaults=True):
    """The state of the worker that answers; `warnings` says what a person has to repair, although it decides."""

    status: Literal["alive", "ready"]
    warnings: tuple[str, ...] = ()
