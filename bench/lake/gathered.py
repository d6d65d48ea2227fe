"""Histories of a day's customers and terminals, gathered by DuckDB from `clean` and `labels`.

The SQL is written from the definition of features, and shares no code and no table with totals and state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb

from antifraud.clock import DAY_HOURS, DAY_SECONDS, HOUR_SECONDS
from antifraud.features.buckets import LONGEST_WINDOW_DAYS, Bucket, History
from antifraud.features.labels import NO_HOUR, Change, Counts, LabelHistory

BATCH_ROWS: Final = 100_000
WEEK_DAYS: Final = 7
BUCKET: Final = (
    "count(*), sum(amount)::BIGINT, sum(amount::HUGEINT * amount)::BIGINT, max(amount), max(event_time)"  # as `Bucket`
)
Histories = dict[str, History]


@dataclass(frozen=True, slots=True)
class ComparedDay:
    """A day to compare, and relations to select from: the days before by their numbers, the features of the day."""

    clean: Mapping[int, str]
    labels: Mapping[int, str]
    features: str
    day: int
    label_delay_days: int

    def closed_day(self, number: str) -> str:
        """Return SQL that puts the day `number` (an expression) into one of two closed days.

        All events of the compared day see the same closed days. So one bucket stands for the last seven of them and
        one for the days before, which saves most of their memory.
        """
        last = self.day - 1
        return f"CASE WHEN {number} > {last - WEEK_DAYS} THEN {last} ELSE {last - WEEK_DAYS} END"


def rows_of(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query one by one."""
    # Through Arrow, because DuckDB 1.5's `fetchmany` crashes on results of this size.
    for batch in database.execute(query).to_arrow_reader(BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def histories_of(
    database: duckdb.DuckDBPyConnection, compared: ComparedDay, entity: str, labels: Mapping[str, LabelHistory]
) -> Histories:
    """Return the histories of the day's entities (`customer` or `terminal`) before the day begins."""
    before = compared.day - 1
    found = {token: History(before, labels=known) for token, known in labels.items()}
    of_the_day = f"WHERE {entity} IN (SELECT {entity} FROM {compared.features})"
    windows = [events for number, events in compared.clean.items() if number >= compared.day - LONGEST_WINDOW_DAYS]
    events = " UNION ALL ".join(f"SELECT {entity}, event_time, amount FROM {each} {of_the_day}" for each in windows)
    closed = f"SELECT {entity}, {compared.closed_day(f'event_time // {DAY_SECONDS}')}, {BUCKET} FROM ({events})"
    for token, number, *bucket in rows_of(database, f"{closed} GROUP BY 1, 2"):
        known = found.get(token, History(before))
        found[token] = replace(known, days=known.days.adding(number, Bucket(*bucket)))
    by_hour = f"SELECT {entity}, event_time // {HOUR_SECONDS}, {BUCKET} FROM {compared.clean[before]} {of_the_day}"
    for token, number, *bucket in rows_of(database, f"{by_hour} GROUP BY 1, 2"):
        found[token] = replace(found[token], hours=found[token].hours.adding(number, Bucket(*bucket)))
    return found


def label_histories(database: duckdb.DuckDBPyConnection, compared: ComparedDay) -> dict[str, LabelHistory]:
    """Return what the events of the day can know about their terminals' labels; terminals without any are left out."""
    # Numbers stand for tokens: at 47 million rows the changes would not fit otherwise.
    database.execute(
        "CREATE OR REPLACE TEMP TABLE terminals AS SELECT terminal, row_number() OVER ()::INTEGER AS terminal_number "
        f"FROM (SELECT DISTINCT terminal FROM {compared.features})"
    )
    database.execute(
        "CREATE OR REPLACE TEMP TABLE changes "
        "(terminal_number INTEGER, hour INTEGER, since INTEGER, known TINYINT, fraud TINYINT)"
    )
    for number in compared.clean:
        database.execute(f"INSERT INTO changes {_changes_query(compared, number)}")
    return {
        token: LabelHistory.of(
            compared.day - 1,
            {place: Counts(*counts) for place, *counts in days or ()},
            {place: Counts(*counts) for place, *counts in hours or ()},
            NO_HOUR if last_legit is None else last_legit,
            dict(streak or ()),
            [Change(*each) for each in changes or ()],
        )
        for token, days, hours, last_legit, streak, changes in rows_of(database, _label_histories_query(compared))
    }


def _changes_query(compared: ComparedDay, number: int) -> str:
    """Return the changes of the labels of one day's transactions, each with its place (`since`).

    A status that is new takes away the one before, at that one's place.
    """
    return f"""
        WITH said AS (
            SELECT transaction_id, learned_at // {HOUR_SECONDS} AS hour,
                arg_max(status, (learned_at, source, sequence)) AS status
            FROM {compared.labels[number]} WHERE learned_at < {(compared.day + 1) * DAY_SECONDS} GROUP BY ALL
        ), turns AS (
            SELECT transaction_id, terminal_number, hour, status,
                least(hour, event_time // {HOUR_SECONDS} + {compared.label_delay_days * DAY_HOURS}) AS since,
                lag(status, 1, 'unknown') OVER (PARTITION BY transaction_id ORDER BY hour) AS old_status
            FROM said JOIN {compared.clean[number]} USING (transaction_id) JOIN terminals USING (terminal)
        ), changed AS (
            SELECT *, lag(since) OVER (PARTITION BY transaction_id ORDER BY hour) AS old_since
            FROM turns WHERE status <> old_status
        ), signed AS (
            SELECT terminal_number, hour, since, 1, (status = 'fraud')::TINYINT
            FROM changed WHERE status <> 'unknown'
            UNION ALL
            SELECT terminal_number, hour, old_since, -1, -(old_status = 'fraud')::TINYINT
            FROM changed WHERE old_status <> 'unknown'
        )
        FROM signed WHERE since >= {(compared.day - LONGEST_WINDOW_DAYS) * DAY_HOURS}"""


def _label_histories_query(compared: ComparedDay) -> str:
    """Return the fields of `LabelHistory` by terminal; lists are null where there is nothing."""
    today = compared.day * DAY_HOURS
    day_of_place = compared.closed_day(f"since // {DAY_HOURS}")
    return f"""
        WITH closed AS (FROM changes WHERE hour < {today}),
        legit AS (
            SELECT terminal_number, max(hour) AS last_legit FROM closed
            WHERE since = hour AND known > fraud GROUP BY ALL
        ), streaks AS (
            SELECT terminal_number, hour, sum(fraud)::INTEGER AS fraud
            FROM closed LEFT JOIN legit USING (terminal_number)
            WHERE since = hour AND fraud > 0 AND hour > coalesce(last_legit, {NO_HOUR}) GROUP BY ALL
        ), days AS ({_by_place(day_of_place, "true")}),
        hours AS ({_by_place("since", f"since >= {today - DAY_HOURS}")}),
        streak AS (SELECT terminal_number, list([hour, fraud]) AS streak FROM streaks GROUP BY ALL),
        later AS (
            SELECT terminal_number, list([hour, since, known, fraud]) AS changes FROM changes
            WHERE hour >= {today} GROUP BY ALL
        )
        SELECT terminal, days.places, hours.places, last_legit, streak, changes
        FROM days FULL JOIN later USING (terminal_number) JOIN terminals USING (terminal_number)
        LEFT JOIN hours USING (terminal_number) LEFT JOIN legit USING (terminal_number)
        LEFT JOIN streak USING (terminal_number)"""


def _by_place(place: str, condition: str) -> str:
    return f"""
        SELECT terminal_number, list([place, known, fraud]) AS places FROM (
            SELECT terminal_number, {place} AS place, sum(known)::INTEGER AS known, sum(fraud)::INTEGER AS fraud
            FROM closed WHERE {condition} GROUP BY ALL
        ) GROUP BY ALL"""
