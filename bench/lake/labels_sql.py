"""A terminal's labels as the events of a day see them, in DuckDB's SQL: the definition of `Risk` as text."""

from typing import Final

from antifraud.clock import DAY_HOURS, DAY_SECONDS, HOUR_SECONDS
from antifraud.features.labels import NO_HOUR
from antifraud.features.registry import WINDOWS

STATE_COLUMNS: Final = (
    *("known_7d", "fraud_7d", "known_30d", "fraud_30d", "label_hours", "changes_ahead"),
    *("last_legit AS closed_legit", "streak AS closed_streak"),
)
EVENT_HOUR: Final = f"(event_time // {HOUR_SECONDS})"
EVENT_DAY: Final = f"(event_time // {DAY_SECONDS})"


def _seen(entries: str, condition: str, field: str) -> str:
    return f"list_transform(list_filter({entries}, lambda b: {condition}), lambda b: b.{field})"


def _sum(entries: str, condition: str, field: str) -> str:
    return f"coalesce(list_sum({_seen(entries, condition, field)}), 0)::BIGINT"


# Later columns use earlier ones. Labels learnt in time after the cut-off (`news`) go on with the closed streak.
LABEL_COLUMNS: Final = {
    "learnt": f"list_filter(changes_ahead, lambda b: b.hour < {EVENT_HOUR})",
    "news": "list_filter(learnt, lambda b: b.since = b.hour)",
    "legit": f"greatest(closed_legit, list_max({_seen('news', 'b.known > b.fraud', 'hour')}), {NO_HOUR})",
    "streak_begin": (
        f"least(list_min({_seen('closed_streak', 'b.hour > legit', 'hour')}), "
        f"list_min({_seen('news', 'b.fraud > 0 AND b.hour > legit', 'hour')}))"
    ),
}


def label_inputs() -> dict[str, str]:
    """Return the fields of `Risk` as expressions of `STATE_COLUMNS` and `LABEL_COLUMNS`."""
    found = {f"{field}_{days}d": _window(days, field) for days in WINDOWS for field in ("known", "fraud")}
    streak = (_sum(entries, "b.hour > legit", "fraud") for entries in ("closed_streak", "news"))
    return found | {
        "streak_fraud": f"({' + '.join(streak)})",
        "streak_age": f"coalesce({EVENT_HOUR} - streak_begin, 0)",
        "legit_age": f"CASE WHEN legit > {NO_HOUR} THEN {EVENT_HOUR} - legit ELSE 0 END",
    }


def _window(days: int, field: str) -> str:
    """Return what was known at the cut-off, plus the changes since with their place inside the window."""
    if days == 1:
        first = f"{EVENT_HOUR} - {DAY_HOURS}"
        closed = _sum("label_hours", f"b.hour >= {first}", field)
    else:
        first = f"({EVENT_DAY} - {days}) * {DAY_HOURS}"
        closed = f"coalesce({field}_{days}d, 0)"
    return f"({closed} + {_sum('learnt', f'b.since >= {first}', field)})"
