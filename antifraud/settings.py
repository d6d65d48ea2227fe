"""Settings: one frozen object per process, read from the environment once, at its entry point.

The field ``catalog_uri`` is read from ``ANTIFRAUD_CATALOG_URI``; `.env.example` lists them all. Paths that are not set
lie under ``ANTIFRAUD_HOME`` (default ``var``), the one folder that holds all state. No secret is a setting: settings
name the files, mode 0600, that secrets are in.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from antifraud.errors import SettingsError

PREFIX = "ANTIFRAUD_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every process knows."""

    home: Path = Path("var")
    """Folder of all state: lake, releases, stores, secrets, logs."""
    clock_offset_seconds: int = 0
    """Business time minus wall time; not 0 only while the past is replayed."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every field of the class from its variable, or keep its default.

        Raises:
            SettingsError: A variable does not parse as the type of its field.
        """
        fields = {field.name: field.type for field in dataclasses.fields(cls)}
        values = {
            name: _parse(PREFIX + name.upper(), kind, environ[PREFIX + name.upper()])
            for name, kind in fields.items()
            if PREFIX + name.upper() in environ
        }
        return cls(**values)

    def under_home(self, *parts: str) -> Path:
        """An absolute path below `home`."""
        return self.home.resolve().joinpath(*parts)

    @property
    def releases_dir(self) -> Path:
        """Release bundles, and the pointer to the one that serves."""
        return self.under_home("releases")

    @property
    def state_dir(self) -> Path:
        """State exports for the scorer, and the pointer to the newest complete one."""
        return self.under_home("state")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings(Settings):
    """Settings of the Spark jobs, and of whatever reads the lake."""

    keyring_file: Path | None = None
    """Key ring of the pseudonyms, where a secret store hands it in as a file; default in the raw zone."""
    raw_dir: Path | None = None
    """Folder of raw files; default ``<home>/raw/feed``."""
    catalog_uri: str | None = None
    """SQLAlchemy URI of the Iceberg catalog; default a SQLite file below `home`."""
    warehouse: str | None = None
    """Folder of the Iceberg tables; default ``<home>/lake/warehouse``."""
    mlflow_uri: str | None = None
    """MLflow tracking server; default a SQLite file below `home`."""
    label_delay_days: int = 7
    """A transaction's label is learnt this many days after its day."""
    quarantine_limit: float = 0.005
    """Largest share of a day's rows that may be quarantined."""
    train_days: int = 28
    select_days: int = 7
    certify_days: int = 28
    """Lengths of the windows train, select, certify, in time order, the last ending at the newest matured day."""
    declared_transactions_a_month: int = 0
    """Volume that the loss limit is judged at; 0: the volume observed in the certify window."""
    seed: int = 20_260_101
    """Seed of training and of the gate's bootstrap."""

    @property
    def raw_path(self) -> Path:
        """Absolute folder of the raw files."""
        return (self.raw_dir or self.under_home("raw", "feed")).resolve()

    @property
    def keyring_path(self) -> Path:
        """Key ring of the pseudonyms."""
        return self.keyring_file or self.under_home("raw", "secrets", "keyring.json")

    @property
    def lake_catalog_uri(self) -> str:
        """SQLAlchemy URI of the Iceberg catalog."""
        return self.catalog_uri or f"sqlite:///{self.under_home('lake', 'catalog.db')}"

    @property
    def lake_warehouse(self) -> str:
        """Location of the Iceberg tables."""
        return self.warehouse or str(self.under_home("lake", "warehouse"))

    @property
    def mlflow_tracking_uri(self) -> str:
        """Where runs and model versions are recorded."""
        return self.mlflow_uri or f"sqlite:///{self.under_home('mlflow', 'mlflow.db')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings(Settings):
    """What scorer and guard share."""

    store_map_bytes: int = 8 << 30
    """Largest size of the decision store; the file grows only as it is used."""
    label_delay_days: int = 7
    """A cohort's labels count once this many days have passed since its day."""

    @property
    def store_dir(self) -> Path:
        """LMDB folder of live state, decisions, labels, evidence and the switch."""
        return self.under_home("store")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings(StoreSettings):
    """Settings of the scorer's workers."""

    poll_seconds: float = 1.0
    """How often every worker looks at the release pointer and the state pointer."""
    retry_after_seconds: int = 30
    """What a suspended scorer asks clients to wait."""
    max_body_bytes: int = 1 << 17
    """Largest request body; a thousand labels are 90 kB."""

    @property
    def access_path(self) -> Path:
        """Hashes of the bearer tokens with their scopes."""
        return self.under_home("secrets", "access.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings(StoreSettings):
    """Settings of the guard."""

    interval_seconds: float = 2.0
    """Pause between two looks at the evidence."""
    fpr_limit: float = 0.05
    """False-positive rate above which the service is suspended."""
    webhook_url: str = ""
    """Where a change of the switch is told; empty: nowhere."""

    @property
    def webhook_secret_path(self) -> Path:
        """Secret that webhooks are signed with."""
        return self.under_home("secrets", "webhook.secret")


def _parse(variable: str, kind: Any, text: str) -> Any:
    """`text` as `kind`; the message never repeats the value, which may be a secret put in the wrong place."""
    wanted = next((base for base in (int, float, Path) if kind == base or kind == base | None), str)
    try:
        return wanted(text)
    except ValueError:
        raise SettingsError(f"{variable} is not a valid {wanted.__name__}: correct it or unset it") from None
