"""``/v1/switch``, ``/v1/status`` and the probes: what the service does, and whether it may."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from antifraud.api.fields import MAX_ID, MAX_REASON, Time


class SwitchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A requested change of the switch; `expected_epoch` is the epoch that the client has read."""

    action: Literal["suspend", "resume"]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    expected_epoch: Annotated[int, Meta(ge=0, le=MAX_ID)]


class SwitchAnswer(Struct, frozen=True):
    """The switch: its mode, the number of its changes, and who made the last one, why and when (UTC seconds).

    Epoch and time are null while the service has no decision store.
    """

    mode: str
    epoch: int | None
    reason: str
    by: str
    at: int | None


class StatusAnswer(Struct, frozen=True):
    """The whole service: `converged` is true if all workers use what the pointers name and have seen the epoch.

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
