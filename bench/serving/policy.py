"""Compare the processor time of a durable decision with a policy of 100 rules with that of a decision without one.

    make bench-policy

Both decide the same requests in turns, each in a process and a home of its own (`bench/serving/cpu.py`). Half of the
rules are velocity rules about all sums of both entities; the rest are lists of a thousand tokens each and limits of
amounts. Every payment hits a few of them, and no hit keeps the others from being looked at.
"""

import argparse
import statistics
import tempfile
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from antifraud.artifacts.policies import Change, Draft, activate
from antifraud.artifacts.state_export import encode_entity
from antifraud.features.registry import feature_set_hash
from antifraud.keys.pseudonym import Key, tokenise
from antifraud.keys.signing import SigningKey
from antifraud.policy.reading import read_policy
from antifraud.policy.rules import Entity
from bench.record import record
from bench.serving.cpu import BATCHES, ROOT, TURNS, Side, Spent, measure
from bench.serving.world import NOW, Version, fit_model, make_home, make_requests

COMMAND: Final = "make bench-policy"
VELOCITY, LISTS, CAPS = 50, 30, 20
TOKENS: Final = 1_000
ENTITIES: Final[tuple[Entity, ...]] = ("customer", "terminal")
SUMS: Final = tuple(product(("1h", "1d", "7d"), ENTITIES, ("count", "sum")))


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
        # The first rule about each count is hit by busy entities, the others by nobody.
        above = 3 if place < len(SUMS) and measure == "count" else 10**9 + place
        lines += ["[[velocity]]", f'id = "pace-{place}"', f'entity = "{entity}"', f'measure = "{measure}"']
        lines += [f'window = "{window}"', f"above = {above}", 'effect = "review"']
    return "\n".join(lines)


def activate_rules(home: Path) -> None:
    """Activate the policy in a home."""
    content = policy_text().encode()
    key = SigningKey.read(home / "secrets" / "release.key")
    draft = Draft(content, read_policy(content, "the bench's policy"))
    activate(home / "policies", draft, key, Change("the cost of many rules", "bench", NOW))


def take_turns(scratch: Path, turns: int) -> dict[str, list[Spent]]:
    """Measure decisions with and without the policy in turns, each in a fresh home."""
    requests = scratch / "requests"
    requests.write_text(make_requests(BATCHES))
    model, rows = fit_model(np.random.default_rng(0))
    version = Version(feature_set_hash(), encode_entity)
    spent: dict[str, list[Spent]] = {"with": [], "without": []}
    for turn in range(turns):
        # The first of a pair changes from turn to turn, so that neither always finds the machine cooler.
        for name in spent if turn % 2 == 0 else reversed(spent):
            home = scratch / f"{name}-{turn}"
            make_home(home, version, model, rows)
            if name == "with":
                activate_rules(home)
            side = Side(name, ROOT, version, ["-m", "serving.store", "init"])
            spent[name].append(measure(side, home, requests))
            print(f"turn {turn + 1}, {name}: {spent[name][-1]}", flush=True)
    return spent


def main(arguments: argparse.Namespace) -> None:
    """Measure both and record the median of the turns' ratios."""
    with tempfile.TemporaryDirectory(prefix="scorer-policy-") as scratch:
        spent = take_turns(Path(scratch), arguments.turns)
    ratios = [ours.decision / theirs.decision for ours, theirs in zip(spent["with"], spent["without"], strict=True)]
    ours, theirs = (statistics.median(each.decision for each in spent[name]) for name in ("with", "without"))
    baseline = (
        f"{ours:.0f} of {theirs:.0f} microseconds without a policy, in {len(ratios)} turns; {VELOCITY} velocity rules, "
        f"{LISTS} lists of {TOKENS:,} tokens, {CAPS} limits of amounts"
    )
    record("scorer.policy_ratio", statistics.median(ratios), "1", COMMAND, baseline, (min(ratios), max(ratios)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    main(parser.parse_args())
