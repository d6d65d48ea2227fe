"""The tables that the scorer's decision store is shipped to (`serving/shipper/`).

Their days are those of the events. Rows are only ever appended, so `runs` knows nothing of them. How far a store has
been shipped to a table is a property of the table (`antifraud/lake/appending.py`).
"""

from typing import Final

from antifraud.lake.table_format import Column, Table

STORE: Final = Column("store", "string", "identity of the decision store")
NAMESPACE_OF_IDS: Final = Column("namespace", "string", "namespace of the transaction id; empty for the common one")
SCORER_ID: Final = Column("transaction_id", "string", "id of the transaction as the scorer knows it")
EVENT_DAY: Final = Column("day", "date", "UTC day of the event")
EVENT_TIME: Final = Column("event_time", "bigint", "when it happened, as the client said", unit="UTC seconds")

DECISIONS: Final = Table(
    "decisions",
    "Decisions of the scorer, with the vectors that it has decided on. A row is never changed.",
    ("day",),
    ("store", "arrival"),
    (
        EVENT_DAY,
        STORE,
        Column("arrival", "bigint", "arrival number: the place in the order of the store's decisions"),
        Column("decision_id", "string", "id of the decision, as in the answer"),
        NAMESPACE_OF_IDS,
        SCORER_ID,
        EVENT_TIME,
        Column("decided_at", "bigint", "business time of the decision", unit="UTC seconds"),
        Column("customer", "string", "token of the customer", "token"),
        Column("terminal", "string", "token of the terminal", "token"),
        Column("amount", "bigint", "amount of the transaction", "amount", "minor units"),
        Column("vector", "array<double>", "features in the order of the release's manifest; NaN for null", "amount"),
        Column("release", "string", "release that has scored; empty if the rules have decided alone"),
        Column("score", "int", "risk", unit="parts per million", null="the rules have decided alone"),
        Column("threshold", "int", "threshold of the release", unit="parts per million"),
        Column("mode", "string", "mode of the switch"),
        Column("epoch", "bigint", "epoch of the switch"),
        Column("cutoff", "date", "cut-off of the state that the features start from"),
        Column("would_flag", "boolean", "whether the score is above the threshold"),
        Column("flagged", "boolean", "whether the client was told so"),
        Column("effect", "string", "approve, review or flag: what the client was told"),
        Column("policy", "bigint", "version of the policy; 0 for none"),
        Column("hits", "string", "ids of the rules that were hit, in the order of the policy, separated by commas"),
        Column("propensity", "double", "probability that the payment was not blocked, so that it could get a label"),
        Column("counted", "boolean", "whether it counts in the history of later events"),
        Column("history_complete", "boolean", "whether all features were known"),
        Column("era", "bigint", "era of evidence: the epoch with which it began"),
    ),
)
CLIENT_LABELS: Final = Table(
    "client_labels",
    "Labels that clients have sent to the scorer. With the feed's they say what is known of a transaction.",
    ("day",),
    ("store", "sequence"),
    (
        EVENT_DAY,
        STORE,
        Column("sequence", "bigint", "order of arrival in the store"),
        NAMESPACE_OF_IDS,
        SCORER_ID,
        EVENT_TIME,
        Column("terminal", "string", "token of the terminal", "token"),
        Column("arrival", "bigint", "arrival number of the decision that it is about"),
        Column("after", "bigint", "largest arrival number when it came: only later decisions can have seen it"),
        Column("status", "string", "fraud, legitimate or unknown"),
        Column("learned_at", "bigint", "when it became known, as the client said", unit="UTC seconds"),
        Column("source", "string", "name of the client"),
        Column("propensity", "double", "probability that the transaction got a label; less than 1 for a sample"),
        Column("received_at", "bigint", "business time at which the scorer took it", unit="UTC seconds"),
    ),
)
SWITCH_HISTORY: Final = Table(
    "switch_history",
    "Changes of the switch.",
    ("day",),
    ("store", "epoch"),
    (
        Column("day", "date", "UTC day of the change, in business time"),
        STORE,
        Column("epoch", "bigint", "number of the change"),
        Column("changed_at", "bigint", "business time of the change", unit="UTC seconds"),
        Column("mode", "string", "mode after the change"),
        Column("reason", "string", "reason that was given"),
        Column("changed_by", "string", "client, or process, that changed it"),
        Column("record", "string", "the switch after the change, as the store keeps it; JSON"),
    ),
)

SHIPPED_TABLES: Final = (DECISIONS, CLIENT_LABELS, SWITCH_HISTORY)
