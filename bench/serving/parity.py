"""Replay what a scorer has decided under load, and count the vectors that differ: ``make bench-parity``.

Eight clients send payments over a midnight, singly and in batches. Some are late, some are declined, some are labelled.
In the middle, all workers take over the state of the next cut-off. Everything is shipped to a lake. The replay of the
arrival order, by the code of `jobs.parity_report`, must give each logged vector bit by bit. The store is LMDB first,
then a Redis.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from antifraud.artifacts.state_export import Entity, encode_entity
from antifraud.clock import BusinessClock, date_of, day_of
from antifraud.features.registry import feature_set_hash
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.schemas import FEATURES, RUNS
from antifraud.lake.shipped_tables import SHIPPED_TABLES
from antifraud.settings.core import JobSettings
from bench.record import record
from bench.serving import processes, world
from bench.serving.parity_world import FIRST, MIDNIGHT, Payment, make_payment, next_state, time_of
from bench.serving.places import FOLDER, Place, redis_in
from jobs.parity.report import ParityReport, parity_of
from tests.lake_tables import make_tables

COMMAND: Final = "make bench-parity"
DECISIONS: Final = 200_000
CLIENTS: Final = 8
SINGLE_CLIENTS: Final = 4
"""Clients that send one payment at a time; the others send batches."""
BUSY: Final = frozenset({429, 503})
"""Statuses after which the same is sent again."""
CHUNK: Final = 100
"""Payments that a client takes at a time."""
TOLD_LATER: Final = 3
"""Chunks after which a client tells what has become of its payments."""
NEW_STATE_AT: Final = 0.6
"""Share of the payments after which the state of the next cut-off is there: the night's jobs take a while."""
NEW_STATE_BY: Final = 0.9
"""Share of the payments after which all others wait until each worker has that state."""


class Traffic:
    """The clients: each takes the next chunk of payments, steps the clock, and sends them."""

    def __init__(self, scorer: processes.ScorerProcess, clock: BusinessClock, count: int) -> None:
        self._scorer, self._clock, self._count = scorer, clock, count
        self._lock, self._next = threading.Lock(), 0
        self._token = scorer.token()

    def send_all(self, first: int, last: int) -> None:
        """Send the payments from `first` to `last`, the latter excluded."""
        self._next = first
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(self._work, last, is_single=place < SINGLE_CLIENTS) for place in range(CLIENTS)]:
                done.result()

    def _work(self, last: int, *, is_single: bool) -> None:
        told: list[list[Payment]] = []
        headers = {"Authorization": f"Bearer {self._token}"}
        with httpx.Client(base_url=self._scorer.url, headers=headers, timeout=60) as http:
            while payments := self._take(last):
                send = _send_singly if is_single else _send_batch
                send(http, payments)
                told.append(payments)
                _tell(http, told.pop(0) if len(told) > TOLD_LATER else [])
            for payments in told:
                _tell(http, payments)

    def _take(self, last: int) -> list[Payment]:
        with self._lock:
            first, self._next = self._next, min(self._next + CHUNK, last)
            if first < self._next:
                self._clock.step_to(time_of(self._next, self._count))
            return [make_payment(number, self._count) for number in range(first, self._next)]


def _post(http: httpx.Client, path: str, body: Any) -> Any:
    """Send a request until it is answered, and return the answer.

    Raises:
        HTTPStatusError: It was refused for another reason than a busy or starting scorer.
    """
    while True:
        answer = http.post(path, json=body)
        if answer.status_code not in BUSY:
            return answer.raise_for_status().json()
        time.sleep(0.1)


def _send_singly(http: httpx.Client, payments: list[Payment]) -> None:
    for payment in payments:
        _post(http, "/v1/decisions", payment.body)


