"""Other processes at the store: one holds the lock, raises the size, is killed as it reads, or replaces the folder."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from antifraud.errors import StoreBusy, StoreForeign
from antifraud.settings.serving import StoreSettings
from serving.store.__main__ import main as manage
from serving.store.records import Place
from serving.store.store import open_store
from serving.worker.turns import Turns
from tests.serving.port_scene import GROW, LOCK, READ, commit, process_at, put_label, settings_of
from tests.serving.scene import Scorer, init_store


@pytest.fixture
def hasty(home):
    """A scorer whose requests wait for the lock for a quarter of a second."""
    running = Scorer(home, store_wait_seconds=0.25)
    running.poller.poll()
    yield running
    running.close()


@pytest.fixture
def patient(home):
    """A scorer whose requests wait for as long as a large write of another process takes."""
    running = Scorer(home, store_wait_seconds=30.0, store_map_bytes=1 << 20)
    running.services.turns = Turns(60.0)
    running.poller.poll()
    yield running
    running.close()


def test_a_held_lock_costs_a_503_and_no_change_is_made_later(hasty):
    """Decisions, labels and the switch are refused in time with Retry-After, and health answers; then all is well."""
    hasty.decide(transaction_id=1)
    label = {"labels": [{"transaction_id": 1, "status": "fraud", "learned_at": hasty.clock.time}]}
    with process_at(hasty.settings.store_dir, LOCK):
        began = time.monotonic()
        answers = [hasty.decide(transaction_id=2), hasty.post("/v1/labels", label), hasty.switch("suspend", 1)]
        assert time.monotonic() - began < 10
        assert [(a.status_code, a.headers["Retry-After"]) for a in answers] == [(503, "1")] * 3
        assert all("nothing was changed" in answer.json["detail"] for answer in answers)
        assert hasty.client.get("/healthz").status_code == 200
        assert (hasty.decide(transaction_id=1).status_code, hasty.get("/v1/decisions/1").status_code) == (200, 200)
        hasty.poller.poll()
        assert hasty.get("/readyz").status_code == 503

    assert hasty.decide(transaction_id=3).json["arrival"] == 2
    assert hasty.store.decision_of(Place("", "2")) is None
    assert (hasty.store.newest_label(), hasty.store.switch().epoch) == (0, 1)
    hasty.poller.poll()
    assert hasty.get("/readyz").status_code == 200


def test_a_store_closes_as_soon_as_the_lock_is_free(hasty):
    """Closing does not wait for another process for ever; afterwards the process can open the store again."""
    with process_at(hasty.settings.store_dir, LOCK):
        with pytest.raises(StoreBusy):
            commit(hasty.store, 1)
        hasty.store.close()

    hasty.store._environment._committer._thread.join(10)
    again = open_store(settings_of(hasty.settings.home))
    assert (again.newest_arrival(), commit(again, 2)) == (0, 1)
    again.close()


def test_a_larger_size_reaches_every_thread(patient):
    """Another process writes beyond this one's size while eight threads decide: nobody sees an error."""
    stop, statuses = threading.Event(), []

    def decide(first):
        number = first
        while not stop.is_set():
            answers = [patient.decide(transaction_id=number), patient.get(f"/v1/decisions/{number}")]
            statuses.extend((answer.status_code, answer.json.get("detail")) for answer in answers)
            number += 1

    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(decide, 1_000_000 * place) for place in range(1, 9)]
        with process_at(patient.settings.store_dir, GROW):
            stop.wait(0.5)
        stop.set()
        for worker in workers:
            worker.result()

    patient.poller.poll()
    assert set(statuses) == {(200, None)}
    assert patient.store.fill().limit > 900 << 20
    assert patient.services.troubles == {}


ANNOUNCE = """
import sys
from pathlib import Path
from antifraud.settings.serving import StoreSettings
from serving.store.store import open_store

store = open_store(StoreSettings(home=Path(sys.argv[1]), store_map_bytes=1 << 25))
store.announce_size()
store.close()
"""


def test_an_announced_size_is_taken_over_at_once(home):
    """The guard keeps its old setting when the scorer is restarted with a larger one: it is not full any more."""
    running = open_store(StoreSettings(home=home, store_map_bytes=1 << 20))
    assert running.fill().limit == 1 << 20

    subprocess.run([sys.executable, "-c", ANNOUNCE, home], check=True)
    running.look_after()

    assert running.fill().limit == 1 << 25
    assert commit(running, 1) == 1
    running.close()


