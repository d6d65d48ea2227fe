"""Ask for decisions with the SDK of a checkout, and print what came of each as JSON.

    python -P sdk_call.py URL CLIENT CUSTOMER...

CLIENT is ScorerClient or AsyncScorerClient; each CUSTOMER is a Python literal. The script runs in the checkout that is
tested, with the interpreter of that checkout. Transaction ids count from 1.
"""

import ast
import asyncio
import importlib
import inspect
import json
import sys
import time

import antifraud.client

try:
    pseudonym = importlib.import_module("antifraud.keys.pseudonym")
except ModuleNotFoundError:
    pseudonym = importlib.import_module("antifraud.pseudonym")
KEY = pseudonym.Key("k1", bytes(32))
NOON = 20_000 * 86_400 + 12 * 3_600


async def decide(client, number, customer):
    """Return the decision, or the name of the error and of its kinds, with the seconds that the call took."""
    began = time.monotonic()
    try:
        answer = client.decide(number, NOON, customer, 7, 5_716)
        answer = await answer if inspect.isawaitable(answer) else answer
        outcome = {"decision": answer.decision}
    except Exception as error:  # noqa: BLE001 whatever it raises is the result
        outcome = {"error": [kind.__name__ for kind in type(error).__mro__], "message": str(error)}
    return {**outcome, "seconds": time.monotonic() - began}


async def main(url, name, *customers):
    """Ask one decision after the other."""
    client = getattr(antifraud.client, name)(url, "a-token", KEY)
    for number, customer in enumerate(customers, 1):
        sys.stdout.write(json.dumps(await decide(client, number, ast.literal_eval(customer))) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
