"""Ids of live rows that the scorer would take for repeats, found before any service starts."""

from pathlib import Path

from antifraud.errors import SettingsError
from antifraud.transaction_id import IdScope
from infra.local.live_rows import live_rows
from infra.local.plan import Plan


def require_distinct_ids(folder: Path, plan: Plan, id_scope: IdScope) -> None:
    """Refuse live days that share transaction ids, unless the source has declared that its ids restart every day.

    Raises:
        SettingsError: A live day has ids of an earlier one.
        MissingDay: A live day has no rows.
    """
    if id_scope == "day":
        return
    seen: set[int] = set()
    for day in plan.live:
        ids = {row.transaction_id for row in live_rows(folder, day)}
        if repeated := len(seen & ids):
            raise SettingsError(
                f"{folder}: {repeated:,} transaction ids of {day} were used on the days before, expected new ones: set "
                "ANTIFRAUD_ID_SCOPE=day if the ids restart every day, otherwise correct the files"
            )
        seen |= ids
