"""The check which days of which tables are out of date, and why. It changes nothing and needs no Spark."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from antifraud.clock import ONE_DAY
from antifraud.errors import MissingDay
from antifraud.lake.catalog import Run, newest_runs, open_catalog, outdated, published
from antifraud.lake.outcomes import Absent, read_absent
from antifraud.lake.schemas import CLEAN, FEATURES, LABELS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.lake.table_format import Table
from antifraud.settings.core import JobSettings
from jobs.lake import features, state, totals
from jobs.raw.contents import remembered
from jobs.raw.demand import TABLES, demand_of, out_of_date
from jobs.spark.runtime import span

NEVER: Final = "never published"
EXPIRED: Final = "expired"
UNREADABLE: Final = "unreadable"
"""Stands in place of a table for days of raw files that cannot be read."""
Runs = Mapping[dt.date, Run]
Reasons = dict[dt.date, str]


@dataclass(frozen=True, slots=True)
class Lake:
    """Days to check, the first day of the lake, and runs of every table for these days and what they look back on.

    `absent` are the payments of these days that do not count.
    """

    settings: JobSettings
    days: Sequence[dt.date]
    began: dt.date
    runs: Mapping[Table, Runs]
    absent: Absent


def stale(settings: JobSettings, days: Sequence[dt.date]) -> dict[str, Reasons]:
    """Return for each table the days that are out of date, and as `UNREADABLE` days of unreadable files, with reasons.

    Raises:
        MissingDay: No raw file covers a day.
    """
    lake = _lake(settings, days)
    stale_days = _from_raw(settings, days)
    for of_tables in (_totals, _state, _features):
        stale_days |= of_tables(lake, stale_days)
    return {name: reasons for name, reasons in stale_days.items() if reasons}


def _lake(settings: JobSettings, days: Sequence[dt.date]) -> Lake:
    catalog, first = open_catalog(settings), state.window_of(settings, min(days))[0]
    began = min(published(catalog, CLEAN, dt.date.min, max(days)), default=min(days))
    tables = (CLEAN, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
    runs = {table: newest_runs(catalog, table, first, max(days)) for table in tables}
    return Lake(settings, days, began, runs, read_absent(catalog, days, settings.id_scope))


def _from_raw(settings: JobSettings, days: Sequence[dt.date]) -> dict[str, Reasons]:
    demand = demand_of(settings, days)
    stale_days = out_of_date(settings, demand, remembered(open_catalog(settings), demand.sources))
    unreadable = {day: reason for file, reason in demand.refused for day in days if file.covers(day)}
    return {UNREADABLE: unreadable} | {
        table.name: {day: reasons[table.name] for day, reasons in stale_days.items() if table.name in reasons}
        for table in TABLES
    }


def _totals(lake: Lake, stale_days: Mapping[str, Reasons]) -> dict[str, Reasons]:
    upstream = stale_days[CLEAN.name] | stale_days[LABELS.name]
    clean, labels = lake.runs[CLEAN], lake.runs[LABELS]
    return {
        table.name: _judged(
            lake,
            table,
            lambda day: totals.inputs_of(clean[day], labels[day], lake.absent.get(day, ())),
            lambda day: [day] if day in upstream else [],
            "clean or labels",
        )
        for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL)
    }


def _state(lake: Lake, stale_days: Mapping[str, Reasons]) -> dict[str, Reasons]:
    upstream = stale_days[TOTALS_CUSTOMER.name] | stale_days[TOTALS_TERMINAL.name]
    customers, terminals = lake.runs[TOTALS_CUSTOMER], lake.runs[TOTALS_TERMINAL]
    reasons = _judged(
        lake,
        STATE,
        lambda day: state.inputs_of(lake.settings, customers, terminals, day),
        lambda day: [other for other in state.window_of(lake.settings, day) if other in upstream],
        "totals",
    )
    return {STATE.name: reasons}


def _features(lake: Lake, stale_days: Mapping[str, Reasons]) -> dict[str, Reasons]:
    events = stale_days[CLEAN.name]
    # A state that has merely expired is rebuilt with the same rows, so the features made from it stay up to date.
    states = {day for day, reason in stale_days[STATE.name].items() if reason != EXPIRED}
    clean, cut_offs = lake.runs[CLEAN], lake.runs[STATE]
    reasons = _judged(
        lake,
        FEATURES,
        lambda day: features.inputs_of(clean[day], cut_offs, day, lake.began, lake.absent.get(day, ())),
        lambda day: [*({day - ONE_DAY} & states), *({day} & set(events))],
        "clean or state",
    )
    return {FEATURES.name: reasons}


def _judged(
    lake: Lake,
    table: Table,
    inputs: Callable[[dt.date], str],
    follows: Callable[[dt.date], Sequence[dt.date]],
    made_from: str,
) -> Reasons:
    """Return the stale days of a table: never published, with inputs that will change or have changed, or expired."""
    stale_days: Reasons = {}
    for day in lake.days:
        run = lake.runs[table].get(day)
        if run is None:
            stale_days[day] = NEVER
        elif version := outdated(run, table):
            stale_days[day] = version
        elif cause := follows(day):
            stale_days[day] = f"follows from {made_from} of {span(cause)}"
        elif why := _changed(run, inputs, f"{made_from} or outcomes" if lake.absent.get(day) else made_from):
            stale_days[day] = why
        elif run.expired:
            stale_days[day] = EXPIRED
    return stale_days


def _changed(run: Run, inputs: Callable[[dt.date], str], made_from: str) -> str | None:
    try:
        now = inputs(run.day)
    except MissingDay as error:
        return str(error)
    return None if now == run.inputs else f"{made_from} changed"


def lines_of(stale_days: Mapping[str, Reasons]) -> list[str]:
    """Return a line for each sequence of days of a table with the same reason.

    >>> days = [dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 5)]
    >>> lines_of({"totals_customer": dict.fromkeys(days, "clean changed")})
    ['totals_customer  2026-01-01..2026-01-02 (2 days): clean changed', 'totals_customer  2026-01-05: clean changed']
    """
    lines = []
    for table, reasons in stale_days.items():
        numbered = enumerate(sorted(reasons))
        for (reason, _), run in groupby(numbered, key=lambda item: (reasons[item[1]], item[1].toordinal() - item[0])):
            lines.append(f"{table:16} {span([day for _, day in run])}: {reason}")
    return lines
