"""Inputs of a training or validation run: published days, their snapshots, and one hash of them."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from antifraud.clock import DAY_SECONDS, Span, day_number
from antifraud.features.registry import feature_set_hash
from antifraud.files import hash_of
from antifraud.lake.catalog import open_catalog, open_table, published, require_days, rows_by_day
from antifraud.lake.schemas import FEATURES, LABELS, NAMESPACE
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from antifraud.transaction_id import IdScope

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Inputs:
    """Published days of some windows, by the windows' names.

    `features_snapshot`, `labels_snapshot` and `client_labels_snapshot` are the snapshots to read, so that a publish
    during the run changes nothing; 0 stands for a table that was never published. `decisions_snapshot` is that of the
    shipped decisions; 0 if none is about the days. `days` is the hash of what every day of features and labels was made
    from, so that it ignores other days. Labels arrive `label_delay_days` after their day. `quiet` are the days without
    any transaction. `id_scope` says how clients spell the ids of the feed.
    """

    spans: Mapping[str, Span]
    as_of: dt.date
    features_snapshot: int
    labels_snapshot: int
    days: str
    label_delay_days: int
    quiet: frozenset[dt.date]
    client_labels_snapshot: int = 0
    id_scope: IdScope = "global"
    decisions_snapshot: int = 0

    @classmethod
    def of(cls, settings: JobSettings, spans: Mapping[str, Span], as_of: dt.date) -> Self:
        """Look up the days in the lake.

        Raises:
            MissingDay: A day of the windows has no features; the message names the days.
        """
        catalog = open_catalog(settings)
        days = sorted({day for span in spans.values() for day in span.days})
        features = require_days(catalog, FEATURES, days)
        labels = published(catalog, LABELS, days[0], days[-1])
        made_of: list[list[str | int]] = [
            [str(day), *(runs[day].inputs for runs in (features, labels) if day in runs)] for day in days
        ]
        # Snapshots after runs: a day published in between is used under its old hash, so the next run redoes it.
        of_features, of_labels = (_newest_snapshot(catalog, table) for table in (FEATURES, LABELS))
        of_clients, of_decisions = (_newest_snapshot(catalog, table) for table in (CLIENT_LABELS, DECISIONS))
        made_of += _count_client_labels(catalog, days[0], days[-1], as_of, of_clients)
        decided = _count_decisions(catalog, days[0], days[-1], of_decisions)
        made_of += decided
        return cls(
            spans,
            as_of,
            of_features,
            of_labels,
            hash_of(*made_of),
            settings.label_delay_days,
            frozenset(day for day in days if not features[day].rows),
            of_clients,
            settings.id_scope,
            of_decisions if decided else 0,
        )

    def quiet_days(self, window: str) -> list[int]:
        """Return the days of a window without any transaction, days since 1970."""
        return [day_number(day) for day in self.spans[window].days if day in self.quiet]

    def hash_with(self, recipe: Mapping[str, Any]) -> str:
        """Return a hash of these inputs and of everything else (`recipe`) that decides the outcome."""
        spans = {name: str(span) for name, span in self.spans.items()}
        return hash_of(spans, str(self.as_of), self.days, feature_set_hash(), dict(recipe))


def _newest_snapshot(catalog: "Catalog", table: Table) -> int:
    # A lake of an earlier version lacks a table until a data job makes it.
    if not catalog.table_exists((NAMESPACE, table.name)):
        return 0
    return int(catalog.load_table((NAMESPACE, table.name)).metadata.current_snapshot_id or 0)


def _count_client_labels(
    catalog: "Catalog", first: dt.date, last: dt.date, as_of: dt.date, snapshot: int
) -> list[list[str | int]]:
    """Return the number of each store's labels about the days that were learnt before the end of `as_of`.

    Labels are only ever appended, in the order of their arrival. So the number tells which they are.
    """
    if not snapshot:
        return []
    end = (day_number(as_of) + 1) * DAY_SECONDS
    condition = f"day >= '{first}' and day <= '{last}' and learned_at < {end}"
    source = open_table(catalog, CLIENT_LABELS, ("store",), snapshot)
    rows = source.scan(row_filter=condition, selected_fields=("store",), snapshot_id=snapshot).to_arrow()
    return [[store, count] for store, count in sorted(Counter(rows["store"].to_pylist()).items())]


def _count_decisions(catalog: "Catalog", first: dt.date, last: dt.date, snapshot: int) -> list[list[str | int]]:
    """Return the number of shipped decisions of each day that has any; they are only ever appended."""
    if not snapshot:
        return []
    found = rows_by_day(catalog, DECISIONS, first, last, snapshot)
    return [[DECISIONS.name, str(day), rows] for day, rows in sorted(found.items()) if rows]
