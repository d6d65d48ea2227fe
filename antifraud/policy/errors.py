"""The failures of policies, each with an exit code of its own, as those of `antifraud.errors`."""

from antifraud.errors import AntifraudError


class PolicyError(AntifraudError):
    """A policy, or the record of its activations, cannot be read or does not verify."""

    exit_code = 44


class PolicyRefused(PolicyError):
    """A policy would flag too much, is older than the active one, or was not replayed; nothing was activated."""

    exit_code = 45
