"""Commands about the policy: check a file, show what holds, compare, activate."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from antifraud.artifacts.policies import (
    Activation,
    ActivePolicy,
    Change,
    Draft,
    activate,
    open_active,
    read_activations,
    read_draft,
    report_path,
    require_next,
)
from antifraud.clock import BusinessClock, date_of, day_of
from antifraud.commands.command import Environ, argument, command
from antifraud.commands.terminal import align_columns, say
from antifraud.keys.signing import PublicKey, SigningKey
from antifraud.policy.differences import describe_difference
from antifraud.policy.errors import PolicyError, PolicyRefused
from antifraud.policy.replayed import PolicyReport, decode_report, describe_report, find_objections
from antifraud.policy.rules import Policy, find_hit_by_all
from antifraud.settings.core import JobSettings, Settings

SHORTEST_REASON: Final = 10
COLUMNS: Final = ("change", "version", "day", "by", "forced", "reason")

FILE = argument("file", type=Path, help="TOML file of a policy; docs/policy.md describes it")


@command("policy check", FILE)
def check(options: argparse.Namespace, _environ: Environ) -> None:
    """Check a policy's file: every field is known, every value is valid, and all fit together."""
    policy = read_draft(options.file).policy
    kinds = Counter(type(rule).__name__ for rule in policy.rules)
    say(f"version {policy.version} is a policy of {len(policy.rules)} rules: {policy.about}")
    for kind, count in kinds.items():
        say(f"  {kind}: {count}")
    say(f"  while the service is suspended: {policy.on_suspend}")
    for rule in find_hit_by_all(policy):
        say(f"warning: {rule} is hit by every payment")


@command("policy show")
def show(_options: argparse.Namespace, environ: Environ) -> None:
    """Show the active policy, rule by rule, and the record of all activations; tokens are counted, not shown."""
    settings = Settings.from_environment(environ)
    active = _open_active(settings)
    if active is None:
        say("no policy was ever activated: the release's threshold alone decides")
        return
    say(f"version {active.policy.version}: {active.policy.about}")
    for line in describe_difference(None, active.policy):
        say(f"  {line[2:]}")
    say("")
    for line in align_columns([COLUMNS, *map(_describe_activation, _read_activations(settings))]):
        say(line)


@command("policy diff", FILE)
def show_difference(options: argparse.Namespace, environ: Environ) -> None:
    """Show the difference between the active policy and a file."""
    active = _open_active(Settings.from_environment(environ))
    _say_difference(active, read_draft(options.file).policy)


@command(
    "policy activate",
    FILE,
    argument("--reason", required=True, help="why, in a sentence; kept in the record"),
    argument(
        "--dry-run",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="only show what would happen (the default); --no-dry-run does it",
    ),
    argument("--expect-change", type=int, help="only if the record is still at this change, as the dry run showed it"),
    argument("--force", action="store_true", help="activate it although something speaks against it"),
)
def activate_policy(options: argparse.Namespace, environ: Environ) -> None:
    """Let the policy of a file hold; dry by default.

    The figures of its replay (`python -m jobs.policy_replay`) are shown. A policy that was not replayed, that flags
    more legitimate payments than ANTIFRAUD_FPR_LIMIT or has a rule that most payments hit, and an older version are
    refused unless --force is given. Workers of the scorer follow within seconds.
    """
    settings = JobSettings.from_environment(environ)
    if len(options.reason) < SHORTEST_REASON:
        raise PolicyError(f"the reason has {len(options.reason)} characters: {SHORTEST_REASON} or more are expected")
    draft, known = read_draft(options.file), _read_activations(settings)
    seen = len(known) if options.expect_change is None else options.expect_change
    require_next(known, draft, seen, forced=options.force)
    _say_difference(_open_active(settings), draft.policy)
    shown = _review(settings, draft, forced=options.force)
    if options.dry_run:
        say(f"dry run, nothing was activated: add --no-dry-run --expect-change {len(known)}")
        return
    by, now = environ.get("LOGNAME") or environ.get("USER") or "unknown", BusinessClock().now()
    change = Change(options.reason, by, now, options.force, tuple(shown))
    key = SigningKey.read(settings.release_signing_key_path)
    done = activate(settings.policies_dir, draft, key, change, expected_sequence=seen)
    say(f"version {done.version} holds (change {done.sequence}); `GET /v1/status` shows when all workers follow it")


def _review(settings: Settings, draft: Draft, *, forced: bool) -> list[str]:
    """Show the replay's figures and what speaks against a policy; return these lines.

    Raises:
        PolicyRefused: Something speaks against it, and nobody forces it.
    """
    report = _read_report(settings, draft)
    figures = describe_report(report) if report else []
    for line in figures:
        say(line)
    objections = list(find_objections(draft.policy, report, settings.fpr_limit))
    if objections and not forced:
        raise PolicyRefused(
            f"version {draft.policy.version} was not activated: {'; '.join(objections)}; correct it, or add --force"
        )
    for line in objections:
        say(f"forced, although {line}")
    return [*figures, *objections]


def _read_report(settings: Settings, draft: Draft) -> PolicyReport | None:
    path = report_path(settings, draft.sha256)
    return decode_report(path.read_bytes()) if path.exists() else None


def _read_activations(settings: Settings) -> tuple[Activation, ...]:
    return read_activations(settings.policies_dir, PublicKey.read(settings.release_public_key_path))


def _open_active(settings: Settings) -> ActivePolicy | None:
    return open_active(settings.policies_dir, PublicKey.read(settings.release_public_key_path))


def _say_difference(active: ActivePolicy | None, policy: Policy) -> None:
    before = f"version {active.policy.version}" if active else "no policy"
    lines = describe_difference(active.policy if active else None, policy)
    say(f"{before} -> version {policy.version}" + ("" if lines else ": both decide alike"))
    for line in lines:
        say(f"  {line}")


def _describe_activation(activation: Activation) -> Sequence[str]:
    day = date_of(day_of(activation.at)).isoformat()
    numbers = str(activation.sequence), str(activation.version)
    return *numbers, day, activation.by, "forced" if activation.forced else "-", activation.reason
