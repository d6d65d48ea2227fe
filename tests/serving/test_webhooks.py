"""Webhooks arrive signed and at least once, whatever other subscribers, their names or their servers do."""

import asyncio
import contextlib
import json
import socket
import time

import pytest

from antifraud.client import verify_webhook
from antifraud.errors import CourierFailed, NotTaken, SettingsError, StoreFull
from antifraud.keys.endpoints import parse_endpoint, parse_networks
from antifraud.keys.subscribers import Subscriber, add_subscriber, load_subscribers, remove_subscriber, rotate_secret
from antifraud.killswitch.machine import Mode, Order
from antifraud.settings.serving import GuardSettings
from serving.guard.__main__ import main
from serving.guard.courier import Courier
from serving.guard.following import SubscriberFile
from serving.guard.schedule import is_due, is_over, pause_after
from serving.guard.sending import send
from serving.store.records import Delivery
from serving.store.store import open_store
from tests.receivers import dripping, receiver, seconds_of
from tests.serving.processes import guard_process, wait_for
from tests.serving.scene import SilentLog, init_store

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
DEAD_PORT = "http://127.0.0.1:9/"


def subscriber_at(url, name="ops", networks=()):
    return Subscriber(name, url, (SECRET,), parse_endpoint(url, networks))


@pytest.fixture
def store(tmp_path):
    init_store(tmp_path)
    opened = open_store(GuardSettings(home=tmp_path, store_wait_seconds=30.0))
    yield opened
    opened.close()


def suspend(store, epoch=1):
    store.change_switch(Order(mode=Mode.SUSPENDED, expected_epoch=epoch, reason="a drill", by="boss", at=60))


class Couriers:
    """Couriers of one store, all of which are stopped at the end; a pause between attempts takes no time."""

    def __init__(self, store):
        self.store, self.log, self.all = store, SilentLog(), []

    def start(self, *subscribers, pause=lambda *_: 0.0):
        """Start a courier with these subscribers."""
        by_name = {each.name: each for each in subscribers}
        courier = Courier(self.store.outbox, lambda: by_name, (), self.log, pause)
        courier.start(on_failure=lambda: None)
        self.all.append(courier)
        return courier

    def lines(self, event):
        """The fields of all lines about an event."""
        return [fields for _, said, fields in self.log.lines if said == event]


@pytest.fixture
def couriers(store):
    made = Couriers(store)
    yield made
    for courier in made.all:
        courier.stop()


def idle(store):
    return lambda: store.sizes()["outbox"] == 0


def test_pauses_double_up_to_an_hour_and_end_after_72_hours():
    """The first pause is at most five seconds; half of each pause is left to chance."""
    assert [pause_after(n, 1.0) for n in (1, 2, 3, 10, 11, 1_000)] == [5, 10, 20, 2_560, 3_600, 3_600]
    assert [pause_after(n, 0.0) for n in (1, 11)] == [2.5, 1_800]
    queued = Delivery("ops", "switch-1", b"{}", queued_at=0.0, due=100.0)
    assert [is_over(queued, 72 * 3_600), is_over(queued, 72 * 3_600 + 1)] == [False, True]


def test_a_delivery_is_due_at_its_time_and_after_a_clock_was_set_back():
    """A due time that lies further ahead than any pause comes from another clock."""
    queued = Delivery("ops", "switch-1", b"{}", queued_at=0.0, due=100_000.0)

    assert [is_due(queued, now) for now in (99_999.0, 100_000.0, 96_500.0, 1_000.0)] == [False, True, False, True]


