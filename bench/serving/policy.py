"""Compare the processor time of a durable decision with a policy of 100 rules with that of a decision without one.

    make bench-policy

One process decides with the policy and without it, in blocks that follow each other, so that whatever else runs on the
machine disturbs both alike. Half of the rules are velocity rules about all sums of both entities; the rest are lists
of a thousand tokens each and limits of amounts. One payment in a hundred hits a rule, as with rules that `policy
activate` would take. Every rule is looked at for every payment.
"""

import argparse
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from antifraud.artifacts.policies import Change, Draft, activate
from antifraud.artifacts.state_export import encode_entity
from antifraud.features.registry import feature_set_hash
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.keys.signing import SigningKey
from antifraud.policy.reading import read_policy
from antifraud.policy.rulebook import NO_POLICY
from antifraud.policy.rules import Entity
from bench.record import record
from bench.serving.calls import begin, microseconds_of
from bench.serving.cpu import BATCHES, TURNS
from bench.serving.parts import enter_home
from bench.serving.world import NOW, Version, fit_model, make_home, make_requests

COMMAND: Final = "make bench-policy"
BLOCK: Final = 40
"""Decisions before the other side has its turn."""
VELOCITY, LISTS, CAPS = 50, 30, 20
TOKENS: Final = 1_000
ENTITIES: Final[tuple[Entity, ...]] = ("customer", "terminal")
SUMS: Final = tuple(product(("1h", "1d", "7d"), ENTITIES, ("count", "sum")))


class Medians(NamedTuple):
    """Microseconds of a decision with the policy, and without one."""

    ruled: float
    free: float


def policy_text() -> str:
    """Return the rules; the tokens of their lists are those of nobody in the bench's world."""
    lines = ["version = 1", 'about = "the cost of many rules"', "score = {review_above = 899_999}"]
    lines += ["control = {share = 0.02, amount_at_most = 100_000}"]
    stranger = 10**9
    for place in range(LISTS):
        entity = ENTITIES[place % 2]
        numbers = range(stranger + place * TOKENS, stranger + (place + 1) * TOKENS)
        tokens = ", ".join(f'"{tokenise(Key("k1", bytes(32)), entity, number)}"' for number in numbers)
        kind, effect = (("allow", ""), ("deny", 'effect = "flag"'))[place // 2 % 2]
        lines += [f"[[{kind}]]", f'id = "list-{place}"', f'entity = "{entity}"', f"tokens = [{tokens}]", effect]
    for place in range(CAPS):
        lines += ["[[amount]]", f'id = "cap-{place}"', f"above = {495_000 + place * 1_000}", 'effect = "review"']
    for place in range(VELOCITY):
        window, entity, measure = SUMS[place % len(SUMS)]
        lines += ["[[velocity]]", f'id = "pace-{place}"', f'entity = "{entity}"', f'measure = "{measure}"']
        lines += [f'window = "{window}"', f"above = {10**9 + place}", 'effect = "review"']
    return "\n".join(lines)


def activate_rules(home: Path) -> None:
    """Activate the policy in a home."""
    content = policy_text().encode()
    key = SigningKey.read(home / "secrets" / "release.key")
    draft = Draft(content, read_policy(content, "the bench's policy"))
    activate(home / "policies", draft, key, Change("the cost of many rules", "bench", NOW))


def decide(home: Path, first: int) -> Medians:
    """Decide all requests, one block with the policy and the next one without; `first` says which comes first."""
    from serving.wsgi import start

    app = start()
    begin(app, home)
    token = (home / "secrets" / "client.token").read_text().strip()
    filling, *batches = (batch.encode().splitlines() for batch in make_requests(BATCHES).split("\n\n"))
    microseconds_of(app, filling, token)
    services = app.extensions["antifraud"]
    loaded = services.loaded, replace(services.loaded, policy=NO_POLICY)
    spent: tuple[list[float], list[float]] = [], []
    for place, line in enumerate(line for batch in batches for line in batch):
        side = (place // BLOCK + first) % 2
        services.loaded = loaded[side]
        spent[side].append(microseconds_of(app, [line], token))
    return Medians(*map(statistics.median, spent))


def measure(home: Path, first: int) -> Medians:
    """Make a home with the policy, and decide in it."""
    model, rows = fit_model(np.random.default_rng(0))
    make_home(home, Version(feature_set_hash(), encode_entity), model, rows)
    activate_rules(home)
    # The poller would take the policy in again.
    enter_home(home, ANTIFRAUD_POLL_SECONDS="600", OMP_NUM_THREADS="1")
    return decide(home, first)


def take_turns(scratch: Path, turns: int) -> list[Medians]:
    """Measure several times, each time in a process and a home of its own."""
    found = []
    for turn in range(turns):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            found.append(pool.submit(measure, scratch / str(turn), turn).result())
        print(f"turn {turn + 1}: {found[-1]}", flush=True)
    return found


def main(arguments: argparse.Namespace) -> None:
    """Measure and record the median of the turns' ratios."""
    with tempfile.TemporaryDirectory(prefix="scorer-policy-") as scratch:
        found = take_turns(Path(scratch), arguments.turns)
    ratios = [each.ruled / each.free for each in found]
    ruled, free = (statistics.median(side) for side in zip(*found, strict=True))
    baseline = (
        f"{ruled:.0f} of {free:.0f} microseconds without a policy, in {len(ratios)} turns; {VELOCITY} velocity rules, "
        f"{LISTS} lists of {TOKENS:,} tokens, {CAPS} limits of amounts"
    )
    record("scorer.policy_ratio", statistics.median(ratios), "1", COMMAND, baseline, (min(ratios), max(ratios)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    main(parser.parse_args())
