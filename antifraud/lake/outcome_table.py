"""The table of outcomes of payments, which the scorer's clients tell (`POST /v1/outcomes`)."""

from typing import Final

from antifraud.lake.table_format import Column, Table

OUTCOMES: Final = Table(
    "outcomes",
    "Outcomes of payments that the scorer has decided. Totals and features leave out payments that were declined "
    "before their day was closed: the ones with `effect` removed, unless a later row says restored.",
    ("day",),
    ("store", "sequence"),
    (
        Column("day", "date", "UTC day of the event"),
        Column("store", "string", "identity of the decision store"),
        Column("sequence", "bigint", "order of arrival in the store"),
        Column("namespace", "string", "namespace of the transaction id; empty for the common one"),
        Column("transaction_id", "string", "id of the transaction as the scorer knows it"),
        Column("event_time", "bigint", "when it happened, as the client said", unit="UTC seconds"),
        Column("arrival", "bigint", "arrival number of the decision that it is about"),
        Column("after", "bigint", "largest arrival number when it came: only later decisions can see its effect"),
        Column("outcome", "string", "authorised, declined, challenge_passed or challenge_failed"),
        Column("happened_at", "bigint", "when it happened, as the client said", unit="UTC seconds"),
        Column("received_at", "bigint", "business time at which the scorer took it", unit="UTC seconds"),
        Column("source", "string", "name of the client"),
        Column("effect", "string", "removed, restored, late (not applied) or none"),
    ),
)
