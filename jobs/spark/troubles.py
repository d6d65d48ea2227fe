"""Library exceptions about disks, files, clocks and storages as expected failures: the only reader of their words.

Spark, Hadoop, botocore and pyiceberg each report trouble with S3 in their own words, deep inside other exceptions.
Their stack traces name neither a cause nor a remedy.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from antifraud.errors import AntifraudError, ClockBehind, PublishError, RawFileError, StorageError
from antifraud.lake.catalog import catalog_error
from antifraud.lake.feed import RAW_NAME
from antifraud.lake.raw_text import ARCHIVE
from antifraud.settings.core import JobSettings
from antifraud.settings.locations import bucket_of, is_remote

Kinds = Sequence[tuple[str, Sequence[str]]]
"""Kinds of trouble, each with words of the libraries for it; the first that fits counts."""
DISK_IS_FULL: Final = ("No space left on device", "Disk quota exceeded", "database or disk is full")
"""Words of the operating system and of SQLite, inside the exceptions of Spark and Iceberg."""
CLOCK_IS_BEHIND: Final = ("Expected sorted snapshot log entries", "before last snapshot log entry")
"""Words by which Iceberg refuses a snapshot that is more than a minute older than the table's last one."""
S3_WORDS: Final = ("org.apache.hadoop.fs.s3a", "software.amazon.awssdk", "AWS Error", "S3Exception")
S3_PACKAGES: Final = frozenset({"botocore", "aiobotocore", "aiohttp", "s3fs", "fsspec"})
CATALOG_PACKAGES: Final = frozenset({"sqlalchemy", "psycopg2", "sqlite3"})
FRAME: Final = "at "
"""Beginning of a line in a Java stack trace."""
ACCOUNT: Final = "refuses its account"
BUSY: Final = "answers that it is too busy"
SILENT: Final = "does not answer"
KINDS: Final[Kinds] = (
    (ACCOUNT, ("AccessDenied", "ACCESS_DENIED", "Forbidden", "Status Code: 403", "(403)", "InvalidAccessKeyId",
               "INVALID_ACCESS_KEY_ID", "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH")),
    (BUSY, ("Status Code: 50", "(503)", "(500)", "SlowDown", "SLOW_DOWN", "ServiceUnavailable", "SERVICE_UNAVAILABLE",
            "InternalError", "INTERNAL_FAILURE", "HTTP status 50", "reduce your request rate")),
    (SILENT, ("timed out", "timeout", "Timeout", "NETWORK_CONNECTION", "curlCode", "Unable to execute HTTP request",
              "ConnectException", "EndpointConnectionError", "ConnectionClosed", "Could not connect",
              "Connection refused", "Connection reset", "NoHttpResponse", "UnknownHost")),
)  # fmt: skip
"""Why a storage does not do what it is asked."""
RAW_FILE: Final = re.compile(rf"(?:reading file|Path does not exist:) [^\n]*?/({RAW_NAME.pattern})")
"""Words with which Spark names a raw file that it cannot read."""
OF_A_FILE: Final[Kinds] = (
    ("it is gone", ("FILE_NOT_EXIST", "FileNotFoundException", "PATH_NOT_FOUND", "No such file")),
    ("this user may not read it", ("Permission denied", "AccessControlException", "AccessDenied")),
    ("it differs from the checksums of its .crc file", ("ChecksumException",)),
    ("the disk cannot read it", ("Input/output error", "Stale file handle")),
)
"""Why Spark cannot read a raw file that the checks before it have accepted, each with the words of the libraries."""
DAMAGED: Final = "it is a cut or damaged archive"
"""Why it cannot read an archive for any other reason; Hadoop has a dozen wordings for that."""
WHAT_TO_DO: Final = {
    ACCOUNT: "correct the account file or the rights of the account",
    BUSY: "wait, or let fewer jobs run at once",
    SILENT: "see that it runs and can be reached",
}


@contextmanager
def translate_troubles(settings: JobSettings) -> Iterator[None]:
    """Translate library exceptions about a disk, a raw file, a clock or a storage in trouble into expected failures.

    Raises:
        PublishError: The disk is full.
        RawFileError: Spark cannot read a raw file, because it has changed since it was checked.
        ClockBehind: The clock is behind the clock of the lake's last writer.
        StorageError: S3 did not answer in time, refused, or was too busy.
        CatalogError: The catalog did not answer, or refused.
    """
    try:
        yield
    except AntifraudError:
        raise
    except Exception as error:
        if trouble := trouble_of(error, settings):
            raise trouble from None
        raise


