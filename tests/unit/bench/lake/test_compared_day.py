"""The benchmarks' two other ways to features, DuckDB's query and gathered histories, agree on small worlds."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from functools import reduce

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of
from antifraud.features.buckets import EMPTY, Bucket, bucket_of
from antifraud.features.labels import Change, Counts, LabelHistory, changes_of
from bench.lake.comparison import compare
from bench.lake.features_sql import features_query
from bench.lake.gathered import ComparedDay, label_histories

DAY = 100
DELAY = 7
TODAY = (DAY * DAY_SECONDS, (DAY + 1) * DAY_SECONDS)
BUCKET = pa.struct([
    ("tx_count", pa.int64()), ("amount_sum", pa.int64()), ("amount_sum_sq", pa.decimal128(38, 0)),
    ("amount_max", pa.int64()), ("last_time", pa.int64()),
])  # fmt: skip
CLEAN = pa.schema([
    ("day", pa.date32()), ("transaction_id", pa.int64()), ("event_time", pa.int64()), ("customer", pa.string()),
    ("terminal", pa.string()), ("amount", pa.int64()),
])  # fmt: skip
LABELS = pa.schema([
    ("transaction_id", pa.int64()), ("status", pa.string()), ("learned_at", pa.int64()), ("source", pa.string()),
    ("sequence", pa.int64()),
])  # fmt: skip
STATE = pa.schema([
    ("kind", pa.string()),
    ("entity", pa.string()),
    ("hours", pa.list_(pa.struct([("hour", pa.int32()), *BUCKET]))),
    ("closed_7d", BUCKET),
    ("closed_30d", BUCKET),
    *((name, pa.int64()) for name in ("known_7d", "fraud_7d", "known_30d", "fraud_30d")),
    ("label_hours", pa.list_(pa.struct([("hour", pa.int32()), ("known", pa.int64()), ("fraud", pa.int64())]))),
    ("last_legit", pa.int32()),
    ("streak", pa.list_(pa.struct([("hour", pa.int32()), ("fraud", pa.int64())]))),
    ("changes_ahead", pa.list_(pa.struct([
        ("hour", pa.int32()), ("since", pa.int32()), ("known", pa.int64()), ("fraud", pa.int64()),
    ]))),
])  # fmt: skip


def stored(path, rows, schema):
    """Write rows as Parquet and return the relation to select from."""
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return f"read_parquet('{path}')"


def transaction(number, hour, terminal, customer="c", amount=100, second=0):
    time = hour * HOUR_SECONDS + second
    return {
        "day": date_of(time // DAY_SECONDS), "transaction_id": number, "event_time": time, "customer": customer,
        "terminal": terminal, "amount": amount,
    }  # fmt: skip


def label(number, hour, status, source="feed", sequence=0, second=0):
    return {
        "transaction_id": number, "status": status, "learned_at": hour * HOUR_SECONDS + second, "source": source,
        "sequence": sequence,
    }  # fmt: skip


def compared_day(folder, transactions, labels, features):
    """Store transactions and their labels day by day."""
    days = range(DAY - 37, DAY)
    by_day = {day: [row for row in transactions if row["event_time"] // DAY_SECONDS == day] for day in days}
    clean = {day: stored(folder / f"clean-{day}", rows, CLEAN) for day, rows in by_day.items()}
    said = {}
    for day, rows in by_day.items():
        numbers = {row["transaction_id"] for row in rows}
        said[day] = stored(
            folder / f"labels-{day}", [row for row in labels if row["transaction_id"] in numbers], LABELS
        )
    return ComparedDay(clean, said, features, DAY, DELAY)


def test_labels_of_a_terminal_as_its_next_day_sees_them(tmp_path):
    """Places, corrections, the streak and the day's own news, of one terminal with seven payments and of a new one."""
    transactions = [
        transaction(1, 90 * 24, "t"),  # due in hour 2328
        transaction(2, 70 * 24, "t"),  # due in hour 1848
        transaction(3, 95 * 24, "t"),  # due in hour 2448
        transaction(4, 80 * 24, "t"),  # due in hour 2088
        transaction(5, 64 * 24, "t"),
        transaction(6, 98 * 24, "t"),
        transaction(7, 93 * 24, "new"),  # due in hour 2400, the first of the day
        transaction(8, 90 * 24, "elsewhere"),
        transaction(9, 75 * 24, "t"),  # due in hour 1968
    ]
    labels = [
        label(1, 2328, "legitimate", second=1),
        label(1, 2328, "fraud", second=2),
        label(1, 2350, "fraud", source="client"),
        label(2, 1848, "legitimate"),
        label(3, 2380, "fraud", source="client"),
        label(3, 2402, "legitimate", source="client"),
        label(3, 2448, "fraud"),
        label(4, 2088, "legitimate"),
        label(4, 2390, "fraud", source="client"),
        label(5, 1600, "fraud", source="client"),
        label(6, 2377, "unknown", source="client"),
        label(7, 2400, "fraud"),
        label(8, 2328, "fraud"),
        label(9, 1968, "fraud"),
    ]
    features = "(SELECT unnest(['t', 'new', 'unlabelled']) AS terminal)"
    with duckdb.connect() as database:
        found = label_histories(database, compared_day(tmp_path, transactions, labels, features))

    assert set(found) == {"t", "new"}
    assert found["t"].days == {99: Counts(2, 2), 92: Counts(3, 2)}
    assert found["t"].hours == {2380: Counts(1, 1)}
    assert found["t"].last_legit == 2088
    assert found["t"].streak == {2328: 1, 2380: 1}
    assert sorted(found["t"].changes) == [(2402, 2380, -1, -1), (2402, 2402, 1, 0)]
    assert found["new"] == LabelHistory.of(99, changes=[Change(2400, 2400, 1, 1)])


