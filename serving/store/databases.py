"""The named databases of the decision store. Numbers in keys are big-endian, so they sort.

| database | key | value |
| --- | --- | --- |
| live | token | hour buckets after the cut-off (`serving/decisions/live.py`) |
| events | hour, token, second of the hour, arrival number | amount of a counted event, and whether it still counts |
| ids | hash of namespace and id | arrival number |
| stubs | arrival number | decision (`serving/store/stubs.py`) |
| entries | arrival number | id, customer and vector, until the decision is shipped |
| contexts | number | what many decisions have in common |
| labels | sequence | `Label` |
| live_labels | terminal, hour of the event, arrival number | labels in the order of arrival |
| live_changes | terminal, hour of the event | the changes that these labels make, summed up |
| outcomes | sequence | `StoredOutcome` |
| outcome_times | arrival number, subject, time from late to early | outcome |
| pending | arrival number | labels that count, in time and at all, while they can be corrected |
| blocks | day, era, release | decisions by what their labels say (`serving/store/tallies.py`) |
| customers | arrival number | digest of the customer of a shipped decision |
| missed | day, arrival number | history of a fraud that was not flagged, until its episodes are over |
| terminal_days | day, era, digest of the terminal | its counts, until the day has closed |
| minutes | minute | decided and flagged, one customer or terminal counting a few times at most |
| evidence | era, subject | detector state, JSON |
| switch | ``now`` | switch, JSON |
| switch | epoch | entry of its audit trail, JSON (`antifraud/killswitch/audit.py`) |
| outbox | notification id | switch after the change, JSON, until every subscriber has a delivery |
| outbox | subscriber, slash, notification id | `Delivery` that waits |
| dead | subscriber, slash, notification id | `Delivery` that was given up |
| workers | name | last report of a process |
| meta | name | counters, the identity, and the lease of the guard that leads |
"""

from typing import Final

DATABASES: Final = (
    "live", "events", "ids", "stubs", "entries", "contexts", "labels", "live_labels", "live_changes", "outcomes",
    "outcome_times", "pending", "blocks", "customers", "missed", "terminal_days", "minutes", "evidence", "switch",
    "outbox", "dead", "workers", "meta",
)  # fmt: skip
ADDED: Final = frozenset({
    "events", "outcomes", "outcome_times", "customers", "missed", "terminal_days", "minutes",
})  # fmt: skip
"""Databases that a store of an earlier version does not have until it is opened."""
