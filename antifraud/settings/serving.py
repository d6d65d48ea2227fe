"""Settings of the scorer's workers and of the guard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from antifraud.keys.endpoints import Network, parse_networks
from antifraud.settings.core import Settings
from antifraud.settings.ranges import MOST_DAYS, MOST_SECONDS, Range

Durability = Literal["process", "power"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings(Settings):
    """Settings of scorer and guard."""

    # LMDB maps the whole size into memory, and processors address 47 bits.
    store_map_bytes: Annotated[int, Range(1 << 20, 1 << 46)] = 8 << 30
    """Largest size of the records in the decision store. The file grows as it is used, up to 64 MB more, for copies."""
    store_durability: Durability = "process"
    """Whether an acknowledged decision survives the kill of any process, or a power cut as well."""
    store_wait_seconds: Annotated[float, Range(0.01, MOST_SECONDS)] = 1.0
    """Longest wait for the lock of the decision store; then requests get 503."""
    label_delay_days: Annotated[int, Range(0, MOST_DAYS)] = 7
    """The labels of a cohort count from this many days after its day."""

    @property
    def store_dir(self) -> Path:
        """LMDB folder of live state, decisions, labels, evidence and the switch."""
        return self.under_home("store")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSettings(StoreSettings):
    """Settings of the scorer's workers."""

    poll_seconds: Annotated[float, Range(0.001, MOST_SECONDS)] = 1.0
    """Pause between two readings of the release pointer and the state pointer, in every worker."""
    retry_after_seconds: Annotated[int, Range(0, MOST_SECONDS)] = 30
    """Time that a suspended scorer asks clients to wait before they ask again."""
    late_event_days: Annotated[int, Range(1, MOST_DAYS)] = 10
    """Events that are older are refused; live labels are kept as long as such an event could still see them."""
    # A request for a decision is below a kilobyte.
    max_body_bytes: Annotated[int, Range(1 << 10, 1 << 30)] = 1 << 18
    """Largest request body; a thousand labels take 150 kB at most."""
    max_batch_bytes: Annotated[int, Range(1 << 10, 1 << 30)] = 1 << 20
    """Largest body of a batch of decisions: a thousand with a kilobyte each."""

    metrics_dir: Path | None = None
    """Folder of the workers' metrics files. It should be in memory: a full disk kills workers. Default ``/dev/shm``."""

    @property
    def access_path(self) -> Path:
        """File of the hashes of the bearer tokens, with their scopes."""
        return self.under_home("secrets", "access.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings(StoreSettings):
    """Settings of the guard."""

    interval_seconds: Annotated[float, Range(0.001, MOST_SECONDS)] = 2.0
    """Pause between two inspections of the evidence."""
    webhook_networks: str = ""
    """Private networks that subscribers of webhooks may be in, separated by commas; empty: none."""

    def __post_init__(self) -> None:
        """Refuse also networks that are none.

        Raises:
            SettingsError: A number is outside its range, or the text is no list of networks.
        """
        Settings.__post_init__(self)  # slots make a new class, which super() would not find
        parse_networks(self.webhook_networks)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Private networks that subscribers may be in."""
        return parse_networks(self.webhook_networks)

    @property
    def subscribers_path(self) -> Path:
        """File of the subscribers of webhooks, with their secrets."""
        return self.under_home("secrets", "subscribers.json")
