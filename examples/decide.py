"""Decisions with the SDK.

    python decide.py KEYRING URL TOKEN_FILE

Reads lines "id time customer terminal amount" from standard input, and prints each decision, or what to do without one.
"""

import sys
from pathlib import Path

from antifraud.client import ClientError, ScorerClient, Suspended
from antifraud.keys.pseudonym import load_active_key


def main(keyring: str, url: str, token_file: str) -> None:
    """Ask for a decision on every line of standard input."""
    token = Path(token_file).read_text().strip()
    with ScorerClient(url, token, load_active_key(Path(keyring))) as scorer:
        for line in sys.stdin:
            name, time, customer, terminal, amount = line.split()
            try:
                decision = scorer.decide(name, int(time), customer, terminal, int(amount))
            except Suspended as error:
                print(f"{name}: your own rules decide, for {error.retry_after:g} s at least")
            except ClientError as error:
                print(f"{name}: your own rules decide ({error})")
            else:
                print(f"{name}: {decision.decision}, score {decision.score}")


if __name__ == "__main__":
    main(*sys.argv[1:])