def test_every_subscriber_gets_the_change_signed_by_its_own_secrets(store, couriers):
    """The signature of one subscriber is none for another, and during a rotation two secrets sign."""
    other = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90"
    with receiver() as first, receiver(503, 204) as second:
        suspend(store)
        ops = Subscriber("ops", first.url, (SECRET,), parse_endpoint(first.url, ()))
        audit = Subscriber("audit", second.url, (other, SECRET), parse_endpoint(second.url, ()))
        couriers.start(ops, audit)
        wait_for(idle(store), "both deliveries", 20)

    ((headers, body),), ((_, _), (later, same)) = first.received, second.received
    assert verify_webhook(SECRET, headers, body).id == "switch-00000002-60"
    assert [verify_webhook(secret, later, same).switch["mode"] for secret in (SECRET, other)] == ["SUSPENDED"] * 2
    assert len(later["webhook-signature"].split()) == 2
    assert json.loads(body)["type"] == "antifraud.switch.changed"
    assert sorted(line["subscriber"] for line in couriers.lines("webhook delivered")) == ["audit", "ops"]
    (refused,) = couriers.lines("webhook not taken")
    assert (refused["subscriber"], refused["reason"]) == ("audit", "the subscriber answered 503, expected 2xx")


def test_a_dripping_and_a_dead_subscriber_delay_neither_others_nor_the_end(store, couriers):
    """The good one has its delivery at once, and the courier stops within a second in the middle of an attempt."""
    with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as slow, receiver() as good:
        suspend(store)
        names = subscriber_at(slow.url, "slow"), subscriber_at(DEAD_PORT, "dead"), subscriber_at(good.url, "good")
        courier = couriers.start(*names)
        assert seconds_of(lambda: wait_for(lambda: good.received, "the delivery", 9)) < 5
        wait_for(lambda: len(store.outbox.deliveries()) == 2, "the others to wait", 9)

        assert seconds_of(courier.stop) < 2
        assert [each.subscriber for each in store.outbox.deliveries()] == ["dead", "slow"]


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\nX-Slow: ",), (b"HTTP/1.1 100 Continue\r\n\r\n",)])
def test_an_attempt_has_a_limit_for_its_whole_time(pieces):
    """A server that sends a byte now and then never makes a single wait too long, so the sum is limited."""
    with dripping(*pieces) as slow:
        began = time.monotonic()
        with pytest.raises(NotTaken, match=r"did not answer within 1 s|could not be reached"):
            asyncio.run(send(subscriber_at(slow.url), {}, "{}", (), limit=1.0))

    assert time.monotonic() - began < 3


NO_ANSWERS = [b"\x00\xff\r\n", b"HTTP/1.1 302 x\r\nLocation: \xff\r\n\r\n", b"HTTP/1.1 999\r\n\r\n", b"x" * 200_000]


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=["bytes", "redirect", "status", "long"])
def test_an_answer_that_makes_no_sense_fails_the_attempt_alone(answer):
    """Whatever a server says, the attempt ends as one that was not taken, and no other error leaves it."""
    with dripping(answer) as odd, pytest.raises(NotTaken, match="the subscriber"):
        asyncio.run(send(subscriber_at(odd.url), {}, "{}", (), limit=2.0))


def test_an_answer_without_an_end_is_taken_by_its_status():
    """A 200 with an endless body is a delivery."""
    with dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") as slow:
        assert asyncio.run(send(subscriber_at(slow.url), {}, "{}", (), limit=5.0)) is None


def test_a_resolver_that_hangs_is_cut_too(monkeypatch):
    """The look-up of the name counts in the limit, and its thread does not hold up the end."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2) or [])

    began = time.monotonic()
    with pytest.raises(NotTaken, match="did not answer within"):
        asyncio.run(send(subscriber_at("https://ops.example/"), {}, "{}", (), limit=0.3))
    assert time.monotonic() - began < 1.5


def test_redirects_are_not_followed():
    """A subscriber cannot send the guard elsewhere."""
    with receiver() as elsewhere, receiver(302, Location=elsewhere.url) as moved:
        with pytest.raises(NotTaken, match="answered 302, expected 2xx"):
            asyncio.run(send(subscriber_at(moved.url), {}, "{}", ()))
        assert elsewhere.received == []


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """A proxy would look the name up again, after it was checked."""
    with receiver() as proxy, receiver() as ops:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        asyncio.run(send(subscriber_at(ops.url), {}, "{}", ()))
        assert (len(proxy.received), len(ops.received)) == (0, 1)


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "10.0.0.1"]])
def test_a_name_that_leads_into_the_own_network_is_not_called(monkeypatch, addresses):
    """The look-up is checked at every attempt; one bad address among good ones is enough."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(NotTaken, match="private or reserved address") as caught:
        asyncio.run(send(subscriber_at("https://ops.example/s3cret"), {}, "{}", ()))
    assert "s3cret" not in str(caught.value)


