"""The token key rotates under the traffic of six clients: no decision is refused, and no history is cut."""

import itertools
import shutil
import subprocess
import sys

import pytest

from antifraud.clock import DAY_SECONDS, HOUR_SECONDS, date_of
from antifraud.commands.main import main as command
from antifraud.features.buckets import bucket_of
from antifraud.keys.pseudonym import load_keyring, tokenise
from antifraud.lake.catalog import open_catalog
from antifraud.settings.core import JobSettings
from jobs.parity.log import read_log
from jobs.parity.replay import replay
from jobs.parity.states import States
from tests.lake_tables import make_tables
from tests.serving.processes import ROOT, GunicornScorer, environment, wait_for
from tests.serving.rotation_traffic import NEW, OLD, Clients, go_over
from tests.serving.scene import DAY, NO_LABELS, NOON, export_state

CUSTOMERS, TERMINALS = tuple(range(30)), (7, 8, 9)


def tokens_of(key):
    """The tokens of everybody, in the same order for each key."""
    kinds = (("customer", CUSTOMERS), ("terminal", TERMINALS))
    return [tokenise(key, kind, number) for kind, numbers in kinds for number in numbers]


def export(home, ring, key_id, sequence, pairs=()):
    """Export a state in which everybody paid yesterday, under a key; tokens of the whole ring are taken."""
    bucket, hour = bucket_of(NOON - DAY_SECONDS, 500), (NOON - DAY_SECONDS) // HOUR_SECONDS
    entities = {token: ({DAY - 1: bucket}, {hour: bucket}, NO_LABELS) for token in tokens_of(ring[key_id])}
    export_state(home / "state", DAY - 1, entities, sequence=sequence, key_ids=sorted(ring), pairs=pairs)


class Replays:
    """The shipped log of the scene's day, and its replay with some of the exports of the state."""

    def __init__(self, home):
        self._settings = JobSettings(home=home)

    def ship(self):
        """Ship what was decided, as the shipper's process does."""
        shipper = [sys.executable, "-m", "serving.shipper", "--once"]
        subprocess.run(shipper, cwd=ROOT, env=environment(self._settings.home), check=True, capture_output=True)

    def log(self):
        """The only log of the day."""
        (log,) = read_log(open_catalog(self._settings), date_of(DAY), 7).values()
        return log

    def check(self, log, exports="*"):
        """Return how many vectors a replay of a log with these exports gives, and how many others there are."""
        folder = self._settings.home / "copies"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for export_folder in (self._settings.home / "state").glob(f"{date_of(DAY - 1)}-{exports}"):
            shutil.copytree(export_folder, folder / export_folder.name)
        with States(folder) as states:
            found = replay(log, states)
        assert found.without_state == 0
        return found.same, len(found.mismatches)


def under_one_key(log, ring):
    """The log as it would be if every client had kept the old key."""
    old = dict(zip(tokens_of(ring[NEW]), tokens_of(ring[OLD]), strict=True))
    for place, event in enumerate(log.arrivals):
        log.arrivals[place] = event._replace(
            customer=old.get(event.customer, event.customer), terminal=old.get(event.terminal, event.terminal)
        )
    return log


@pytest.fixture
def gunicorn(home):
    """A scorer with a state under the key ring's first key, and a lake to ship to."""
    environ = {"ANTIFRAUD_HOME": str(home)}
    assert command(["keys", "generate"], environ) == 0
    shutil.rmtree(home / "state")
    export(home, load_keyring(JobSettings(home=home).keyring_path).keys, OLD, 1)
    make_tables(JobSettings(home=home))
    running = GunicornScorer(home).start()
    yield running
    running.stop()


def test_the_key_rotates_under_traffic(gunicorn, home):
    """Six clients go over one after another; each vector is that of a scorer whose key was never rotated."""
    environ, path = {"ANTIFRAUD_HOME": str(home)}, JobSettings(home=home).keyring_path
    clients = Clients(gunicorn, dict(load_keyring(path).keys), NOON, CUSTOMERS, TERMINALS)

    def rotate():
        assert command(["keys", "rotate"], environ) == 0
        clients.ring = dict(load_keyring(path).keys)
        pairs = zip(tokens_of(clients.ring[OLD]), tokens_of(clients.ring[NEW]), strict=True)
        clients.wait_for(20)
        export(home, clients.ring, NEW, 2, pairs)

    go_over(clients, rotate)

    assert (clients.refusals, clients.differing) == ([], [])
    assert clients.repeated > 20
    replays = Replays(home)
    replays.ship()
    log = replays.log()
    made = len(log.checked)
    assert made > 300
    assert {event.customer.partition(".")[0] for event in log.arrivals} == {OLD, NEW}
    assert replays.check(log) == (made, 0)
    # Without the links, old and new tokens would be those of two customers.
    assert replays.check(log, exports="00000001")[1] > 0
    assert replays.check(under_one_key(log, clients.ring), exports="00000001") == (made, 0)

    retire_old_key(gunicorn, home, clients)


def retire_old_key(gunicorn, home, clients):
    """End the overlap: tokens of the old key get their problem, those of the new key are decided."""
    # The lake of this test has no days under the old key, so nothing hinders the command.
    assert command(["keys", "retire", OLD], {"ANTIFRAUD_HOME": str(home)}) == 0
    export(home, {NEW: clients.ring[NEW]}, NEW, 3)
    numbers = itertools.count(8_000_000, 1_000)
    wait_for(lambda: clients.statuses(OLD, next(numbers)) == {422}, "the end of the overlap")

    answer = gunicorn.post("/v1/decisions", clients.payment(9_000_000, OLD))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:antifraud:problem:unknown-key")
    assert clients.statuses(NEW, 9_000_001) == {200}