def random_world(seed):
    """Draw payments of 38 days at few terminals, most with a feed's label, some with entries of a client."""
    draw = random.Random(seed)  # noqa: S311
    transactions, labels = [], []
    for number in range(400):
        first, end = TODAY if number < 120 else ((DAY - 37) * DAY_SECONDS, DAY * DAY_SECONDS)
        time = draw.randrange(first, end)
        row = transaction(
            number, time // HOUR_SECONDS, f"t{draw.randrange(6)}", f"c{draw.randrange(9)}", draw.randrange(1, 10**6),
            time % HOUR_SECONDS,
        )  # fmt: skip
        transactions.append(row)
        status = draw.choice(("fraud", "legitimate"))
        feed = time + DELAY * DAY_SECONDS
        entries = [(feed, status, "feed", 0)] if draw.random() < 0.9 else []
        for sequence in range(draw.choice((0, 0, 0, 1, 3))):
            at = draw.choice((time + draw.randrange(20 * DAY_SECONDS), draw.randrange(*TODAY)))
            entries.append((at, draw.choice(("fraud", "legitimate", "unknown")), "client", sequence))
        if time < DAY * DAY_SECONDS:
            labels += [label(number, 0, said, source, sequence, at) for at, said, source, sequence in entries]
    return transactions, labels


def changes_by_terminal(transactions, labels):
    """Return all changes of earlier days' payments by terminal, by the definition of a single one."""
    found = defaultdict(list)
    for row in transactions:
        entries = [entry for entry in labels if entry["transaction_id"] == row["transaction_id"]]
        entries.sort(key=lambda entry: (entry["learned_at"], entry["source"], entry["sequence"]))
        said = [(entry["learned_at"], entry["status"]) for entry in entries]
        found[row["terminal"]] += changes_of(said, row["event_time"], DELAY)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_closed_labels_equal_all_changes_one_by_one(tmp_path, seed):
    """At every hour of the day, gathered histories see what the list of all changes shows."""
    transactions, labels = random_world(seed)
    terminals = "(SELECT 't' || unnest(range(6)) AS terminal)"
    with duckdb.connect() as database:
        found = label_histories(database, compared_day(tmp_path, transactions, labels, terminals))

    assert len(found) == 6
    for terminal, changes in changes_by_terminal(transactions, labels).items():
        naive = LabelHistory.of(0, changes=changes)
        for hour in range(DAY * 24, (DAY + 1) * 24):
            assert found[terminal].risk(hour * HOUR_SECONDS) == naive.risk(hour * HOUR_SECONDS)


