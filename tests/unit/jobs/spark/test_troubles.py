"""A storage in trouble is recognised by the words of each library, and other failures pass unchanged."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from antifraud.errors import ClockBehind, MissingDay, PublishError, RawFileError, StorageError
from antifraud.settings.core import JobSettings
from jobs.spark.troubles import ACCOUNT, BUSY, SILENT, translate_troubles, trouble_of

SETTINGS = JobSettings(raw_dir="s3a://raw/feed", warehouse="s3a://lake/tables", s3_endpoint="http://s3.example")
LAKE = "org.apache.hadoop.fs.s3a.{} on s3a://lake/tables/clean/metadata/1.json: {}"
SDK = "software.amazon.awssdk.core.exception.SdkClientException: "


def from_s3fs(code, kind=OSError):
    """Return the exception of s3fs for a server's answer, with botocore's exception as its cause."""
    error = kind(16, "said")
    error.__cause__ = ClientError({"Error": {"Code": code, "Message": "said"}}, "ListObjectsV2")
    return error


@pytest.mark.parametrize(
    ("error", "place", "kind"),
    [
        (from_s3fs("SlowDown"), "s3a://raw/feed", BUSY),
        (from_s3fs("503"), "s3a://raw/feed", BUSY),
        (from_s3fs("AccessDenied", PermissionError), "s3a://raw/feed", ACCOUNT),
        (ReadTimeoutError(endpoint_url="http://s3.example"), "s3a://raw/feed", SILENT),
        (
            OSError("reading 'x' in bucket 'lake': AWS Error UNKNOWN (HTTP status 503) during"),
            "s3a://lake/tables",
            BUSY,
        ),
        (OSError("reading 'x' in bucket 'lake': AWS Error NETWORK_CONNECTION during"), "s3a://lake/tables", SILENT),
        (OSError("reading 'x' in bucket 'lake': AWS Error ACCESS_DENIED during"), "s3a://lake/tables", ACCOUNT),
        (
            RuntimeError(LAKE.format("AWSServiceThrottledException", "S3Exception: null (Status Code: 503, Request")),
            "s3a://lake/tables",
            BUSY,
        ),
        (
            RuntimeError(
                LAKE.format("AWSClientIOException", SDK + "Unable to execute HTTP request: Connection refused")
            ),
            "s3a://lake/tables",
            SILENT,
        ),
        (
            RuntimeError(LAKE.format("AWSClientIOException", SDK + "Read timed out")),
            "s3a://lake/tables",
            SILENT,
        ),
    ],
)
def test_each_library_is_understood(error, place, kind):
    """For each library's words the error names the storage, what is wrong and what to do."""
    found = trouble_of(error, SETTINGS)

    assert isinstance(found, StorageError)
    assert str(found).startswith(f"the storage {place} at http://s3.example {kind}: what was published before is whole")
    assert str(found).endswith("then run the same days again")


READING = (
    "[FAILED_READ_FILE.{}] Encountered error while reading file file:///srv/a%20b/2026-03-01.txt{}.  SQLSTATE: KD001\n"
    "Caused by: {}\n\tat org.apache.spark.FileNotFoundException"
)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (READING.format("FILE_NOT_EXIST", "", "java.io.FileNotFoundException: File does not exist"), "it is gone"),
        ("[PATH_NOT_FOUND] Path does not exist: file:/srv/a b/\\[c\\]/2026-03-01.txt. SQLSTATE: 42K03", "it is gone"),
        (
            READING.format("NO_HINT", "", "java.io.FileNotFoundException: No such file: s3a://raw/feed/2026-03-01.txt"),
            "it is gone",
        ),
        (
            READING.format("NO_HINT", "", "org.apache.hadoop.security.AccessControlException: Permission denied"),
            "this user may not read it",
        ),
        (
            READING.format("NO_HINT", "", "org.apache.hadoop.fs.ChecksumException: Checksum error at 0 exp: 1 got: 2"),
            "it differs from the checksums of its .crc file",
        ),
        (READING.format("NO_HINT", ".gz", "java.io.IOException: not a gzip file"), "it is a cut or damaged archive"),
        (
            READING.format("NO_HINT", ".gz", "java.util.zip.ZipException: incorrect header check"),
            "it is a cut or damaged archive",
        ),
        (READING.format("NO_HINT", "", "java.io.IOException: Input/output error"), "the disk cannot read it"),
    ],
)
def test_a_raw_file_that_spark_cannot_read_is_told(said, reason):
    """The error names file and reason, although the file was readable when it was checked."""
    name = "2026-03-01.txt.gz" if ".txt.gz" in said else "2026-03-01.txt"
    found = trouble_of(RuntimeError(said), SETTINGS)

    assert isinstance(found, RawFileError)
    assert str(found) == (
        f"Spark could not read {name}, {reason}: what was published before is whole, nothing half-written is visible; "
        "deliver it again, change no file while a job reads it, and run the same days again"
    )


