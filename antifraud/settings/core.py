"""Settings: one frozen object per process, read from the environment once, at the process's entry point.

The field ``catalog_uri`` is read from ``ANTIFRAUD_CATALOG_URI``; docs/settings.md lists all variables. Paths without a
value lie under ``ANTIFRAUD_HOME`` (default ``var``), the folder of all state. Settings name the files of secrets.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from antifraud.clock import BusinessClock
from antifraud.errors import SettingsError
from antifraud.settings.assumptions import names_to_refuse
from antifraud.settings.locations import (
    SQLITE_OF_MLFLOW,
    catalog_address,
    is_remote,
    is_text,
    require_folder,
    require_readable,
    resolve_location,
    resolve_path,
    sqlite_file,
    sqlite_uri,
)
from antifraud.settings.ranges import (
    CENTURY_SECONDS,
    HALF,
    INNER_SHARE,
    MOST_DAYS,
    MOST_MINOR,
    MOST_SECONDS,
    SHARE,
    Range,
    parse_setting,
    require_allowed,
    type_without_range,
)
from antifraud.transaction_id import IdScope

PREFIX = "ANTIFRAUD_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of every process."""

    home: Path = Path("var")
    """Folder of all state: lake, releases, stores, secrets, logs."""
    clock_offset_seconds: Annotated[int, Range(-CENTURY_SECONDS, CENTURY_SECONDS)] = 0
    """Business time minus wall time; other than 0 only while the past is replayed."""
    clock_file: Path | None = None
    """File with more seconds to add, read at every look: it lets a replay step from day to day. Default: none."""
    release_public_key: Path | None = None
    """Public key that a release's signature is checked with; default ``<home>/secrets/release.pub``."""
    fpr_limit: Annotated[float, INNER_SHARE] = 0.05
    """Largest false-positive rate: no release above it passes the gate, and the guard suspends the service above it."""
    loss_limit_minor: Annotated[int, Range(1, MOST_MINOR)] = 50_000_000
    """Largest missed fraud in a 30-day month, minor units: the gate's limit, and the budget that the guard watches."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing, before anything is done with them.

        Raises:
            SettingsError: A number is outside the range of its field, or a text or path has control characters, which
                no log line and no command of a database can hold.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            require_allowed(f"{PREFIX}{field.name.upper()}", field.type, value)
            if isinstance(value, str | Path) and not is_text(str(value)):
                raise SettingsError(
                    f"{PREFIX}{field.name.upper()} has a control character, or a byte that is no UTF-8: rename the "
                    "file or folder that it names, or correct it"
                )
        require_folder(resolve_path(self.home), f"{PREFIX}HOME")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every field of the class from its variable, or keep the field's default.

        Raises:
            SettingsError: A variable does not parse as the type of its field.
        """
        fields = {field.name: type_without_range(field.type) for field in dataclasses.fields(cls)}
        values = {
            name: parse_setting(PREFIX + name.upper(), kind, environ[PREFIX + name.upper()])
            for name, kind in fields.items()
            if environ.get(PREFIX + name.upper())  # an empty variable, as in .env.example, is not set
        }
        return cls(**values)

    @property
    def clock(self) -> BusinessClock:
        """The business clock."""
        return BusinessClock(self.clock_offset_seconds, self.clock_file)

    def under_home(self, *parts: str) -> Path:
        """Return an absolute path below `home`."""
        return self.home.resolve().joinpath(*parts)

    @property
    def releases_dir(self) -> Path:
        """Release bundles, and the pointer to the one that serves."""
        return self.under_home("releases")

    @property
    def policies_dir(self) -> Path:
        """Policies that were activated, and the record of their activations."""
        return self.under_home("policies")

    @property
    def release_public_key_path(self) -> Path:
        """Public key of releases; every process that uses a release needs it."""
        return resolve_path(self.release_public_key or self.under_home("secrets", "release.pub"))

    @property
    def state_dir(self) -> Path:
        """State exports for the scorer, and the pointer to the newest complete one."""
        return self.under_home("state")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings(Settings):
    """Settings of the Spark jobs, and of other processes that read the lake."""

    keyring_file: Path | None = None
    """Key ring of the pseudonyms, if a secret store provides it as a file; default in the raw zone."""
    raw_dir: str | None = None
    """Folder of raw files, on a disk or ``s3a://bucket/prefix``; default ``<home>/raw/feed``."""
    raw_account: Path | None = None
    """Account file for raw files in S3; only jobs that read them open it (`jobs.spark.runtime.run_job`)."""
    id_scope: IdScope = "global"
    """`day` if the transaction ids of the raw files restart every day; live traffic then sends ``<day>:<id>``."""
    catalog_uri: str | None = None
    """SQLAlchemy URI of the Iceberg catalog, without a password; default a SQLite file below `home`."""
    catalog_account: Path | None = None
    """Account file for a catalog in PostgreSQL."""
    warehouse: str | None = None
    """Folder of the Iceberg tables, on a disk or ``s3a://bucket/prefix``; default ``<home>/lake/warehouse``."""
    lake_account: Path | None = None
    """Account file for Iceberg tables in S3."""
    s3_endpoint: str | None = None
    """URL of the S3 server; default AWS."""
    s3_region: str = "us-east-1"
    """Region that requests to S3 are signed for."""
    s3_timeout_seconds: Annotated[int, Range(1, MOST_SECONDS)] = 30
    """A request to S3 has failed when no byte arrives for so long."""
    s3_attempts: Annotated[int, Range(1, 100)] = 5
    """Attempts of a request to S3 before the job ends; the pauses between them double, from one second."""
    shared_home: str | None = None
    """Folder of candidates, reports and releases that hosts share, such as ``s3a://lake/home``; not set: one host."""
    jars_dir: Path | None = None
    """Folder of the jars; default ``jars`` in the Python environment, where ``make setup`` puts them."""
    mlflow_uri: str | None = None
    """MLflow tracking server; default a SQLite file below `home`."""
    scorer_url: str | None = None
    """URL of the scorer; promotion, roll-back, recovery and `release gc` ask its switch. Not set: there is none."""
    scorer_token: Path | None = None
    """File with a bearer token of the scope `admin` for that; default ``<home>/secrets/admin.token``."""
    scorer_judge_token: Path | None = None
    """One of the scopes `judge` and `read`, for the recovery from a trip; default ``<home>/secrets/judge.token``."""
    release_signing_key: Path | None = None
    """Private key that promotion signs releases with; default ``<home>/secrets/release.key``."""
    label_delay_days: Annotated[int, Range(0, MOST_DAYS)] = 7
    """A transaction's label is learnt this many days after its day."""
    # A rotation of keys brings the last 31 states along (`jobs/rotate_keys.py`).
    state_keep_days: Annotated[int, Range(31, MOST_DAYS)] = 60
    """Maintenance removes states that are older, counted from the newest day of the lake."""
    quarantine_limit: Annotated[float, SHARE] = 0.005
    """Largest share of a day's rows that may be quarantined."""
    train_days: Annotated[int, Range(1, MOST_DAYS)] = 28
    # Beta is tuned on no fewer days (`antifraud.stats.threshold.MIN_BLOCKS`).
    select_days: Annotated[int, Range(7, MOST_DAYS)] = 7
    # At least `antifraud.stats.loss.MIN_DAYS`; docs/architecture/gate.md says why nine weeks.
    certify_days: Annotated[int, Range(14, MOST_DAYS)] = 63
    """Lengths of the windows train, select and certify, in this order; certify ends with the newest matured day."""
    gate_history_days: Annotated[int, Range(0, MOST_DAYS)] = 180
    """Days before the train window that the gate looks at as well, at most as many as the lake has; 0: none."""
    search_trials: Annotated[int, Range(0, 10_000)] = 2
    """Sets of hyper-parameters that a night tries besides the tuned one; the select window decides between them."""
    search_seconds: Annotated[int, Range(0, MOST_SECONDS)] = 600
    """No further trial begins after this time; the candidate of such a night records that trials are missing."""
    baseline_rows: Annotated[int, Range(0, 10**9)] = 30_000
    """Train rows that the baselines, logistic regression and random forest, learn from; 0: no such baselines."""
    declared_transactions_a_month: Annotated[int, Range(0, 10**12)] = 0
    """Volume that the loss limit is judged at; 0: the volume observed in the certify window."""
    volume_error: Annotated[float, SHARE] = 0.03
    """Standard deviation of the volume's error, as a share of it; an observed volume's is at least this."""
    declared_fraud_share: Annotated[float | None, INNER_SHARE] = None
    """Fraud share that the loss limit is judged at; not set: the share observed in the certify window."""
    fraud_share_error: Annotated[float, SHARE] = 0.05
    """Standard deviation of a declared fraud share's error, as a share of it; not used for an observed share."""
    fraud_month_sd: Annotated[float, SHARE] = 0.05
    """Standard deviation of fraud from month to month, as a share of it; the window's weeks may show a larger one."""
    fpr_target: Annotated[float, INNER_SHARE] = 0.045
    """Rate that a new threshold is certified at. Below the limit, it leaves a release room for drift."""
    attainable_value_recall: Annotated[float, INNER_SHARE] = 0.95
    """Share of the fraud amount that a model can catch; a loss limit that demands more counts as out of reach."""
    # At 0 no release could pass.
    alerts_a_day: Annotated[int | None, Range(1, 10**9)] = None
    """Alerts that the team can review in a day; not set: no limit."""
    delta: Annotated[float, HALF] = 0.01
    """Largest probability that a release's true false-positive rate exceeds what was certified."""
    delta_a_year: Annotated[float, SHARE] = 0.0
    """Budget of `delta` for a year of nights, spent in equal parts; 0: every night spends `delta`."""
    margin_loss_minor: Annotated[int, Range(0, MOST_MINOR)] = 5_000_000
    """By how much a candidate's loss in a month may exceed the champion's, minor units; a tenth of the limit."""
    margin_fpr: Annotated[float, SHARE] = 0.005
    """By how much a candidate's false-positive rate may exceed the champion's; the distance from target to limit."""
    refuse_if_failed: str = ""
    """Assumptions that forbid a PASS if the window contradicts them, such as ``rate_trend``; the others only warn."""
    # The seeds that scikit-learn accepts.
    seed: Annotated[int, Range(0, 2**32 - 1)] = 20_260_101
    """Seed of training and of the gate's bootstrap."""

    def __post_init__(self) -> None:
        """Refuse also a target above the limit, and locations that no job could open.

        Raises:
            SettingsError: A number is outside its range, the target above the limit, a location or URI malformed, or an
                assumption unknown.
        """
        Settings.__post_init__(self)  # slots make a new class, which super() would not find
        names_to_refuse(self.refuse_if_failed)
        require_readable(self.raw_location)
        if self.catalog_file:
            require_folder(self.catalog_file.parent, f"{PREFIX}CATALOG_URI")
        if not is_remote(self.lake_warehouse):
            require_folder(Path(self.lake_warehouse), f"{PREFIX}WAREHOUSE")
        # Each of these raises an error of its own if it cannot be read as a location.
        _ = (self.lake_warehouse, catalog_address(self.lake_catalog_uri), self.mlflow_file)
        if self.fpr_target > self.fpr_limit:
            raise SettingsError(
                f"the target of the false-positive rate is {self.fpr_target}, above its limit {self.fpr_limit}: lower "
                "ANTIFRAUD_FPR_TARGET, or raise ANTIFRAUD_FPR_LIMIT"
            )

    @property
    def raw_location(self) -> str:
        """Location of the raw files, on a disk or in S3; `antifraud.lake.storage.raw_folder` opens it."""
        return resolve_location(self.raw_dir or str(self.under_home("raw", "feed")))

    @property
    def raw_path(self) -> Path:
        """Absolute folder of raw files on a disk."""
        return Path(self.raw_location)

    @property
    def keyring_path(self) -> Path:
        """Key ring of the pseudonyms."""
        return resolve_path(self.keyring_file or self.under_home("raw", "secrets", "keyring.json"))

    @property
    def release_signing_key_path(self) -> Path:
        """Private key that releases are signed with; only promotion needs it."""
        return resolve_path(self.release_signing_key or self.under_home("secrets", "release.key"))

    @property
    def scorer_token_path(self) -> Path:
        """Bearer token with which jobs change the scorer's switch."""
        return resolve_path(self.scorer_token or self.under_home("secrets", "admin.token"))

    @property
    def places(self) -> tuple[str, ...]:
        """Resolved locations of everything that this process keeps, none of which may lie among a lake's tables."""
        files = [value for field in dataclasses.fields(self) if isinstance(value := getattr(self, field.name), Path)]
        files += [self.keyring_path, self.release_signing_key_path, self.release_public_key_path]
        files += [file for file in (self.catalog_file, self.mlflow_file) if file]
        files += [
            self.under_home(name) for name in ("raw", "secrets", "releases", "policies", "state", "store", "candidates")
        ]
        return (self.raw_location, *(str(resolve_path(file)) for file in files))

    @property
    def lake_catalog_uri(self) -> str:
        """SQLAlchemy URI of the Iceberg catalog."""
        return self.catalog_uri or sqlite_uri(self.under_home("lake", "catalog.db"))

    @property
    def catalog_file(self) -> Path | None:
        """File of a SQLite catalog; None if the catalog is on a server."""
        return sqlite_file(self.lake_catalog_uri)

    @property
    def lake_warehouse(self) -> str:
        """Location of the Iceberg tables; symbolic links are resolved, so that one place has one spelling."""
        return resolve_location(self.warehouse or str(self.under_home("lake", "warehouse")))

    @property
    def mlflow_tracking_uri(self) -> str:
        """URI of the MLflow store of runs and model versions."""
        return self.mlflow_uri or sqlite_uri(self.under_home("mlflow", "mlflow.db"), SQLITE_OF_MLFLOW)

    @property
    def mlflow_file(self) -> Path | None:
        """File of an MLflow store in SQLite; None if MLflow is on a server."""
        return sqlite_file(self.mlflow_tracking_uri)
