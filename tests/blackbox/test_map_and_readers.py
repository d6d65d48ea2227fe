"""The map grows for every process, and a dead reader does not fill the store."""

import signal
import subprocess
import sys

from bench.serving.processes import wait_for
from tests.blackbox.traffic import MATURED, decide_all, judged, label

MIB = 1 << 20
HOLD = """
import lmdb, sys, time
environment = lmdb.open(sys.argv[1], readonly=True, max_dbs=64)
transaction = environment.begin()
transaction.stat()
print("reading", flush=True)
time.sleep(600)
"""


def test_the_guard_follows_a_larger_map(build, scorer_of):
    """The operator raises the map and restarts the scorer only; the guard goes on when the store has outgrown it."""
    small, large = ({"ANTIFRAUD_STORE_MAP_BYTES": str(mib * MIB)} for mib in (1, 64))
    home = build(**small)
    with scorer_of(home, **small, guard=MATURED) as scorer:
        decide_all(scorer, range(100))
        wait_for(lambda: scorer.status()["guard"], "a guard")
        scorer.master.terminate()
        scorer.master.wait(20)
        scorer.changes = large
        scorer.start()
        decided = [n for n, answer in enumerate(decide_all(scorer, range(2_500))) if answer.status == 200]
        assert len(decided) == 2_500
        assert (home / "store" / "data.mdb").stat().st_size > MIB
        scorer.post("/v1/labels", {"labels": [label(number) for number in range(50)]}).raise_for_status()

        wait_for(lambda: judged(scorer) == 50, "a guard that has judged the labels", 20)
        assert scorer.guard.poll() is None


def test_a_killed_reader_does_not_fill_the_store(build, scorer_of):
    """A reader that dies within its transaction is cleared while the scorer runs, so pages are used again."""
    settings = {"ANTIFRAUD_STORE_MAP_BYTES": str(24 * MIB)}
    home = build(**settings)
    with scorer_of(home, **settings) as scorer:
        decide_all(scorer, range(10))
        command = [sys.executable, "-c", HOLD, str(home / "store")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
            assert reader.stdout.readline() == b"reading\n"
            reader.send_signal(signal.SIGKILL)

        answers = decide_all(scorer, range(1_000, 3_500))

        assert {answer.status for answer in answers} == {200}
