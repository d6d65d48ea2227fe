"""A transaction over Redis: what it reads, guesses, changes and takes back, without a Redis."""

import pytest

from serving.store.keys import integer_of, key_of
from serving.store.redis import RedisView
from serving.store.redis_recent import MOST, Recent
from serving.store.redis_server import NONE, Commit, Reading, Record
from serving.store.redis_transaction import PAGE, Numbers, Transaction

V1, V2 = key_of(1), key_of(2)


class Server:
    """Redis as a dictionary; it counts the calls."""

    def __init__(self, records=None):
        self.records, self.calls, self.commits = dict(records or {}), 0, []
        self.moment, self.answer = V1, Commit(V2, [], [])

    def read(self, addresses, pieces=()):
        """Answer as Redis does."""
        self.calls += 1
        found = [self.records.get(address, Record(NONE, None)) for address in addresses]
        return Reading(self.moment, found, [self.between(piece) for piece in pieces])

    def between(self, piece):
        """Return the records of a piece."""
        keys = sorted(key for name, key in self.records if name == piece.database)
        wanted = [key for key in keys if piece.first <= key and (piece.stop is None or key < piece.stop)]
        return [(key, self.records[piece.database, key]) for key in wanted[: piece.limit]]

    def count(self, database):
        """Return the number of keys."""
        return sum(name == database for name, _ in self.records)

    def commit(self, words, *, when_full):
        """Note the words of a commit, and give the answer that the test has set."""
        self.commits.append((words, when_full))
        return self.answer


def transaction(server, recent=None, *, guesses=True):
    return Transaction(server, recent or Recent(), guesses=guesses)


def test_a_record_is_read_once_and_its_version_goes_to_the_commit():
    """A second look at it costs no call, and the commit names the version that was read."""
    server = Server({("live", b"a"): Record(V1, b"old")})
    changing = transaction(server)

    assert (changing.get("live", b"a"), changing.get("live", b"a"), server.calls) == (b"old", b"old", 1)
    changing.put("live", b"a", b"new")
    assert changing.get("live", b"a") == b"new"
    assert changing.commit(when_full=True) == {}

    ((words, when_full),) = server.commits
    assert words[:4] == [1, "live", b"a", V1]
    assert words[-5:] == [1, "put in order", "live", b"a", b"new"]
    assert when_full


def test_what_was_written_is_the_next_guess():
    """A process that writes a record again needs no reading; a view for reading asks Redis."""
    server, recent = Server(), Recent()
    changing = transaction(server, recent)
    changing.put("live", b"a", b"new")
    changing.commit(when_full=False)

    assert (transaction(server, recent).get("live", b"a"), server.calls) == (b"new", 0)
    assert (transaction(server, recent, guesses=False).get("live", b"a"), server.calls) == (None, 1)


def test_a_refused_commit_corrects_the_guess():
    """The answer has the record as it is now, so the next attempt reads nothing."""
    server, recent = Server(), Recent()
    recent.records["live", b"a"] = Record(V1, b"stale")
    changing = transaction(server, recent)
    assert changing.get("live", b"a") == b"stale"
    server.answer = Commit(b"", [], [(("live", b"a"), Record(V2, b"fresh"))])

    assert changing.commit(when_full=False) is None

    assert (transaction(server, recent).get("live", b"a"), server.calls) == (b"fresh", 0)


def test_a_range_shows_own_changes_in_its_order():
    """Own records replace, add and remove; a range ends before its stop."""
    server = Server({("outbox", key): Record(V1, key) for key in (b"b", b"d", b"f", b"h")})
    changing = transaction(server)
    for key, value in ((b"a", b"1"), (b"d", b"2"), (b"f", None), (b"g", b"3"), (b"z", b"4")):
        changing.put("outbox", key, value)

    assert list(changing.items("outbox", b"", b"h")) == [(b"a", b"1"), (b"b", b"b"), (b"d", b"2"), (b"g", b"3")]
    assert [key for key, _ in changing.items("outbox", b"c", None)] == [b"d", b"g", b"h", b"z"]
    changing.clear("outbox")
    changing.put("outbox", b"n", b"new")
    assert list(changing.items("outbox", b"", None)) == [(b"n", b"new")]
    assert (changing.get("outbox", b"b"), changing.count("outbox")) == (None, 1)