def _send_batch(http: httpx.Client, payments: list[Payment]) -> None:
    """Send payments as a batch, and again the ones that were not decided.

    Raises:
        RuntimeError: One was refused.
    """
    left = [payment.body for payment in payments]
    while left:
        results = _post(http, "/v1/decisions/batch", {"decisions": left})["results"]
        if refused := [result["problem"]["detail"] for result in results if result["status"] not in {200, *BUSY}]:
            raise RuntimeError(f"{len(refused)} payments of a batch were refused: {refused[0]}")
        left = [body for body, result in zip(left, results, strict=True) if result["status"] in BUSY]


def _tell(http: httpx.Client, payments: list[Payment]) -> None:
    if outcomes := [each for payment in payments for each in payment.outcomes]:
        _post(http, "/v1/outcomes", {"outcomes": outcomes})
    if labels := [payment.label for payment in payments if payment.label]:
        _post(http, "/v1/labels", {"labels": labels})


def run(home: Path, count: int, **changes: str) -> list[ParityReport]:
    """Decide so many payments in a new home, ship them, and return the reports of both days."""
    version, clock_file = processes.Version(), home / "clock"
    model, rows = world.fit_model(np.random.default_rng(0))
    world.make_home(home, world.Version(feature_set_hash(), encode_entity), model, rows)
    clock_file.write_text("0\n")
    settings: dict[str, Any] = {**changes, "ANTIFRAUD_CLOCK_FILE": str(clock_file)}
    clock = BusinessClock(int(FIRST - time.time()), clock_file)
    version.require(home, "-m", "serving.store", "init", **settings)
    lake = JobSettings(home=home)
    make_tables(lake, (*SHIPPED_TABLES, OUTCOMES, FEATURES, RUNS))
    with processes.running(processes.ScorerProcess(version, home, now=FIRST, **settings)) as scorer:
        scorer.start()
        traffic = Traffic(scorer, clock, count)
        middle, end = int(count * NEW_STATE_AT), int(count * NEW_STATE_BY)
        traffic.send_all(0, middle)
        with ThreadPoolExecutor(1) as clients:
            done = clients.submit(traffic.send_all, middle, end)
            take_over_state(home, scorer, next_state(count, middle))
            done.result()
        traffic.send_all(end, count)
        version.require(home, "-m", "serving.shipper", "--once", **settings)
    return [parity_of(lake, date_of(day_of(MIDNIGHT) - 1)), parity_of(lake, date_of(day_of(MIDNIGHT)))]


def take_over_state(home: Path, scorer: processes.ScorerProcess, state: Mapping[str, Entity]) -> None:
    """Export the state of the ended day while clients go on, and wait until all workers have it."""
    world.export_state(home / "state", encode_entity, world.CUTOFF + 1, state)
    cutoff = date_of(world.CUTOFF + 1).isoformat()
    processes.wait_for(
        lambda: {worker["state_cutoff"] for worker in scorer.status()["workers"]} == {cutoff}, "all workers to take it"
    )


def check(scratch: Path, count: int, place: Place) -> int:
    """Return how many vectors of so many decisions in a place differ from their replay.

    Raises:
        SystemExit: Some decisions could not be replayed.
    """
    reports = run(scratch / place.name, count, **place.settings)
    print(place.name, *[line for report in reports for line in report.lines()], sep="\n", flush=True)
    checked = sum(report.same + len(report.mismatches) for report in reports)
    if checked < count or any(report.without_state + report.other_features for report in reports):
        raise SystemExit(f"{checked} of {count} decisions in {place.name} were replayed: the log is not whole")
    return sum(len(report.mismatches) + len(report.repeated) for report in reports)


def main(arguments: argparse.Namespace) -> None:
    """Decide, ship, replay and record, over LMDB and over Redis."""
    with tempfile.TemporaryDirectory(prefix="parity-") as name, redis_in(Path(name) / "server") as redis:
        differing = sum(check(Path(name), arguments.decisions, place) for place in (FOLDER, redis))
    about = f"{arguments.decisions} decisions over each of LMDB and Redis"
    around = f"{CLIENTS} clients, a midnight and a change of the cut-off"
    record("scorer.parity_replay_mismatches", differing, "decisions", COMMAND, f"{about}, {around}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=DECISIONS)
    main(parser.parse_args())
