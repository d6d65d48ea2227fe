"""Which days of which tables are out of date, and why. Changes nothing and needs no Spark.

    python -m jobs.stale --from 2026-01-01 --to 2026-03-31

Each line is a run of days of one table. A day is listed under the tables that follow from it, too, as far as they lie
in the range: a changed day reaches 37 days of states and features. Raw files are read through once for their checksums.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

from antifraud.errors import MissingDay
from antifraud.lake import Run, open_catalog, published
from antifraud.schemas import CLEAN, FEATURES, LABELS, STATE, TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.settings import JobSettings
from jobs import features, state, totals
from jobs.raw.contents import remembered
from jobs.raw.demand import TABLES, demand_of, out_of_date
from jobs.runtime import days_of, range_parser, run_plain_job, span

NEVER: Final = "never published"
Runs = Mapping[dt.date, Run]
Reasons = dict[dt.date, str]
ONE_DAY: Final = dt.timedelta(days=1)


def stale(settings: JobSettings, days: Sequence[dt.date]) -> dict[str, Reasons]:
    """For each table the days that are out of date, with the reason.

    Raises:
        MissingDay: No raw file covers a day.
        RawFileError: A raw file cannot be read.
    """
    catalog = open_catalog(settings)
    found = _from_raw(settings, days)
    first = state.window_of(settings, min(days))[0]
    tables = (CLEAN, LABELS, TOTALS_CUSTOMER, TOTALS_TERMINAL, STATE, FEATURES)
    runs = {table.name: published(catalog, table, first, max(days)) for table in tables}
    clean, labels, customers, terminals, states, _ = runs.values()
    upstream = found[CLEAN.name] | found[LABELS.name]
    for table in (TOTALS_CUSTOMER, TOTALS_TERMINAL):
        found[table.name] = _judged(
            days,
            runs[table.name],
            lambda day: totals.inputs_of(clean[day], labels[day]),
            lambda day: [day] if day in upstream else [],
            "clean or labels",
        )
    changed = found[TOTALS_CUSTOMER.name] | found[TOTALS_TERMINAL.name]
    found[STATE.name] = _judged(
        days,
        states,
        lambda day: state.inputs_of(settings, customers, terminals, day),
        lambda day: [other for other in state.window_of(settings, day) if other in changed],
        "totals",
    )
    began = min(published(catalog, CLEAN, dt.date.min, max(days)), default=min(days))
    changed_states = found[STATE.name]
    found[FEATURES.name] = _judged(
        days,
        runs[FEATURES.name],
        lambda day: features.inputs_of(clean[day], states, day, began),
        lambda day: [*({day - ONE_DAY} & set(changed_states)), *({day} & set(upstream))],
        "clean or state",
    )
    return {name: reasons for name, reasons in found.items() if reasons}


def _from_raw(settings: JobSettings, days: Sequence[dt.date]) -> dict[str, Reasons]:
    demand = demand_of(settings, days)
    found = out_of_date(settings, demand, remembered(open_catalog(settings), demand.sources))
    return {
        table.name: {day: reasons[table.name] for day, reasons in found.items() if table.name in reasons}
        for table in TABLES
    }


def _judged(
    days: Sequence[dt.date],
    runs: Runs,
    inputs: Callable[[dt.date], str],
    follows: Callable[[dt.date], Sequence[dt.date]],
    made_from: str,
) -> Reasons:
    """Days that were never published, whose inputs will change, or have changed."""
    found: Reasons = {}
    for day in days:
        if day not in runs:
            found[day] = NEVER
        elif cause := follows(day):
            found[day] = f"follows from {made_from} of {span(cause)}"
        elif (now := _inputs_or_reason(inputs, day)) != runs[day].inputs:
            found[day] = now if " " in now else f"{made_from} changed"
    return found


def _inputs_or_reason(inputs: Callable[[dt.date], str], day: dt.date) -> str:
    try:
        return inputs(day)
    except MissingDay as error:
        return str(error)


def lines_of(found: Mapping[str, Reasons]) -> list[str]:
    """A line for each run of days of a table with one reason.

    >>> days = [dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 5)]
    >>> lines_of({"totals_customer": dict.fromkeys(days, "clean changed")})
    ['totals_customer  2026-01-01..2026-01-02 (2 days): clean changed', 'totals_customer  2026-01-05: clean changed']
    """
    lines = []
    for table, reasons in found.items():
        numbered = enumerate(sorted(reasons))
        for (reason, _), run in groupby(numbered, key=lambda item: (reasons[item[1]], item[1].toordinal() - item[0])):
            lines.append(f"{table:16} {span([day for _, day in run])}: {reason}")
    return lines


def main(settings: JobSettings, arguments: argparse.Namespace) -> None:
    """List what is out of date in the days of the arguments."""
    days = days_of(arguments)
    lines = lines_of(stale(settings, days))
    print("\n".join(lines) if lines else f"{span(days)}: every table is up to date")


if __name__ == "__main__":
    run_plain_job(main, range_parser(__doc__))
