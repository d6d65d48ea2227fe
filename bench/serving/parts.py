"""Measure the processor time of the parts of a durable decision, in one process, on the requests of `make bench-cpu`.

    make bench-cpu-parts

Functions of the scorer are wrapped in clocks of their thread. The rest of the call is Flask's. The first column is that
of a process on one processor, the second that of a process with threads on any. The last rows are three calls on their
own, again and again, which find everything in the processor's caches: no part can cost less.
"""

import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial, wraps
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import lmdb
import numpy as np

from antifraud.artifacts.state_export import encode_entity
from antifraud.features.registry import FEATURE_NAMES, feature_set_hash
from antifraud.model.evaluator import read_evaluator
from bench.serving.calls import begin, call, constant_app, environ_of, microseconds_of
from bench.serving.world import NOW, Version, fit_model, make_home, make_requests

COMMIT: Final = "commit in the committing thread"
PARTS: Final = {
    "identify the client": ("serving.api.auth:require_caller",),
    "read and decode the body": ("serving.api.decisions:parse",),
    "look up live records, id, labels and switch": ("serving.store.store:Store.look_up",),
    "join state and live records": ("serving.decisions.decide:histories_of",),
    "add up windows and labels": ("serving.decisions.decide:feature_inputs",),
    "evaluate the formulas": ("serving.decisions.decide:vector_of",),
    "score with onnxruntime, calibrate": ("antifraud.model.evaluator:Evaluator.score",),
    "make both live records": ("serving.decisions.decide:count_event",),
    "make the answer": ("serving.decisions.decide:answer_of", "serving.decisions.decide:encode_answer"),
    "count in the metrics": ("prometheus_client.metrics:Histogram.observe", "prometheus_client.metrics:Counter.inc"),
    "write the log line": ("serving.api.scorer:Scorer.process_response",),
    COMMIT: ("serving.store.lmdb:Environment._commit",),
}
THREAD, WHOLE = "thread", "whole"
"""Totals: of the request's thread, and of the whole process."""
BATCHES: Final = 3
TIGHT: Final = 3_000
"""Repetitions of a call on its own."""
clock: Final = time.thread_time_ns


@dataclass
class Clocks:
    """The nanoseconds of the parts of one request; they are counted only while the clocks are on."""

    spent: Counter[str] = field(default_factory=Counter)
    are_on: bool = False

    def wrap(self, function: Callable[..., Any], part: str, overhead: float) -> Callable[..., Any]:
        """Return the function with a clock of its thread, which takes `overhead` itself."""

        @wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            if not self.are_on:
                return function(*args, **options)
            began = clock()
            try:
                return function(*args, **options)
            finally:
                self.spent[part] += int(clock() - began - overhead)

        return timed

    def wrap_parts(self) -> None:
        """Put clocks around all functions of the parts, before the scorer starts."""
        overhead = tight_nanoseconds(clock)
        for part, places in PARTS.items():
            for place in places:
                module, _, path = place.partition(":")
                *owners, name = path.split(".")
                owner = importlib.import_module(module)
                for each in owners:
                    owner = getattr(owner, each)
                setattr(owner, name, self.wrap(getattr(owner, name), part, overhead))


def tight_nanoseconds(function: Callable[[], object]) -> float:
    """Return the nanoseconds of a function that is called again and again."""
    began = time.process_time_ns()
    for _ in range(TIGHT):
        function()
    return (time.process_time_ns() - began) / TIGHT


def decide(home: Path, clocks: Clocks) -> Counter[str]:
    """Decide all batches; return median nanoseconds: of the whole process, of the request's thread, and of each part.

    The clocks are on for every second request, so that their own time is not in the totals.
    """
    from serving.wsgi import start

    app = start()
    begin(app, home)
    token = (home / "secrets" / "client.token").read_text().strip()
    filling, *batches = (batch.encode().splitlines() for batch in make_requests(BATCHES).split("\n\n"))
    microseconds_of(app, filling, token)
    samples: list[list[Counter[str]]] = [[], []]
    for number, line in enumerate(line for batch in batches for line in batch):
        path, body = line.split(b" ", 1)
        environ = environ_of("POST", path.decode(), body, token)
        clocks.spent, clocks.are_on = Counter(), number % 2 == 0
        whole, thread = time.process_time_ns(), clock()
        call(app, environ)
        totals = {THREAD: clock() - thread, WHOLE: time.process_time_ns() - whole}
        samples[number % 2].append(clocks.spent if clocks.are_on else Counter(totals))
    with_clocks, without = samples
    return Counter({part: median_of(part, with_clocks) for part in PARTS}) + Counter(
        {total: median_of(total, without) for total in (THREAD, WHOLE)}
    )


