"""The maintenance of Iceberg tables: old states, compaction, snapshots, orphans, manifests."""

import datetime as dt

from pyspark.sql import SparkSession

from antifraud.files import hash_of
from antifraud.lake.catalog import full_name, open_catalog
from antifraud.lake.schemas import CATALOG, NAMESPACE, TABLES
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.publishing.conflicts import with_retries
from jobs.upkeep.expiry import expire, expiry_of
from jobs.upkeep.lake_files import require_removable
from jobs.upkeep.retention import (
    MOST_FILES,
    MOST_MANIFESTS,
    SMALL_BYTES,
    TAG,
    Plan,
    Rules,
    live_manifests,
    plan,
    snapshots_of_releases,
)


def maintain(spark: SparkSession, settings: JobSettings, rules: Rules, *, apply: bool) -> list[Plan]:
    """Plan every table, print the plans, and carry them out if `apply`.

    Raises:
        ForeignLake: Something that might be removed belongs to another lake or lies elsewhere; nothing was removed.
        ReleaseError: The release pointer or a live release does not verify; nothing was removed.
        DataError: The state pointer cannot be read; nothing was removed.
    """
    catalog, manifests = open_catalog(settings), live_manifests(settings)
    require_removable(settings, catalog)
    named, due = snapshots_of_releases(manifests), expiry_of(settings, manifests)
    print(
        f"{len(due.days)} states and {len(due.exports)} exported states older than {settings.state_keep_days} days to "
        "remove",
        flush=True,
    )
    if apply:
        expire(spark, settings, due)
    # Planned after the expiry, so that the snapshots of this run's own deletions are part of the plans.
    plans = [plan(catalog, table, rules, named.get(table.name, frozenset())) for table in TABLES]
    for each in plans:
        orphans = _orphans(spark, each.table, rules, apply=False)
        print(f"{each.table.name:16} {describe(each)}, {orphans} orphaned files", flush=True)
        if apply:
            carry_out(spark, each, rules)
    print("done" if apply else "dry run: nothing was changed")
    return plans


def describe(each: Plan) -> str:
    """Return a plan in one line."""
    return (
        f"{len(each.superseded)} superseded and {len(each.unpublished)} unpublished snapshots to remove, "
        f"{len(each.tags_to_add)} to tag, {len(each.tags_to_drop)} tags to drop, "
        f"{each.crowded} partitions to compact, {each.manifests} manifests"
    )


def carry_out(spark: SparkSession, each: Plan, rules: Rules) -> None:
    """Carry a plan out: tags first, so that what must stay is safe before anything goes; orphans last."""
    name = full_name(each.table)
    for snapshot in each.tags_to_add:
        spark.sql(f"ALTER TABLE {name} CREATE OR REPLACE TAG `{TAG}{snapshot}` AS OF VERSION {snapshot}")
    for tag in each.tags_to_drop:
        spark.sql(f"ALTER TABLE {name} DROP TAG IF EXISTS `{tag}`")
    if each.crowded:
        _compact(spark, each.table)
    if each.manifests > MOST_MANIFESTS:
        _call(spark, each.table, "rewrite_manifests")
    # Snapshots are expired by id: by age alone Iceberg would count from the time they were written.
    if each.expired:
        ids = ", ".join(f"{snapshot}L" for snapshot in each.expired)
        _call(
            spark, each.table, "expire_snapshots", f"older_than => TIMESTAMP '1970-01-02', snapshot_ids => ARRAY({ids})"
        )
    _orphans(spark, each.table, rules, apply=True)


def _compact(spark: SparkSession, table: Table) -> None:
    strategy = "sort" if table.sort_by else "binpack"
    options = f"map('min-input-files', '{MOST_FILES}', 'min-file-size-bytes', '{SMALL_BYTES}')"
    _call(spark, table, "rewrite_data_files", f"strategy => '{strategy}', options => {options}")


def _orphans(spark: SparkSession, table: Table, rules: Rules, *, apply: bool) -> int:
    """Count the files in a table's folder that nothing refers to; remove them if `apply`."""
    before = dt.datetime.fromtimestamp(rules.staged_before / 1_000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    arguments = f"older_than => TIMESTAMP '{before}', dry_run => {str(not apply).lower()}"
    return len(_call(spark, table, "remove_orphan_files", arguments))


def _call(spark: SparkSession, table: Table, procedure: str, arguments: str = "") -> list[object]:
    named = ", ".join(filter(None, [f"table => '{NAMESPACE}.{table.name}'", arguments]))
    sql = f"CALL {CATALOG}.system.{procedure}({named})"
    return with_retries(lambda: list(spark.sql(sql).collect()), f"{procedure} {table.name}", hash_of(sql))