def test_trouble_of_s3_while_a_raw_file_is_read_is_trouble_of_the_storage():
    """A raw file that S3 does not give in time is no damaged file."""
    said = LAKE.format("AWSClientIOException", SDK + "Read timed out")

    assert isinstance(trouble_of(RuntimeError(READING.format("NO_HINT", ".gz", said)), SETTINGS), StorageError)


def test_a_raw_folder_that_cannot_be_listed_is_told(tmp_path):
    """A raw folder that this user may not list, or that is gone with its disk, is named with the reason."""
    settings = JobSettings(home=tmp_path)
    said = PermissionError(13, "Permission denied", str(settings.raw_path))

    with pytest.raises(RawFileError) as raised, translate_troubles(settings):
        raise said
    assert str(raised.value) == (
        f"{settings.raw_path} in the raw zone cannot be used, permission denied: correct that, then run it again"
    )
    assert trouble_of(PermissionError(13, "Permission denied", str(tmp_path / "secrets" / "a")), settings) is None


def test_a_file_of_the_lake_is_no_raw_file():
    """A file of the lake that cannot be read stays a defect with its traceback."""
    said = READING.format("NO_HINT", "", "java.io.EOFException").replace("2026-03-01.txt", "part-0.parquet")

    assert trouble_of(RuntimeError(said), SETTINGS) is None


def test_a_method_s_name_is_no_cause():
    """Names in a stack trace, such as `withInternalError` or a time-out tracker, do not count as causes."""
    frames = (
        "\n\tat org.apache.spark.sql.execution.QueryExecution$.withInternalError(QueryExecution.scala:717)"
        "\n\t\tat software.amazon.awssdk.core.internal.http.ApiCallTimeoutTrackingStage.execute(A.java:42)"
    )
    refused = RuntimeError(LAKE.format("AWSClientIOException", "Connection refused") + frames)

    assert f" {SILENT}: " in str(trouble_of(refused, SETTINGS))
    assert trouble_of(RuntimeError("a column is missing" + frames), SETTINGS) is None


def test_a_cause_in_the_jvm_counts():
    """The cause of an exception from Spark counts, although Spark keeps it in a field of its own."""
    outer = RuntimeError("Writing job aborted")
    outer._cause = RuntimeError(LAKE.format("AWSClientIOException", "Connection reset"))

    assert isinstance(trouble_of(outer, SETTINGS), StorageError)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("timeout"),
        FileNotFoundError("503"),
        PermissionError(13, "Permission denied", "/srv/keyring.json"),
        RuntimeError("column x of s3a://lake/tables does not exist"),
        from_s3fs("NoSuchBucket", FileNotFoundError),
    ],
)
def test_other_failures_show_as_they_are(error):
    """A bug, a local file without permission or a wrong name is not reported as a trouble of the storage."""
    with pytest.raises(type(error)) as raised, translate_troubles(SETTINGS):
        raise error
    assert raised.value is error


def test_expected_failures_pass():
    """A job's own error stays as it is, whatever caused it."""
    with pytest.raises(MissingDay), translate_troubles(SETTINGS):
        raise MissingDay("no day") from from_s3fs("SlowDown")


def test_a_full_disk_is_told():
    """A full disk is recognised, even in SQLite's words."""
    with pytest.raises(PublishError, match="the disk is full") as raised, translate_troubles(SETTINGS):
        raise RuntimeError("[SQLITE_FULL] database or disk is full")
    assert raised.value.exit_code == 50


@pytest.mark.parametrize(
    "said",
    [
        "Expected sorted snapshot log entries at 1767225600000",
        "Invalid snapshot timestamp 1767225600000: before last snapshot log entry at 1767232800000",
    ],
)
def test_a_clock_that_is_behind_is_told(said):
    """Either of Iceberg's wordings becomes an error of its own, with exit code 53, which is a publish error, too."""
    with (
        pytest.raises(PublishError, match="clock is more than a minute behind") as raised,
        translate_troubles(SETTINGS),
    ):
        raise RuntimeError(said)
    assert (type(raised.value), raised.value.exit_code) == (ClockBehind, 53)
