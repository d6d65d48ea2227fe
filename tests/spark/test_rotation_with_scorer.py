"""The commands of the runbook rotate the token key of a lake, under the traffic of a scorer with the lake's states."""

import itertools
import time

import pytest

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.commands.main import main as command
from antifraud.keys.pseudonym import generate_keyring, load_keyring
from antifraud.settings.core import JobSettings
from jobs.lake.export import export_state
from jobs.lake.rotation import rotate
from tests.release_keys import put_keys
from tests.serving.processes import GunicornScorer, wait_for
from tests.serving.rotation_traffic import NEW, OLD, Clients, go_over
from tests.serving.scene import init_store, make_model, make_release, promote
from tests.spark.test_rotate_keys import CUSTOMERS, LAST, TERMINALS, run_all, write_feed

pytestmark = pytest.mark.prove  # a lake of seventy days, for a job that a person starts
NOW = (day_number(LAST) + 1) * DAY_SECONDS + DAY_SECONDS // 2


@pytest.fixture
def scorer(tmp_path):
    """A home with a release and an initialised store, and a scorer that the test starts."""
    put_keys(tmp_path)
    golden = make_model(tmp_path / "candidate", seed=0)
    make_release(tmp_path / "releases", tmp_path / "candidate", golden, "first")
    promote(tmp_path, "first")
    init_store(tmp_path)
    running = GunicornScorer(tmp_path, ANTIFRAUD_CLOCK_OFFSET_SECONDS=str(NOW - int(time.time())))
    yield running
    if running.process:
        running.stop()


def test_the_commands_rotate_under_traffic(scorer, open_lake):
    """`keys rotate`, the re-keying, the export, `keys retire` and the next export refuse no decision of a client."""
    settings = JobSettings(home=scorer.home)
    settings.raw_path.mkdir(parents=True)
    generate_keyring(settings.keyring_path)
    write_feed(settings.raw_path)
    session = open_lake(settings)
    run_all(session, settings)
    entities = export_state(settings, LAST)
    scorer.start()
    environ = {"ANTIFRAUD_HOME": str(scorer.home)}
    clients = Clients(scorer, dict(load_keyring(settings.keyring_path).keys), NOW, CUSTOMERS, TERMINALS)

    def change_key():
        assert command(["keys", "rotate"], environ) == 0
        assert rotate(session, settings, LAST) > 0
        assert export_state(settings, LAST) == entities
        clients.ring = dict(load_keyring(settings.keyring_path).keys)

    go_over(clients, change_key)
    assert (clients.refusals, clients.differing) == ([], [])
    assert clients.repeated > 20
    # Whoever runs the job again gets the bridge anew, and re-keys nothing.
    assert rotate(session, settings, LAST) == 0

    assert command(["keys", "retire", OLD], environ) == 0
    assert export_state(settings, LAST) == entities
    numbers = itertools.count(8_000_000, 1_000)
    wait_for(lambda: clients.statuses(OLD, next(numbers)) == {422}, "the end of the overlap")
    assert clients.statuses(NEW, 9_000_000) == {200}
    answer = scorer.post("/v1/decisions", clients.payment(9_100_000, OLD))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:antifraud:problem:unknown-key")
