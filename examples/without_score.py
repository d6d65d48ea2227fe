"""Payments without a score: allow small ones, hold middle ones, decline the rest.

    python without_score.py KEYRING URL TOKEN_FILE ALLOW HOLD

Reads lines "id time customer terminal amount" from standard input. While the scorer gives no decision, amounts up to
ALLOW are allowed and amounts up to HOLD are held. It is not asked again before the time that it has named.
"""

import sys
import time
from pathlib import Path

from antifraud.client import ClientError, Decision, ScorerClient, ServiceState
from antifraud.keys.pseudonym import load_active_key


class Fallback:
    """The rule for payments without a score. A real one also bounds what a card may spend without one."""

    def __init__(self, allow: int, hold: int) -> None:
        self._allow, self._hold = allow, hold
        self._ask_at = 0.0

    def may_ask(self) -> bool:
        """Return whether the time is over that the scorer has named."""
        return time.monotonic() >= self._ask_at

    def note(self, error: ClientError) -> None:
        """Keep the time before which asking is of no use."""
        self._ask_at = time.monotonic() + (error.retry_after or 0.0)

    def choose(self, amount: int) -> str:
        """Return what happens to a payment of this amount."""
        if amount <= self._allow:
            return "allow"
        return "hold" if amount <= self._hold else "decline"


def main(keyring: str, url: str, token_file: str, allow: str, hold: str) -> None:
    """Decide every line of standard input, with or without the scorer."""
    fallback, token = Fallback(int(allow), int(hold)), Path(token_file).read_text().strip()
    with ScorerClient(url, token, load_active_key(Path(keyring)), on_state=show) as scorer:
        for line in sys.stdin:
            name, *payment, amount = line.split()
            decision = ask(scorer, fallback, name, payment, int(amount)) if fallback.may_ask() else None
            said = decision.decision if decision else f"{fallback.choose(int(amount))} without a score"
            print(f"{name}: {said}", flush=True)


def ask(scorer: ScorerClient, fallback: Fallback, name: str, payment: list[str], amount: int) -> Decision | None:
    """Return the decision of the scorer; None if it gives none."""
    event_time, customer, terminal = payment
    try:
        return scorer.decide(name, int(event_time), customer, terminal, amount)
    except ClientError as error:
        fallback.note(error)
        return None


def show(state: ServiceState) -> None:
    """Print the state of the service when it has changed."""
    print(f"the service is {state.mode} (epoch {state.epoch}, cause {state.cause})", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