def closed_state(transactions, labels):
    """Return the rows of the state before the day, by loops over payments and changes."""
    changes = changes_by_terminal(transactions, labels)
    return [
        {"kind": kind, "entity": entity, **buckets(transactions, kind, entity), **known(changes.get(entity, []))}
        for kind in ("customer", "terminal")
        for entity in {row[kind] for row in transactions if row["event_time"] < DAY * DAY_SECONDS}
    ]


def buckets(transactions, kind, entity):
    own = [
        (row["event_time"], row["amount"])
        for row in transactions
        if row[kind] == entity and row["event_time"] < DAY * DAY_SECONDS
    ]
    hours = defaultdict(lambda: EMPTY)
    for time, amount in own:
        if time >= (DAY - 1) * DAY_SECONDS:
            hours[time // HOUR_SECONDS] = hours[time // HOUR_SECONDS].plus(bucket_of(time, amount))
    closed = {
        f"closed_{days}d": reduce(
            Bucket.plus, (bucket_of(*each) for each in own if each[0] >= (DAY - days) * DAY_SECONDS), EMPTY
        )._asdict()
        for days in (7, 30)
    }
    return {"hours": [{"hour": hour, **bucket._asdict()} for hour, bucket in hours.items()], **closed}


def known(changes):
    first, today = (DAY - 30) * 24, DAY * 24
    closed = [change for change in changes if change.hour < today and change.since >= first]
    news = [change for change in closed if change.since == change.hour]
    last_legit = max((change.hour for change in news if not change.fraud), default=-1)
    hours, streak = Counter(), Counter()
    for change in closed:
        hours[change.since, "known"] += change.known
        hours[change.since, "fraud"] += change.fraud
    for change in news:
        if change.fraud and change.hour > last_legit:
            streak[change.hour] += change.fraud
    counts = {
        f"{name}_{days}d": sum(count for (at, of), count in hours.items() if of == name and at >= (DAY - days) * 24)
        for name in ("known", "fraud")
        for days in (7, 30)
    }
    yesterday = sorted({at for at, _ in hours if at >= today - 24})
    return counts | {
        "label_hours": [{"hour": at, "known": hours[at, "known"], "fraud": hours[at, "fraud"]} for at in yesterday],
        "last_legit": last_legit,
        "streak": [{"hour": at, "fraud": frauds} for at, frauds in sorted(streak.items())],
        "changes_ahead": [change._asdict() for change in sorted(changes) if today <= change.hour < today + 48],
    }


@pytest.fixture(scope="module", params=range(3))
def world(request, tmp_path_factory):
    """Store a random world and DuckDB's features of its last day; return the day and the path of the features."""
    folder = tmp_path_factory.mktemp("world")
    transactions, labels = random_world(100 + request.param)
    today = [row for row in transactions if row["event_time"] >= DAY * DAY_SECONDS]
    events = stored(folder / "events", today, CLEAN)
    state = stored(folder / "state", closed_state(transactions, labels), STATE)
    path = folder / "features"
    duckdb.sql(features_query(events, state)).write_parquet(str(path))
    return compared_day(folder, transactions, labels, f"read_parquet('{path}')"), len(today)


def test_the_query_equals_the_reference_with_gathered_histories(world):
    """No value differs between DuckDB's query from a state and the reference with histories from rows."""
    compared, rows = world

    assert rows == 120
    assert compare(compared) == (rows, 0)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("terminal_fraud_1d", "terminal_fraud_1d + 1"),
        ("terminal_fraud_share_30d", "terminal_fraud_share_30d * 1.0000001"),
        ("terminal_streak_age", "coalesce(terminal_streak_age, 0) + 1"),
    ],
)
def test_a_value_that_differs_in_one_row_is_found(world, name, changed):
    """A single deviation counts, however small."""
    compared, rows = world
    value = f"CASE WHEN transaction_id = 7 THEN {changed} ELSE {name} END AS {name}"
    spoilt = replace(compared, features=f"(SELECT * REPLACE ({value}) FROM {compared.features})")  # noqa: S608

    assert compare(spoilt) == (rows, 1)
