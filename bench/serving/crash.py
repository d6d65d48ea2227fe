"""Kill workers, master, guard and everything under load: ``make bench-serving-crash``, up to 25 minutes.

With ``--redis``, the decisions are in a Redis, which is killed as well (``make bench-redis-crash``).

Clients send 400 decisions a second, each again under its id until it is answered. Each round kills one kind of process
once. A round that is done is noted in the home, so a run that was ended goes on where it was. At the end, the answers
are recounted by their arrival numbers. The recount must equal the store bit by bit.
"""

import argparse
import itertools
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bench.record import record
from bench.serving.load import Load, Notes
from bench.serving.places import FOLDER, Place, redis_in
from bench.serving.processes import NOON, ROOT, ScorerProcess, Version, prepare_home, running
from bench.serving.recount import Faults, Sent, find_faults, read_sent

COMMAND: Final = "make bench-serving-crash"
REDIS_COMMAND: Final = "make bench-redis-crash"
KILLS: Final = 50
RATE: Final = 400.0
CLIENTS: Final = 16
CUSTOMERS, TERMINALS = 2_000, 100
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 2.0
IDS_A_ROUND: Final = 1_000_000
WORLD: Final = ROOT / "tests" / "blackbox" / "world.py"
SENT: Final = "sent.jsonl"
ROUNDS: Final = "rounds.json"


def kill_worker(scorer: ScorerProcess) -> None:
    """Kill one worker, which Gunicorn replaces."""
    os.kill(scorer.workers()[0], signal.SIGKILL)


def kill_master(scorer: ScorerProcess) -> None:
    """Kill Gunicorn, whose workers then end by themselves, and start it again."""
    scorer.master.kill()
    scorer.master.wait()
    scorer.start()


def kill_guard(scorer: ScorerProcess) -> None:
    """Kill the guard, and start it again."""
    scorer.guard.kill()
    scorer.guard.wait()
    scorer.start_guard()


def kill_everything(scorer: ScorerProcess) -> None:
    """Kill master, workers and guard at once, and start all again."""
    scorer.guard.kill()
    scorer.kill()
    scorer.guard.wait()
    scorer.start_guard()
    scorer.start()


KINDS: Final[tuple[Callable[[ScorerProcess], None], ...]] = (kill_worker, kill_everything, kill_guard, kill_master)


def transaction(number: int) -> dict[str, Any]:
    """Return the transaction with a number; customers and terminals are busy, so most arrivals depend on others."""
    return {
        "transaction_id": f"c-{number}",
        "event_time": NOON - number % 7_200,
        "customer": f"k1.{number % CUSTOMERS:022}",
        "terminal": f"k1.{CUSTOMERS + number % TERMINALS:022}",
        "amount": 100 + number % 39_989,
    }


def prepare(home: Path, version: Version, place: Place) -> None:
    """Build the home, unless an earlier run has."""
    if (home / ROUNDS).exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    version.require(home, "-P", str(WORLD), str(home))
    prepare_home(version, home, **place.settings)
    note_rounds(home, 0)


def note_rounds(home: Path, done: int) -> None:
    """Note how many rounds are done."""
    fresh = home / f"{ROUNDS}.new"
    fresh.write_text(json.dumps({"done": done}))
    fresh.replace(home / ROUNDS)


def kinds_of(place: Place) -> Sequence[Callable[[ScorerProcess], None]]:
    """Return what can be killed."""
    return (*KINDS, *place.kills)


def run_round(home: Path, version: Version, number: int, rate: float, place: Place) -> Notes:
    """Load the scorer, kill what the round kills in the middle, and return the clients' notes."""
    kinds = kinds_of(place)
    with running(ScorerProcess(version, home, **place.settings)) as scorer:
        scorer.start()
        scorer.start_guard()
        with Load(scorer, transaction, rate=rate, clients=CLIENTS, first=number * IDS_A_ROUND) as load:
            time.sleep(BEFORE_SECONDS + number % 7 / 10)
            kinds[number % len(kinds)](scorer)
            time.sleep(AFTER_SECONDS)
    return load.notes


def as_sent(notes: Notes) -> list[Mapping[str, Any]]:
    """Return what was sent, with the different answers to each id."""
    return [
        {"body": body, "answers": [json.loads(text) for text in sorted(answers_to(notes, key))]}
        for key, body in notes.sent.items()
    ]


def answers_to(notes: Notes, key: str) -> set[bytes]:
    """Return the different decisions that an id was told."""
    return {attempt.body for attempt in notes.attempts.get(key, []) if attempt.status == 200}


def measure(home: Path, version: Version, kills: int, rate: float, place: Place = FOLDER) -> tuple[list[Sent], Faults]:
    """Run the rounds that are not done yet, then recount everything."""
    prepare(home, version, place)
    kinds = kinds_of(place)
    for number in range(json.loads((home / ROUNDS).read_text())["done"], kills):
        notes = run_round(home, version, number, rate, place)
        lines = [json.dumps(each) + "\n" for each in as_sent(notes)]
        with (home / SENT).open("a") as file:
            file.writelines(lines)
        note_rounds(home, number + 1)
        failed = sum(attempt.status != 200 for attempt in itertools.chain(*notes.attempts.values()))
        name = kinds[number % len(kinds)].__name__
        print(f"{number + 1} of {kills}: {name}, {len(lines)} decisions, {failed} attempts failed", flush=True)
    sent = read_sent(home / SENT)
    return sent, find_faults(sent, home, version, place)


def main(arguments: argparse.Namespace) -> None:
    """Kill, recount and record."""
    with tempfile.TemporaryDirectory(prefix="crash-") as scratch, ExitStack() as stack:
        home = (arguments.home or Path(scratch) / "home").absolute()
        place = stack.enter_context(redis_in(home.with_name(f"{home.name}-redis"))) if arguments.redis else FOLDER
        sent, faults = measure(home, Version(), arguments.kills, arguments.rate, place)
    print(f"lost: {faults.lost[:5]}, not counted once: {faults.twice[:5]}")
    about = f"{arguments.kills} kills under {arguments.rate:.0f} decisions a second, {len(sent)} decisions"
    name, command = ("scorer.redis_crash", REDIS_COMMAND) if arguments.redis else ("scorer.crash", COMMAND)
    record(f"{name}_lost", len(faults.lost), "decisions", command, about)
    record(f"{name}_twice", len(faults.twice), "decisions", command, f"{about}; the recount is equal bit by bit")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="keep the rounds here, and go on with those that are not done")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rate", type=float, default=RATE, help="decisions a second")
    parser.add_argument("--redis", action="store_true", help="keep the decisions in a Redis, and kill it, too")
    main(parser.parse_args())