def test_a_killed_reader_is_cleared_while_the_scorer_runs(scorer):
    """Its slot goes with the next poll, so that the pages that it has pinned can be reused."""
    with process_at(scorer.settings.store_dir, READ) as reader:
        assert str(reader.pid) in scorer.store._environment._env.readers()
        reader.send_signal(signal.SIGKILL)
        reader.wait()
        scorer.poller.poll()
        assert str(reader.pid) not in scorer.store._environment._env.readers()


def replace_folder(home):
    """Move the store away and put a copy in its place, as a restored backup would be."""
    (home / "store").rename(home / "moved")
    shutil.copytree(home / "moved", home / "store")


def test_no_decision_is_made_in_a_folder_that_was_replaced(scorer, home):
    """A decision that waits for the lock when the folder is replaced is refused, as are all later changes."""
    scorer.store.look_after()
    with ThreadPoolExecutor(1) as pool, process_at(scorer.settings.store_dir, LOCK) as holder:
        waiting = pool.submit(scorer.decide, transaction_id=1)
        time.sleep(0.05)
        replace_folder(home)
        holder.kill()
        assert (waiting.result().status_code, "suspended" in waiting.result().json["type"]) == (503, True)

    with pytest.raises(StoreForeign, match="was replaced while it was open"):
        put_label(scorer.store, 1)
    scorer.poller.poll()
    assert scorer.services.opened_store is None
    scorer.poller.poll()
    assert scorer.decide(transaction_id=1).json["arrival"] == 1


def test_no_decision_is_made_after_the_lock_file_was_removed(scorer, home):
    """A process that starts now makes another lock file, so this one must not write any more before it opens anew."""
    (home / "store" / "lock.mdb").unlink()

    assert scorer.decide(transaction_id=1).status_code == 503
    for _ in range(2):
        scorer.poller.poll()
    assert scorer.decide(transaction_id=1).json["arrival"] == 1


def test_an_older_copy_is_refused_until_a_person_accepts_it(scorer, home):
    """The worker says what is missing, decides nothing, and serves again after `accept` and a resume."""
    scorer.decide(transaction_id=1)
    scorer.poller.poll()
    shutil.copytree(home / "store", home / "copy")
    scorer.decide(transaction_id=2)
    scorer.poller.poll()
    (home / "store").rename(home / "lost")
    (home / "copy").rename(home / "store")

    for _ in range(2):
        scorer.poller.poll()
    refused = scorer.decide(transaction_id=2)
    assert (refused.status_code, refused.json["type"]) == (503, "urn:antifraud:problem:suspended")
    assert "ends with decision 1, but 2 were made" in refused.json["detail"]
    assert scorer.get("/readyz").status_code == 503

    assert manage(["accept"], {"ANTIFRAUD_HOME": str(home)}) == 0
    assert manage(["accept"], {"ANTIFRAUD_HOME": str(home)}) == 0
    scorer.poller.poll()
    assert scorer.decide(transaction_id=2).json["type"] == "urn:antifraud:problem:suspended"
    scorer.switch("resume", 2)
    assert scorer.decide(transaction_id=2).json["arrival"] == 2


def test_a_store_is_initialised_once(home, tmp_path_factory):
    """A second `init` is refused, here and with the folder of another home."""
    assert manage(["init"], {"ANTIFRAUD_HOME": str(home)}) != 0
    other = tmp_path_factory.mktemp("other")
    init_store(other)
    shutil.rmtree(home / "store")
    shutil.copytree(other / "store", home / "store")
    scorer = Scorer(home)
    scorer.poller.poll()

    detail = scorer.decide().json["detail"]
    assert "the service's store is" in detail
    (home / "releases" / "store.json").write_text('{"identity": "x", "arrival": "many"}')
    for _ in range(2):
        scorer.poller.poll()
    assert scorer.decide().status_code == 503
    (home / "releases" / "store.json").write_bytes((other / "releases" / "store.json").read_bytes())
    scorer.poller.poll()
    assert scorer.decide().status_code == 200
    scorer.close()


def test_the_store_error_of_a_closed_store_keeps_no_frames(home):
    """It is raised for every request, and must not grow with them."""
    shutil.rmtree(home / "store")
    scorer = Scorer(home)
    scorer.poller.poll()
    for _ in range(5):
        assert scorer.decide().status_code == 503

    frames, trace = 0, scorer.services.store_error.__traceback__
    while trace:
        frames, trace = frames + 1, trace.tb_next
    assert frames < 25
