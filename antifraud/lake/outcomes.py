"""Payments that do not count in the history, as the table `outcomes` tells: their absences by day.

`antifraud/features/outcomes.py` has the rule. Without shipped outcomes a lake has no absences, and nothing changes.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from antifraud.features.outcomes import REMOVED, RESTORED, absences_of
from antifraud.lake.catalog import open_table
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.schemas import NAMESPACE
from antifraud.transaction_id import IdScope, number_of

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

COLUMNS: Final = (
    "day", "store", "sequence", "namespace", "transaction_id", "event_time", "arrival", "received_at", "effect",
)  # fmt: skip
ABSENCES: Final = "day date, transaction_id bigint, event_time bigint, since bigint, until bigint"
"""Columns of `AbsentPayment`, as Spark spells them."""


class AbsentPayment(NamedTuple):
    """An absence of a payment of the lake; see `antifraud.features.outcomes.Absence`."""

    day: dt.date
    transaction_id: int
    event_time: int
    since: int
    until: int | None


Absent = Mapping[dt.date, Sequence[AbsentPayment]]
"""Absences by the day of the payment; a day without any may be missing."""


def read_absent(catalog: "Catalog", days: Sequence[dt.date], scope: IdScope) -> Absent:
    """Return the absences of payments of some days, in a fixed order."""
    if not catalog.table_exists((NAMESPACE, OUTCOMES.name)):
        return {}
    applied = f"day >= '{min(days)}' and day <= '{max(days)}' and effect in ('{REMOVED}', '{RESTORED}')"
    rows = open_table(catalog, OUTCOMES, COLUMNS).scan(row_filter=applied, selected_fields=COLUMNS).to_arrow()
    return absent_payments(rows.to_pylist(), scope)


def absent_payments(rows: Iterable[Mapping[str, Any]], scope: IdScope) -> Absent:
    """Return the absences that rows of `outcomes` make.

    Ids that no source of the lake has are passed over, and so are ids of other namespaces.
    """
    changes: defaultdict[tuple[Any, ...], list[tuple[int, str]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["store"], row["sequence"])):
        number = number_of(row["transaction_id"], row["event_time"], scope)
        if number is not None and not row["namespace"]:
            payment = row["day"], number, row["event_time"], row["store"], row["arrival"]
            changes[payment].append((row["received_at"], row["effect"]))
    found: defaultdict[dt.date, list[AbsentPayment]] = defaultdict(list)
    for (day, number, event_time, *_), applied in sorted(changes.items()):
        found[day] += [AbsentPayment(day, number, event_time, *absence) for absence in absences_of(applied)]
    return found


def inputs_of_absent(absent: Sequence[AbsentPayment]) -> list[Any]:
    """Return what a day's absences add to the hash of its inputs: nothing without any, so that such days stay as is."""
    return [[list(payment[1:]) for payment in absent]] if absent else []