def test_the_checked_address_is_the_one_that_is_called(monkeypatch):
    """The name is looked up once; a resolver that changes its answer changes nothing. The Host is still the name."""
    looked_up = []
    answers = [[("127.0.0.1",)], [("10.0.0.1",)]]

    def look_up(host, *_, **__):
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in answers[len(looked_up) - 1]]

    with receiver() as ops:
        url = f"http://localhost:{ops.server_port}/hook"
        with monkeypatch.context() as changed:
            changed.setattr(socket, "getaddrinfo", look_up)
            asyncio.run(send(subscriber_at(url), {}, "{}", ()))
    ((headers, _),) = ops.received
    assert (looked_up, headers["host"]) == (["localhost"], f"localhost:{ops.server_port}")


def test_an_address_that_drops_all_packets_leaves_time_for_the_next(monkeypatch):
    """If the first of two addresses never answers, the attempt goes on with the second before its time is over."""
    with receiver() as ops, contextlib.ExitStack() as held:
        address = ("127.0.0.2", ops.server_port)
        held.enter_context(socket.create_server(address, backlog=0))
        for _ in range(4):
            # The queue of the listening socket is full after these, so the system drops further attempts.
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in ("127.0.0.2", "127.0.0.1")]
        with monkeypatch.context() as changed:
            changed.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
            asyncio.run(send(subscriber_at(f"http://localhost:{ops.server_port}/"), {}, "{}", (), limit=4.0))
    assert len(ops.received) == 1


def test_two_couriers_send_once(store, couriers):
    """The one with the lease sends; when it has stopped, the other goes on."""
    with receiver() as ops:
        suspend(store)
        first = couriers.start(subscriber_at(ops.url))
        wait_for(idle(store), "the first delivery", 20)
        couriers.start(subscriber_at(ops.url))
        store.change_switch(Order(mode=Mode.SERVING, expected_epoch=2, reason="over", by="boss", at=61))
        wait_for(idle(store), "the second delivery", 20)
        assert len(ops.received) == 2

        first.stop()
        suspend(store, epoch=3)
        wait_for(idle(store), "the third delivery", 20)

    ids = [headers["webhook-id"] for headers, _ in ops.received]
    assert ids == ["switch-00000002-60", "switch-00000003-61", "switch-00000004-60"]


def test_a_restart_keeps_the_schedule(store, couriers):
    """The attempts and the time of the next one are in the store; nothing is sent before that time."""
    with receiver(503) as ops:
        suspend(store)
        couriers.start(subscriber_at(ops.url), pause=lambda *_: 600.0)
        wait_for(lambda: couriers.lines("webhook not taken"), "the first attempt", 20)
        couriers.all.pop().stop()
        (waiting,) = store.outbox.deliveries()
        assert (waiting.attempts, 590 < waiting.due - time.time() <= 600) == (1, True)
        assert waiting.reason == "the subscriber answered 503, expected 2xx"

        couriers.start(subscriber_at(ops.url))
        time.sleep(1)
        assert (len(ops.received), store.outbox.deliveries()) == (1, [waiting])


