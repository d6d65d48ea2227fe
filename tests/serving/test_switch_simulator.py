"""Guard, store, clocks, labels and crashes from one seed: the verdict is that of a guard that nobody disturbs."""

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from bench.switch.simulator.__main__ import explain
from bench.switch.simulator.simulation import live, try_seed
from bench.switch.simulator.stage import Disorder, Violated
from bench.switch.simulator.world import World
from serving.store import counting, decisions, evidence, fenced, outbox, retention
from serving.worker.services import Services

ROOT = Path(__file__).resolve().parents[2]
GROUP = 10
GROUPS = [
    *range(0, 50, GROUP),
    *(pytest.param(first, marks=pytest.mark.prove) for first in range(50, 1_000, GROUP)),
]


@pytest.mark.parametrize("first", GROUPS)
def test_no_disorder_changes_the_verdict(first):
    """Ten worlds with kills, stops, outages and clocks apart: the verdict is the same, and all invariants hold."""
    lives = [explain(seed) for seed in range(first, first + GROUP)]

    assert sum(life.kills for life in lives) >= 300
    # Two worlds of four have a bad release.
    assert sum(life.trips for life in lives) >= 2


def test_a_seed_gives_the_same_life_in_every_process():
    """Nothing depends on the hashes of texts, which differ from process to process."""
    command = [sys.executable, "-m", "bench.switch.simulator", "--first", "13", "--seeds", "1"]
    said = [
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True, text=True, check=True
        ).stdout
        for number in ("1", "2")
    ]

    assert said[0] == said[1]
    assert said[0].startswith("1 seeds, 24 days: ")


def count_in_two_transactions(self, delay_days, limit):
    """Count decisions, and move the position in a transaction of its own."""
    with self._environment.read() as view:
        arrivals = counting.find_arrivals(view, self._contexts, delay_days, limit)
    if arrivals.found:
        stays = arrivals._replace(last=arrivals.position)
        self._environment.write(lambda view: counting.add_arrivals(view, stays))
        self._environment.write(lambda view: view.set_number(counting.COUNTED, arrivals.last))
    return arrivals.found


def compare_nothing(view, wanted, pending=None, *, read=decisions._read_stamp):
    """Read what a decision is made from; when it is committed, find it unchanged whatever has happened."""
    return mock.ANY if pending is None else read(view, wanted, pending)


FAULTS = {
    "position in another transaction": (
        evidence.GuardStore, "count_arrivals", count_in_two_transactions, "(decided|flagged) of ",
    ),
    "lease without fencing": (fenced, "require_lease", lambda *_: None, "a guard of epoch .* has changed the store"),
    "trip without an era": (evidence, "put_eras", lambda *_: None, "counted cells differ"),
    "labels after the close": (counting, "close_time", lambda *_: 1 << 40, "(legit|fraud)_(flagged|passed) of "),
    "labels of removed decisions": (retention, "_read_waiting", lambda _: (), "(legit|fraud)_(flagged|passed) of "),
    "news told twice": (outbox, "_settle", lambda *_: None, "something was told twice"),
    "roll-back that serves the pointer": (
        Services, "_choose_release", lambda _, loaded, __: loaded.champion, "was decided by",
    ),
    "decisions of an earlier epoch": (decisions, "_read_stamp", compare_nothing, "were stored in epoch"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(monkeypatch, fault):
    """Each fault that is put into the real code breaks the invariant that is meant for it, in one of twelve seeds."""
    place, name, wrong, message = FAULTS[fault]
    monkeypatch.setattr(place, name, wrong)

    with pytest.raises(Violated, match=message):
        try_seeds(range(12))


def try_seeds(seeds):
    for seed in seeds:
        try_seed(seed)


def test_a_failure_names_its_seed_and_the_command_that_repeats_it(monkeypatch):
    """One line that can be pasted into a shell."""
    monkeypatch.setattr(outbox, "_settle", lambda *_: None)

    with pytest.raises(SystemExit) as ended:
        explain(7, 10)

    assert str(ended.value) == (
        "seed 7: something was told twice; "
        "repeat it with `python -m bench.switch.simulator --first 7 --seeds 1 --days 10`"
    )


def test_a_guard_alone_is_killed_stopped_and_replaced_often():
    """Disorder is not an empty word: a world of 24 days sees hundreds of kills and dozens of stops."""
    world = World(12)
    life = live(world, Disorder.of(world))

    assert (life.kills > 200, life.stops > 20) == (True, True)
