"""The failures of the SDK. They end no process of the platform: whoever calls the SDK catches them."""

from antifraud.errors import AntifraudError


class ClientError(AntifraudError):
    """The scorer did not do what the SDK asked for, or a webhook does not verify."""

    exit_code = 70

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        kind: str = "",
        retry_after: float | None = None,
        cause: str = "",
        since: int | None = None,
    ) -> None:
        """Keep what the problem says that was answered, if any.

        `retry_after` is the seconds to wait. `cause` is the class of the reason for which the service cannot decide,
        and `since` the time since when, in UTC seconds.
        """
        super().__init__(message)
        self.status, self.kind, self.retry_after = status, kind, retry_after
        self.cause, self.since = cause, since


class Refused(ClientError):
    """The scorer refused a request; sending the same request again does not help."""

    exit_code = 71


class Suspended(ClientError):
    """The service is suspended; decide without it and ask again later."""

    exit_code = 72


class Unreachable(ClientError):
    """The scorer could not be reached, or was not ready, until the deadline of the call."""

    exit_code = 73


class BadAnswer(ClientError):
    """Something else than the scorer has answered: a page instead of JSON, or JSON of another form."""

    exit_code = 74
