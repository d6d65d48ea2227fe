"""Settings of the scorer's workers, of the guard and of the shipper."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from antifraud.keys.endpoints import Network, parse_networks
from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.signals import Policy, SignalName, parse_policies
from antifraud.settings.core import Settings
from antifraud.settings.locations import require_redis_url
from antifraud.settings.ranges import INNER_SHARE, MOST_DAYS, MOST_SECONDS, Range

Durability = Literal["process", "power"]
OnTrip = Literal["rollback", "suspend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings(Settings):
    """Settings of scorer, guard and shipper."""

    # LMDB maps the whole size into memory, and processors address 47 bits.
    store_map_bytes: Annotated[int, Range(1 << 20, 1 << 46)] = 8 << 30
    """Largest size of the records in the decision store. The file grows as it is used, up to 64 MB more, for copies."""
    store_durability: Durability = "process"
    """Whether an acknowledged decision survives the kill of any process, or a power cut as well."""
    store_wait_seconds: Annotated[float, Range(0.01, MOST_SECONDS)] = 1.0
    """Longest wait for the lock of the decision store, or for an answer of Redis; then requests get 503."""
    store_url: str = ""
    """Redis that keeps the decision store, such as ``redis://host:6379/0``, or ``rediss://`` for TLS; empty: LMDB."""
    store_account: Path | None = None
    """Account file of the decision store's Redis; its user is ``default`` where there is only a password."""
    store_ca: Path | None = None
    """PEM file of the certificates that Redis is checked with; default: the trusted ones of this host."""
    store_replicas: Annotated[int, Range(0, 9)] = 0
    """Replicas of Redis that must have a change before it is acknowledged."""
    label_delay_days: Annotated[int, Range(0, MOST_DAYS)] = 7
    """The labels of a cohort count from this many days after its day."""

    signal_policies: str = ""
    """Policies of signals and warnings other than the default, such as ``p99=off,error_share=suspend``."""

    def __post_init__(self) -> None:
        """Refuse also policies that are none, and a URL that names no Redis.

        Raises:
            SettingsError: A number is outside its range, the text is no list of policies, or the URL names no Redis.
        """
        Settings.__post_init__(self)  # slots make a new class, which super() would not find
        parse_policies(self.signal_policies)
        if self.store_url:
            require_redis_url(self.store_url, "ANTIFRAUD_STORE_URL")

    @property
    def store_place(self) -> str:
        """Where the decision store is, for people."""
        return self.store_url or str(self.store_dir)

    @property
    def policies(self) -> dict[SignalName | AlarmName, Policy]:
        """The policy of each technical signal, and of each warning of the evidence."""
        return parse_policies(self.signal_policies)

    @property
    def store_dir(self) -> Path:
        """LMDB folder of live state, decisions, labels, evidence and the switch; not used with Redis."""
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

    # A guard that reports less often than every two minutes would count as silent.
    interval_seconds: Annotated[float, Range(0.001, 60)] = 2.0
    """Pause between two inspections of the evidence."""
    guard_lease_seconds: Annotated[float, Range(0.2, 600)] = 10.0
    """A guard that leads and gives no sign of life for so long is replaced by another that runs."""
    on_trip: OnTrip = "rollback"
    """Consequence of a trip: back to a release that is good today, or suspended until a person decides."""
    warn_error_share: Annotated[float, INNER_SHARE] = 0.01
    """Share of failing requests for decisions, over a minute, from which the guard warns."""
    warn_p99_seconds: Annotated[float, Range(0.001, 1)] = 0.05
    """Time of a decision from which the guard warns, if one in a hundred takes longer."""
    warn_state_hours: Annotated[float, Range(1, 24 * MOST_DAYS)] = 36.0
    """Age of the state in use, from the end of its cut-off day, from which the guard warns."""
    warn_parity_share: Annotated[float, INNER_SHARE] = 0.999
    """Share of logged vectors that a replay reproduces, below which the guard warns."""
    warn_store_fill: Annotated[float, INNER_SHARE] = 0.7
    """Used share of the decision store from which the guard warns."""
    warn_shipper_seconds: Annotated[float, Range(1, MOST_DAYS * MOST_SECONDS)] = 3_600.0
    """Age of the oldest decision that is not shipped, from which the guard warns."""
    warn_fraud_share: Annotated[float, INNER_SHARE] = 0.02
    """Largest plausible share of frauds. The guard warns if more is flagged than it and the rate's limit explain."""
    webhook_networks: str = ""
    """Private networks that subscribers of webhooks may be in, separated by commas; empty: none."""

    def __post_init__(self) -> None:
        """Refuse also networks that are none.

        Raises:
            SettingsError: A number is outside its range, or the text is no list of networks.
        """
        StoreSettings.__post_init__(self)  # slots make a new class, which super() would not find
        parse_networks(self.webhook_networks)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Private networks that subscribers may be in."""
        return parse_networks(self.webhook_networks)

    @property
    def subscribers_path(self) -> Path:
        """File of the subscribers of webhooks, with their secrets."""
        return self.under_home("secrets", "subscribers.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipperSettings(StoreSettings):
    """Settings of the shipper, in addition to those of the lake."""

    # Every append is a snapshot that maintenance keeps for weeks, so a commit a minute would slow down all commits.
    ship_seconds: Annotated[float, Range(0.01, MOST_SECONDS)] = 900.0
    """Pause between two rounds of shipping. Each appends to every table with news."""
    ship_rows: Annotated[int, Range(1, 1_000_000)] = 20_000
    """Most rows of one append; a backlog is shipped in several, without a pause."""
