"""Failures of shipping, and of the replay of what was shipped."""

from antifraud.errors import DataError, PublishError, StoreError


class ReplayMismatch(DataError):
    """A replay of the arrival order gives another vector than the scorer has logged."""

    exit_code = 34


class StoreBehind(StoreError):
    """The decision store lacks records that the lake has of it: an older copy was restored; nothing was shipped."""

    exit_code = 90


class Overtaken(PublishError):
    """Another process has appended rows of the same source to a table; nothing was appended."""

    exit_code = 91


class LakeBehind(StoreError):
    """The lake lacks records that the decision store has let go: a table was restored, or is another one."""

    exit_code = 92
