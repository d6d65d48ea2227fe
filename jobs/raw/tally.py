"""Numbers of judged rows: what is checked before publishing, what is stored with a run, what the contents hash to."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from antifraud.clock import DAY_SECONDS
from antifraud.lake.coverage import DayRows, DaysRead
from antifraud.lake.feed import RawFile
from antifraud.lake.raw_defects import DEFECTS
from antifraud.lake.schemas import CLEAN, LABELS, QUARANTINE
from jobs.raw.checks import Counts, no_rows
from jobs.raw.contents import Sums, add_sums, row_sums
from jobs.raw.faults import Fault, Faults, add_fault
from jobs.raw.rows import LINE_BITS

USABLE: Final = (LABELS, CLEAN)
"""Tables of the usable rows; `quarantine` has the others."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of the rows of some raw files.

    Attributes:
        counts: For each day `rows_in`, `clean`, `quarantined` by reason, and `repaired_midnight`.
        sums: For each day what `jobs.raw.contents.contents_of` makes a hash of.
        files: Rows of each file by its name.
        faults: For each day its unusable rows.
    """

    counts: Counts = field(default_factory=dict)
    sums: dict[dt.date, Sums] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    faults: dict[dt.date, Faults] = field(default_factory=dict)

    def add(self, group: Row, file: RawFile) -> None:
        """Count rows of one day, one defect (or none) and one file."""
        rows, usable = group["rows"], group["defect"] is None
        day = self.counts.setdefault(group["day"], no_rows())
        day["rows_in"] += rows
        day["repaired_midnight"] += group["repaired"]
        if usable:
            day["clean"] += rows
        else:
            reason = DEFECTS[group["defect"]].reason
            day["quarantined"][reason] = day["quarantined"].get(reason, 0) + rows
            add_fault(self.faults.setdefault(group["day"], {}), group["defect"], Fault(rows, group["place"]))
        tables = USABLE if usable else (QUARANTINE,)
        add_sums(self.sums.setdefault(group["day"], {}), group.asDict(), rows, tables)
        self.files[file.path.name] = self.files.get(file.path.name, 0) + rows


def tally_rows(rows: DataFrame, files: Sequence[RawFile]) -> Tally:
    """Count rows (`jobs.raw.rows.ROW`) in one pass; `files` are the judged files in the same order."""
    usable = F.col("defect").isNull()
    totals = [
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.col("repaired") & usable).alias("repaired"),
        F.min("place").alias("place"),
    ]
    sums = row_sums(USABLE, usable) + row_sums((QUARANTINE,), ~usable)
    # Grouped by numbers: names would be looked up and compared for every row.
    by = ("day", "defect", F.shiftright("place", LINE_BITS).alias("file"))
    # A group for each day, defect and file: few enough for the driver.
    tally = Tally()
    for group in rows.groupBy(*by).agg(*totals, *sums).collect():
        tally.add(group, files[group["file"]])
    return tally


def days_read(judged: DataFrame, files: Sequence[RawFile]) -> dict[str, DaysRead]:
    """Return the rows of each of the judged files by day, as `jobs.raw.rows.judge_rows` gives them."""
    by = (F.shiftright("place", LINE_BITS).alias("file"), "day")
    is_usable = F.col("defect").isNull()
    last = F.max(F.when(is_usable, F.col("event_time") % DAY_SECONDS)).cast("int")
    numbers = [F.count(F.lit(1)), F.count_if(is_usable), F.coalesce(last, F.lit(0))]
    named = [number.alias(name) for number, name in zip(numbers, DayRows._fields, strict=True)]
    found: dict[str, dict[dt.date, DayRows]] = {file.path.name: {} for file in files}
    for group in judged.groupBy(*by).agg(*named).collect():
        found[files[group["file"]].path.name][group["day"]] = DayRows(*(group[name] for name in DayRows._fields))
    return dict(found)
