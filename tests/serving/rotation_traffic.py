"""Clients of a real scorer while the token key rotates: each goes over to the new key at a moment of its own."""

import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from antifraud.keys.pseudonym import tokenise

CLIENTS = 6
PAUSE_SECONDS = 0.01
OLD, NEW = "k1", "k2"


@dataclass
class Clients:
    """Clients that decide payments of the same few customers and terminals, and repeat each fourth request.

    `now` is the business time of the payments. `keys` has the key of each client. Repeats have tokens of one of
    `repeat_keys`. `answers` are the decisions by id, `refusals` all other answers, and `differing` the ids of repeats
    that got another answer.
    """

    gunicorn: object
    ring: dict
    now: int
    customers: tuple
    terminals: tuple
    keys: list = field(default_factory=lambda: [OLD] * CLIENTS)
    repeat_keys: tuple = (OLD,)
    answers: dict = field(default_factory=dict)
    refusals: list = field(default_factory=list)
    differing: list = field(default_factory=list)
    repeated: int = 0

    def payment(self, number, key_id):
        """A payment by its number, with tokens of a key."""
        key = self.ring[key_id]
        return {
            "transaction_id": f"p-{number}",
            "event_time": self.now - number % 1_800,
            "customer": tokenise(key, "customer", self.customers[number % len(self.customers)]),
            "terminal": tokenise(key, "terminal", self.terminals[number % len(self.terminals)]),
            "amount": 100 + number,
        }

    @contextmanager
    def at_work(self):
        """Let all clients work until the block ends."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._work, args=(place, stop)) for place in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _work(self, place, stop):
        headers = {"Authorization": f"Bearer {self.gunicorn.tokens['client']}"}
        keys = itertools.cycle((OLD, NEW))
        with httpx.Client(base_url=self.gunicorn.url, headers=headers, timeout=30) as http:
            for number in itertools.count(place, CLIENTS):
                if stop.is_set():
                    return
                self._decide(http, number, self.keys[place])
                if number // CLIENTS % 4 == 3:
                    self._repeat(http, number - 2 * CLIENTS, next(keys))
                time.sleep(PAUSE_SECONDS)

    def _decide(self, http, number, key_id):
        answer = http.post("/v1/decisions", json=self.payment(number, key_id))
        if answer.status_code == 200:
            self.answers[number] = answer.content
        else:
            self.refusals.append((number, answer.status_code, answer.text))

    def _repeat(self, http, number, key_id):
        if key_id not in self.repeat_keys:
            return
        self.repeated += 1
        if http.post("/v1/decisions", json=self.payment(number, key_id)).content != self.answers.get(number):
            self.differing.append(number)

    def wait_for(self, count):
        """Wait until so many more decisions were made."""
        wanted = len(self.answers) + count
        deadline = time.monotonic() + 60
        while len(self.answers) < wanted and not self.refusals:
            assert time.monotonic() < deadline, "the clients got no answers"
            time.sleep(0.05)

    def statuses(self, key_id, first):
        """The statuses of twenty new payments with tokens of a key: enough to reach both workers."""
        payments = [self.payment(first + place, key_id) for place in range(20)]
        return {self.gunicorn.post("/v1/decisions", payment).status_code for payment in payments}


def go_over(clients, rotate, *, probe=1_000_000):
    """Rotate under traffic: decide with the old key, rotate, let one client after the other take the new key."""
    probes = itertools.count(probe, 1_000)
    with clients.at_work():
        clients.wait_for(60)
        rotate()
        deadline = time.monotonic() + 30
        while clients.statuses(NEW, next(probes)) != {200}:
            assert time.monotonic() < deadline, "the new key is not taken"
        clients.repeat_keys = (OLD, NEW)
        for place in range(CLIENTS):
            clients.keys[place] = NEW
            clients.wait_for(30)
        clients.wait_for(60)