def test_a_webhook_that_nobody_takes_becomes_a_dead_letter_and_can_be_sent_again(store, couriers):
    """After 72 hours it is given up; when it is queued again, the running courier sends it."""
    with receiver(503, 204) as ops:
        suspend(store)
        old = time.time() - 72 * 3_600
        epoch = store.outbox.take_lease("past", old, 10.0)
        store.outbox.queue_notifications(epoch, ["ops"], old)
        couriers.start(subscriber_at(ops.url), pause=lambda *_: 1.0)
        wait_for(store.outbox.dead_letters, "the dead letter", 20)
        assert store.outbox.deliveries() == []
        (given_up,) = couriers.lines("webhook given up")
        assert given_up["reason"] == "the subscriber answered 503, expected 2xx"
        (letter,) = store.outbox.dead_letters()
        assert (letter.subscriber, letter.notification, letter.attempts) == ("ops", "switch-00000002-60", 1)

        store.outbox.redeliver([letter], time.time())
        wait_for(idle(store), "the second try", 20)
    assert (len(ops.received), store.outbox.dead_letters()) == (2, [])


def run(home, *arguments):
    return main(list(arguments), {"ANTIFRAUD_HOME": str(home)})


def test_commands_list_dead_letters_and_queue_them_again(store, tmp_path, capsys):
    """One of them by its id, or all; an id that is none ends with the code of a settings error."""
    suspend(store)
    epoch = store.outbox.take_lease("past", 0.0, 10.0)
    store.outbox.queue_notifications(epoch, ["ops", "audit"], 0.0)
    for delivery in store.outbox.deliveries():
        store.outbox.settle(epoch, delivery, given_up_because="nobody there")
    store.close()

    assert run(tmp_path, "dead-letters") == 0
    assert capsys.readouterr().out.splitlines() == [
        "audit  switch-00000002-60  1970-01-01T00:00:00+00:00  0 attempts  nobody there",
        "ops    switch-00000002-60  1970-01-01T00:00:00+00:00  0 attempts  nobody there",
    ]
    assert run(tmp_path, "redeliver", "--notification", "switch-9") == 10
    assert run(tmp_path, "redeliver", "--notification", "switch-00000002-60", "--subscriber", "ops") == 0
    assert run(tmp_path, "redeliver", "--all") == 0
    assert run(tmp_path, "redeliver", "--all") == 0
    out = capsys.readouterr()
    assert out.out.splitlines() == ["queued 1 again", "queued 1 again", "queued 0 again"]
    assert out.err == "error: there is no such dead letter: `python -m serving.guard dead-letters` lists them\n"


def test_a_test_ping_says_whether_the_subscriber_took_it(tmp_path, capsys):
    """It is signed as every event and has a type of its own; a refusal ends with an exit code."""
    path = GuardSettings(home=tmp_path).subscribers_path
    with receiver(204, 500) as ops:
        secret = add_subscriber(path, "ops", ops.url, ()).read_text().strip()
        assert [run(tmp_path, "ping", "ops"), run(tmp_path, "ping", "ops"), run(tmp_path, "ping", "audit")] == [
            0, NotTaken.exit_code, SettingsError.exit_code,
        ]  # fmt: skip

    event = verify_webhook(secret, *ops.received[0])
    assert (event.type, event.switch) == ("antifraud.ping", {})
    out = capsys.readouterr()
    assert out.out == f"ops took the test event {event.id}\n"
    assert "the subscriber answered 500, expected 2xx" in out.err


def test_the_guard_follows_the_file_of_subscribers(tmp_path):
    """A rotation and a removal count without a restart; a broken file changes nothing, and is logged once."""
    log, path = SilentLog(), GuardSettings(home=tmp_path).subscribers_path
    file = SubscriberFile(path, (), log)
    assert file.current() == {}
    add_subscriber(path, "ops", DEAD_PORT, ())
    rotate_secret(path, "ops", ())
    assert len(file.current()["ops"].secrets) == 2

    whole = path.read_text()
    path.write_text("{")
    assert [len(file.current()["ops"].secrets) for _ in range(2)] == [2, 2]
    assert [event for level, event, _ in log.lines if level == "error"] == ["subscribers not usable"]
    path.write_text(whole)
    remove_subscriber(path, "ops", ())
    assert file.current() == load_subscribers(path, ()) == {}


