"""Order-free checksums of the lake: one number for the rows of a table's day, whatever their order and files."""

import datetime as dt
from typing import Final

import numpy as np

from antifraud.lake.catalog import open_catalog, read_batches
from antifraud.lake.schemas import (
    CLEAN,
    FEATURES,
    GROUP,
    LABELS,
    NAMESPACE,
    QUARANTINE,
    STATE,
    TOTALS_CUSTOMER,
    TOTALS_TERMINAL,
)
from antifraud.settings.core import JobSettings
from jobs.lake.row_hashes import row_hashes

TABLES: Final = (CLEAN, QUARANTINE, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
MODULUS: Final = 1 << 64

Checksums = dict[tuple[str, dt.date], str]


def checksums(settings: JobSettings, first: dt.date, last: dt.date) -> Checksums:
    """Return a checksum by table name and day, for days with rows: the sum of the rows' hashes, in hex."""
    catalog = open_catalog(settings)
    sums: dict[tuple[str, dt.date], int] = {}
    for table in TABLES:
        if not catalog.table_exists((NAMESPACE, table.name)):
            continue
        for batch in read_batches(catalog, table, first, last):
            rows = batch.select(list(table.column_names))
            days, places = np.unique(rows.column("day").to_numpy(zero_copy_only=False), return_inverse=True)
            # A sum does not depend on the order of rows, and a row that occurs twice changes it.
            hashes = row_hashes(rows, optional=[GROUP.name])
            for place, day in enumerate(days):
                key = table.name, day.item()
                sums[key] = (sums.get(key, 0) + int(hashes[places == place].sum())) % MODULUS
    return {key: f"{value:016x}" for key, value in sums.items()}
