"""Failures that are expected where clusters in the cloud are started, used and deleted; see `antifraud.errors`."""

from antifraud.errors import AntifraudError, PublishError


class ForeignCluster(AntifraudError):
    """A cluster with the name of a run's own belongs to somebody else; it was left alone."""

    exit_code = 15


class CloudError(PublishError):
    """The cloud refused a call, or a cluster could not be created; the task can be repeated."""

    exit_code = 55


class CloudSilent(CloudError):
    """The cloud's API did not answer in time, or something was not done in time; the next look may find it."""

    exit_code = 56


class QuotaExceeded(CloudError):
    """The cloud's quota has no room for a cluster."""

    exit_code = 57


class JobFailed(CloudError):
    """A job on a cluster failed, was cancelled or was lost; the task can be repeated."""

    exit_code = 58


class LeaseOver(CloudError):
    """A run has had its cluster for as long as it may; the job did not end in this time."""

    exit_code = 59