def trouble_of(error: BaseException, settings: JobSettings) -> AntifraudError | None:
    """Return the expected failure that an exception stands for; None for any other exception."""
    chain = list(_chain(error))
    said = "\n".join(_words(each) for each in chain)
    if any(words in said for words in DISK_IS_FULL):
        return PublishError(
            "the disk is full: what was published before is whole, nothing half-written is visible; "
            "make room and run the same days again"
        )
    if any(words in said for words in CLOCK_IS_BEHIND):
        return ClockBehind(
            "this machine's clock is more than a minute behind that of the lake's last writer: what was published "
            "before is whole; set the clocks of all machines alike and run the same days again"
        )
    packages = {type(each).__module__.partition(".")[0] for each in chain}
    if packages & CATALOG_PACKAGES:
        return catalog_error(settings, next(each for each in chain if isinstance(each, Exception)))
    return (
        _storage_trouble(said, settings, of_s3=comes_from_s3(error))
        or _file_trouble(said)
        or _folder_trouble(chain, settings)
    )


def _storage_trouble(said: str, settings: JobSettings, *, of_s3: bool) -> StorageError | None:
    if not (of_s3 or any(word in said for word in S3_WORDS)):
        return None
    kind = _kind_of(said, KINDS)
    if kind is None:
        return None
    return StorageError(
        f"the storage {_place(said, settings, raw=of_s3)} {kind}: what was published before is whole, nothing "
        f"half-written is visible; {WHAT_TO_DO[kind]}, then run the same days again"
    )


def _file_trouble(said: str) -> RawFileError | None:
    file = RAW_FILE.search(said)
    kind = _kind_of(said, OF_A_FILE) or (DAMAGED if file and file[1].endswith(ARCHIVE) else None)
    if file is None or kind is None:
        return None
    return RawFileError(
        f"Spark could not read {file[1]}, {kind}: what was published before is whole, nothing half-written is visible; "
        "deliver it again, change no file while a job reads it, and run the same days again"
    )


def _folder_trouble(chain: Sequence[BaseException], settings: JobSettings) -> RawFileError | None:
    """Return a refusal of the raw folder, or of an entry in it, by the operating system."""
    if is_remote(settings.raw_location):
        return None
    folder = Path(settings.raw_location).resolve()
    for each in chain:
        if isinstance(each, OSError) and isinstance(each.filename, str) and each.errno:
            path = Path(each.filename)
            if folder in (path, *path.parents):
                reason = os.strerror(each.errno).lower()
                return RawFileError(f"{path} in the raw zone cannot be used, {reason}: correct that, then run it again")
    return None


def _kind_of(said: str, kinds: Kinds) -> str | None:
    return next((kind for kind, signs in kinds if any(sign in said for sign in signs)), None)


def comes_from_s3(error: BaseException) -> bool:
    """Return whether an exception, or one of its causes, is one of the Python libraries that speak to S3."""
    return any(type(each).__module__.partition(".")[0] in S3_PACKAGES for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all its causes, in Python and, as Spark hands them over, in the JVM."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        causes = (each.__cause__, each.__context__, getattr(each, "_cause", None))
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]


def _words(error: BaseException) -> str:
    """Return the words of an exception without the frames of its stack trace: a method's name is no cause."""
    text = f"{type(error).__name__}: {error}\n{getattr(error, '_stackTrace', None) or ''}"
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(FRAME))


def _place(said: str, settings: JobSettings, *, raw: bool) -> str:
    """Return the location that the words name, or else all that are in S3, and the server.

    `raw`: the exception comes from Python, which reads files of the raw zone only.
    """
    places = [settings.raw_location] if raw else [settings.raw_location, settings.lake_warehouse]
    locations = [place for place in places if is_remote(place)]
    named = [p for p in locations if any(form.format(bucket_of(p)) in said for form in ("s3a://{}/", "'{}'"))]
    return f"{' and '.join(named or locations)} at {settings.s3_endpoint or 'AWS'}"
