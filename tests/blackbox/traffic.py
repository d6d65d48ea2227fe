"""Requests of the black-box tests, and ways to send many of them."""

from concurrent.futures import ThreadPoolExecutor

from bench.serving.load import attempt
from bench.serving.processes import NOON

CUSTOMERS, TERMINALS = 500, 50
MATURED = NOON + 9 * 86_400
"""A time when the labels of events at noon have matured, so that a guard with this clock judges them at once."""


def transaction(number, **changes):
    """A valid request with the id `number`; numbers spread over customers and terminals."""
    return {
        "transaction_id": number,
        "event_time": NOON,
        "customer": f"k1.{number % CUSTOMERS:022}",
        "terminal": f"k1.{number % TERMINALS:022}",
        "amount": 1_000 + number % 9_000,
        **changes,
    }


def decide_all(scorer, numbers, clients=4, **changes):
    """Send the transactions once each, a few at a time, and return the attempts in the same order."""
    token = scorer.token()
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda n: attempt(scorer, transaction(n, **changes), token), numbers))


def fill(scorer, *, at_most=30_000, step=200):
    """Send new ids until `step` of them in a row are refused; return all attempts by id."""
    answers = {}
    for start in range(0, at_most, step):
        numbers = range(start, start + step)
        answers.update(zip(numbers, decide_all(scorer, numbers), strict=True))
        if not any(answers[number].status == 200 for number in numbers):
            return answers
    raise AssertionError(f"{at_most} decisions did not fill the store")


def label(number, status="legitimate", learned_at=NOON):
    """A label of the transaction with the id `number`."""
    return {"transaction_id": number, "status": status, "learned_at": learned_at}


def judged(scorer):
    """How many labelled decisions the guard has judged."""
    return scorer.status()["counts"]["judged"]
