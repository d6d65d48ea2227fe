"""Activated policies: the content of each version, and a signed record that says which one holds and how it came to be.

``policies/pointer.json`` lists all activations, the newest last. Each is signed with the release key, and names the
hash of the one before it, so that none can be changed or left out. The file is replaced atomically, like the release
pointer. ``policies/<version>-<hash>.toml`` is the content of a policy, as it was activated.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, structs

from antifraud.errors import ReleaseError
from antifraud.files import exclusive, replace_file
from antifraud.keys.signing import PublicKey, SigningKey
from antifraud.policy.errors import PolicyError, PolicyRefused
from antifraud.policy.reading import read_policy
from antifraud.policy.rules import Policy
from antifraud.settings.core import Settings

POINTER: Final = "pointer.json"
PURPOSE: Final = b"antifraud policy activation\n"


class Activation(Struct, frozen=True, forbid_unknown_fields=True):
    """A signed entry of the record.

    Attributes:
        sequence: Number of activations so far.
        version: Version of the policy.
        sha256: Checksum of its content.
        reason: Why it was activated, in a sentence.
        by: Who activated it.
        at: When, UTC seconds.
        forced: Whether somebody has overruled a refusal.
        shown: What was refused, and the replay's figures, as the person saw them.
        before: Checksum of the entry before this one; empty for the first.
        signature: Made over everything else.
    """

    sequence: int
    version: int
    sha256: str
    reason: str
    by: str
    at: int
    forced: bool
    shown: tuple[str, ...]
    before: str
    signature: str = ""

    @property
    def file_name(self) -> str:
        """Name of the file with the content."""
        return f"{self.version}-{self.sha256[:12]}.toml"


class Change(NamedTuple):
    """A person's wish to activate a policy; the fields are those of `Activation`."""

    reason: str
    by: str
    at: int
    forced: bool = False
    shown: tuple[str, ...] = ()


class Draft(NamedTuple):
    """A policy with the content of its file."""

    content: bytes
    policy: Policy

    @property
    def sha256(self) -> str:
        """Checksum of the content."""
        return hashlib.sha256(self.content).hexdigest()


class ActivePolicy(NamedTuple):
    """The policy that holds, and its activation."""

    activation: Activation
    draft: Draft

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.draft.policy


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder(dict[str, tuple[Activation, ...]]).decode


def read_activations(policies: Path, key: PublicKey) -> tuple[Activation, ...]:
    """Return all activations, the newest last, once signatures and chain are verified; none if there is no record.

    Raises:
        PolicyError: The record cannot be read, or an entry does not verify.
    """
    activations = _read_record(policies / POINTER)
    _verify(policies / POINTER, activations, key)
    return activations


def count_activations(policies: Path) -> int:
    """Return the number of activations so far, without a look at their signatures.

    Raises:
        PolicyError: The record cannot be read.
    """
    return len(_read_record(policies / POINTER))


def _read_record(path: Path) -> tuple[Activation, ...]:
    try:
        activations = _decode(path.read_bytes())["activations"]
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise PolicyError(f"{path} is not a record of activations ({type(error).__name__}): restore it") from None
    if not activations:
        raise PolicyError(f"{path} has no activation, one or more are expected: restore it, or remove the file")
    return activations


def _verify(path: Path, activations: Sequence[Activation], key: PublicKey) -> None:
    before = 0, ""
    for activation in activations:
        try:
            key.check(_signed_part(activation), activation.signature.encode(), PURPOSE)
        except ReleaseError:
            raise PolicyError(
                f"activation {activation.sequence} in {path} was not signed with the release key: restore the file"
            ) from None
        if (activation.sequence - 1, activation.before) != before:
            raise PolicyError(f"an activation before {activation.sequence} is missing in {path}: restore the file")
        before = activation.sequence, _hash(activation)


def _signed_part(activation: Activation) -> bytes:
    return _encode(structs.replace(activation, signature=""))


def _hash(activation: Activation) -> str:
    return hashlib.sha256(_encode(activation)).hexdigest()


def read_draft(path: Path) -> Draft:
    """Return the policy in a file that is not active yet.

    Raises:
        PolicyError: It cannot be read, or is not a policy.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path} cannot be read ({error.strerror}): name the TOML file of a policy") from None
    return Draft(content, read_policy(content, path.name))


def open_active(policies: Path, key: PublicKey) -> ActivePolicy | None:
    """Return the policy that holds; None if none was ever activated.

    Raises:
        PolicyError: The record or the content does not verify.
    """
    activations = read_activations(policies, key)
    return ActivePolicy(activations[-1], _read_activated(policies, activations[-1])) if activations else None


def _read_activated(policies: Path, activation: Activation) -> Draft:
    path = policies / activation.file_name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"{path} cannot be read ({error.strerror}): restore it, or activate a new version") from None
    if hashlib.sha256(content).hexdigest() != activation.sha256:
        raise PolicyError(f"{path} is not the policy that was activated: restore it, or activate a new version")
    return Draft(content, read_policy(content, path.name))


def activate(
    policies: Path, draft: Draft, key: SigningKey, change: Change, *, expected_sequence: int | None = None
) -> Activation:
    """Make the policy of a draft the one that holds. The change is idempotent.

    With `expected_sequence` (0: nothing was ever activated) it happens only if nobody else has activated a policy
    since.

    Raises:
        PolicyError: The record does not verify.
        PolicyRefused: The version is not a new one, or the sequence is not the expected one.
    """
    with exclusive(policies):
        known = read_activations(policies, key.public)
        if known and known[-1].sha256 == draft.sha256:
            return known[-1]
        require_next(known, draft, expected_sequence, forced=change.forced)
        before = _hash(known[-1]) if known else ""
        unsigned = Activation(len(known) + 1, draft.policy.version, draft.sha256, **change._asdict(), before=before)
        signature = key.sign(_signed_part(unsigned), PURPOSE).decode()
        activation = structs.replace(unsigned, signature=signature)
        # The content first: the record must never name a file that is not there.
        replace_file(policies / activation.file_name, draft.content.decode())
        replace_file(policies / POINTER, _encode({"activations": (*known, activation)}).decode())
    return activation


def require_next(known: Sequence[Activation], draft: Draft, expected_sequence: int | None, *, forced: bool) -> None:
    """Refuse a version that cannot follow the activations so far.

    Raises:
        PolicyRefused: The number stands for another content, or is not above the active one and nobody forces it. Or
            somebody else has activated a policy in the meantime.
    """
    version = draft.policy.version
    if expected_sequence not in {None, len(known)}:
        raise PolicyRefused(
            f"{len(known)} policies were activated so far, {expected_sequence} were expected: look at the difference "
            "again first"
        )
    if any(each.version == version and each.sha256 != draft.sha256 for each in known):
        raise PolicyRefused(f"version {version} was activated with another content: give the change a new version")
    if known and version < known[-1].version and not forced:
        raise PolicyRefused(
            f"version {version} is older than the active version {known[-1].version}: raise the version, or go back "
            "with --force"
        )


def report_path(settings: Settings, sha256: str) -> Path:
    """Return the file of the report of a policy's newest replay, by the checksum of its content."""
    return settings.under_home("reports", "policy", f"{sha256}.json")