def median_of(part: str, samples: list[Counter[str]]) -> int:
    """Return the median of a part."""
    return int(statistics.median(each[part] for each in samples))


def measure_floors(home: Path) -> dict[str, float]:
    """Return the nanoseconds of calls on their own."""
    evaluator, row = read_evaluator(home), np.ones((1, len(FEATURE_NAMES)))
    constant = constant_app()
    view = statistics.median(microseconds_of(constant, [b"/v1/decisions {}"] * 1_000, "") for _ in range(3))
    with lmdb.open(str(home / "floor"), map_size=1 << 28, sync=False, metasync=False, max_dbs=1) as environment:
        commit = tight_nanoseconds(partial(commit_records, environment, environment.open_db(b"records")))
    return {
        "a Flask view that returns a constant": 1_000 * view,
        "onnxruntime and calibration": tight_nanoseconds(lambda: evaluator.score(row)),
        "an LMDB transaction that writes as much": commit,
    }


def commit_records(environment: Any, database: Any) -> None:
    """Write as many records of random keys as a decision does."""
    with environment.begin(write=True) as transaction:
        for size in (8, 90, 550, 400, 900, 8, 8):
            transaction.put(os.urandom(16), bytes(size), db=database)


def rows_of(found: Counter[str]) -> dict[str, float]:
    """Return the parts, the remainders and the total."""
    own = sum(found[part] for part in PARTS if part != COMMIT)
    return {
        **{part: found[part] for part in PARTS},
        "hand over to the committing thread and back": found[WHOLE] - found[THREAD] - found[COMMIT],
        "Flask, and everything else in the request's thread": found[THREAD] - own,
        "together": found[WHOLE],
    }


def enter_home(home: Path, **changes: str) -> None:
    """Let this process work in a home with a new store, like a worker under Gunicorn; nobody reads its log."""
    (home / "metrics").mkdir()
    os.environ |= {
        "PROMETHEUS_MULTIPROC_DIR": str(home / "metrics"),  # as under Gunicorn
        "ANTIFRAUD_HOME": str(home),
        "ANTIFRAUD_CLOCK_OFFSET_SECONDS": str(NOW - int(time.time())),
        "ANTIFRAUD_STORE_MAP_BYTES": str(1 << 30),
        **changes,
    }
    subprocess.run([sys.executable, "-m", "serving.store", "init"], check=True, stdout=subprocess.DEVNULL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def measure(home: Path, processors: set[int]) -> Counter[str]:
    """Make a home and decide in it on some processors."""
    os.sched_setaffinity(0, processors)
    model, rows = fit_model(np.random.default_rng(0))
    make_home(home, Version(feature_set_hash(), encode_entity), model, rows)
    enter_home(home)
    clocks = Clocks()
    clocks.wrap_parts()
    return decide(home, clocks)


def main(scratch: Path) -> None:
    """Measure on one processor and on all of them, each in a process of its own, and print the table."""
    every = os.sched_getaffinity(0)
    columns = []
    for name, processors in (("one", {max(every)}), ("every", every)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            columns.append(rows_of(pool.submit(measure, scratch / name, processors).result()))
    for part in columns[0]:
        print(f"| {part} |", " | ".join(f"{column[part] / 1_000:.0f}" for column in columns), "|")
    for name, nanoseconds in measure_floors(scratch / "one").items():
        print(f"| {name} | {nanoseconds / 1_000:.0f} |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="scorer-parts-") as folder:
        main(Path(folder))