def test_a_file_of_subscribers_that_is_away_for_a_while_changes_nothing(tmp_path):
    """Deliveries must not become dead letters because somebody moves the file; a new mode is seen like new content."""
    log, path = SilentLog(), GuardSettings(home=tmp_path).subscribers_path
    add_subscriber(path, "ops", DEAD_PORT, ())
    file = SubscriberFile(path, (), log)
    path.rename(path.with_name("aside"))
    assert [list(file.current()) for _ in range(2)] == [["ops"], ["ops"]]
    path.mkdir()
    assert list(file.current()) == ["ops"]
    path.rmdir()
    path.with_name("aside").rename(path)
    assert list(file.current()) == ["ops"]
    path.chmod(0o640)
    assert list(file.current()) == ["ops"]
    assert [said for _, said, _ in log.lines] == ["subscribers not usable"] * 2 + ["subscribers read"] * 2


def test_news_for_nobody_is_not_called_delivered(store, couriers):
    """Without subscribers a change is dropped, and the log says so."""
    suspend(store)
    couriers.start()
    wait_for(idle(store), "an empty outbox", 20)

    assert couriers.lines("webhook delivered") == []
    (line,) = couriers.lines("nobody to tell")
    assert (line["notifications"], store.outbox.dead_letters()) == (["switch-00000002-60"], [])


def test_trouble_with_the_store_is_logged_once_and_ends_nothing(store, couriers, monkeypatch):
    """The courier tries again in every round, and delivers when the store can be written again."""
    with receiver() as ops:
        suspend(store)
        with monkeypatch.context() as full:
            full.setattr(store.outbox, "begin_attempt", refuse)
            couriers.start(subscriber_at(ops.url))
            wait_for(lambda: couriers.lines("outbox not usable"), "the trouble", 20)
            time.sleep(1)
            assert (len(couriers.lines("outbox not usable")), ops.received) == (1, [])
        wait_for(idle(store), "the delivery", 20)
    assert len(ops.received) == 1


def refuse(*_):
    raise StoreFull("the decision store is full")


def test_a_defect_of_the_courier_ends_the_guard(store):
    """The thread says where it failed and wakes the process, which then refuses to go on."""
    log, told = SilentLog(), []
    courier = Courier(store.outbox, lambda: {}["no"], (), log)
    courier.start(on_failure=lambda: told.append("failed"))
    wait_for(lambda: told, "the failure", 20)
    courier.stop()

    with pytest.raises(CourierFailed, match=r"ended by a defect \(KeyError\)"):
        courier.require_alive()
    ((level, event, fields),) = log.lines
    assert (level, event, fields["error"]) == ("error", "courier failed", "KeyError")
    assert "test_webhooks.py" in fields["where"]


def test_sigterm_ends_a_guard_in_the_middle_of_an_attempt(tmp_path):
    """A dripping subscriber does not hold it up, and the delivery waits for the next start."""
    init_store(tmp_path)
    store = open_store(GuardSettings(home=tmp_path, store_map_bytes=1 << 28))
    with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as slow:
        add_subscriber(GuardSettings(home=tmp_path).subscribers_path, "slow", slow.url, ())
        suspend(store)
        with guard_process(tmp_path) as process:
            wait_for(lambda: [d for d in store.outbox.deliveries() if d.attempts], "an attempt", 20)
            process.terminate()
            assert seconds_of(lambda: process.wait(timeout=9)) < 4
        assert process.returncode == 0
    assert [each.attempts for each in store.outbox.deliveries()] == [1]
    store.close()


def test_a_private_network_can_be_allowed(monkeypatch):
    """The setting reaches the check of the addresses that a name leads to."""
    networks = parse_networks("10.0.0.0/8")
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.255.255.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(NotTaken, match=r"did not answer within|could not be reached"):
        asyncio.run(send(subscriber_at("https://ops.internal/"), {}, "{}", networks, limit=0.3))