def test_a_long_range_is_read_in_pages_and_checked_as_far_as_it_was_read():
    """Whoever stops early depends on the keys up to there, and on none behind."""
    server = Server({("events", key_of(number)): Record(V1, b"") for number in range(PAGE + 5)})
    whole, part = transaction(server), transaction(server)

    assert len(list(whole.items("events", b"", None))) == PAGE + 5
    reading = part.items("events", b"", None)
    next(reading)
    assert server.calls == 3

    whole.commit(when_full=False)
    part.commit(when_full=False)
    (all_words, _), (few_words, _) = server.commits
    place = 1 + 3 * (PAGE + 5)
    assert all_words[place : place + 5] == [1, "events", b"-", b"+", PAGE + 5]
    assert few_words[4:10] == [1, "events", b"-", b"[" + key_of(0), 1, key_of(0)]


def test_a_view_for_reading_sees_no_later_arrivals():
    """Whatever was appended after its first read belongs to none of the records that it has read."""
    server = Server({("stubs", key_of(1)): Record(V1, b"a"), ("meta", b"x"): Record(V1, key_of(7))})
    reading = transaction(server, guesses=False)
    reading.get("meta", b"x")
    server.records["stubs", key_of(2)] = Record(V2, b"b")

    assert list(reading.items("stubs", b"", None)) == [(key_of(1), b"a")]
    assert len(list(transaction(server).items("stubs", b"", None))) == 2


def test_changes_are_taken_back_to_where_they_began():
    """A job that fails leaves the changes of the jobs before it, and no number is missing."""
    changing = transaction(Server())
    view = RedisView(changing)
    first = view.next_number("arrival")
    view.put("live", b"a", b"1")
    changing.forget_undo()
    view.next_number("arrival")
    view.put("live", b"a", b"2")
    view.put("live", b"b", b"3")
    view.clear("switch")
    view.delete("live", b"c")

    changing.undo()

    assert (changing.get("live", b"a"), changing.get("live", b"b")) == (b"1", None)
    assert changing.numbers.raised == {"arrival": 1}
    assert view.latest_number("arrival") == first
    assert view.number("arrival") == 1


def test_marks_stand_for_numbers_in_their_order():
    """The function answers a number for each mark; `latest` is that of the last one given out."""
    numbers = Numbers()
    marks = [numbers.latest("labels"), numbers.next("arrival"), numbers.next("arrival"), numbers.latest("arrival")]

    assert marks[2] == marks[3]
    assert all(mark >= 1 << 63 and key_of(mark).startswith(numbers.mark) for mark in marks)
    assert numbers.words() == [2, "labels", 0, "arrival", 2, 3, 1, 0, 2, 1, 2, 2]
    assert numbers.resolve([key_of(4), key_of(11), key_of(12)]) == dict(zip(marks, (4, 11, 12, 12), strict=True))


def test_a_thousand_marks_are_different():
    """A request may have a thousand labels, each with a number of its own."""
    numbers = Numbers()

    assert len({numbers.next("labels") for _ in range(1_000)}) == 1_000
    assert integer_of(numbers.mark + (1_000).to_bytes(2, "big")) == numbers.latest("labels")


@pytest.mark.parametrize(("key", "stays"), [(b"b", False), (b"a", True), (b"d", True)])
def test_a_new_key_makes_a_range_unknown(key, stays):
    """A range is a guess as long as its keys are the same; its end lies outside."""
    recent = Recent()
    recent.note_span(("live_changes", b"b", b"d"), [(b"c", Record(V1, b"x"))])

    recent.forget_spans("live_changes", key)

    assert (recent.find_span(("live_changes", b"b", b"d")) is not None) == stays


def test_what_is_known_stays_small():
    """A guard that reads a million decisions keeps no million records."""
    recent = Recent()
    for number in range(MOST + 1):
        recent.records["live", key_of(number)] = Record(V1, b"")

    recent.keep_small()

    assert recent.records == {}
