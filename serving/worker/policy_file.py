"""Follow the active policy: read it again when its record has changed, because a rule must hold without a restart."""

from collections.abc import Callable
from pathlib import Path

from antifraud.artifacts.policies import POINTER, Activation, open_active
from antifraud.files import FileIdentity, identify
from antifraud.keys.signing import PublicKey
from antifraud.policy.errors import PolicyError
from antifraud.policy.rulebook import NO_POLICY, Rulebook, compile_policy


class PolicyFile:
    """The policy of a worker.

    Attributes:
        rulebook: The compiled policy; None until it is known whether there is one.
        activation: Its activation; None if no policy was ever activated.
    """

    def __init__(self, policies: Path, read_key: Callable[[], PublicKey]) -> None:
        self.rulebook: Rulebook | None = None
        self.activation: Activation | None = None
        self._policies, self._read_key = policies, read_key
        self._read: FileIdentity | None = None

    @property
    def sequence(self) -> int:
        """The number of the activation that is in use; 0 if there is none."""
        return self.activation.sequence if self.activation else 0

    def follow(self) -> bool:
        """Read a changed policy; while it is broken, the one that was read before stays. Return True.

        Raises:
            PolicyError: The record or the policy does not verify, or is older than the one in use.
            SettingsError: There is no public key to check the signature with.
        """
        # Identified before it is read: a change in between is seen by the next poll.
        identity = identify(self._policies / POINTER)
        if self.rulebook is not None and identity == self._read:
            return True
        # Without a record there is no signature to check.
        active = open_active(self._policies, self._read_key()) if identity else None
        if (active.activation.sequence if active else 0) < self.sequence:
            raise PolicyError(
                f"{self._policies / POINTER} is gone or older than the policy in use: restore it; to go back to an "
                "earlier policy, activate it again"
            )
        self.rulebook = compile_policy(active.policy) if active else NO_POLICY
        self.activation, self._read = active and active.activation, identity
        return True
