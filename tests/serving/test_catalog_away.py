"""The catalog of the lake is away for a day: the scorer decides while there is room, and then refuses by name."""

import pytest

from antifraud.errors import CatalogError
from antifraud.lake.appending import Appender
from antifraud.lake.shipped_tables import DECISIONS
from antifraud.settings.core import JobSettings
from serving.shipper.shipping import ship
from tests.lake_tables import make_tables, rows_of
from tests.serving.port_scene import GONE, remove_all
from tests.serving.rotation_scene import parties
from tests.serving.scene import Scorer
from tests.serving.test_decisions import assert_problem


@pytest.fixture
def small(home):
    """A scorer with a store of one megabyte, and a lake."""
    make_tables(JobSettings(home=home))
    scorer = Scorer(home, store_map_bytes=1 << 20)
    scorer.poller.poll()
    yield scorer
    scorer.close()


def ship_all(scorer):
    lake = JobSettings(home=scorer.settings.home)
    return ship(scorer.store, Appender(lake, scorer.store.identity), 1_000, should_stop=lambda: False)["decisions"]


def decide_until_refused(scorer, first):
    """Decide until a request is no decision; return its number and its answer."""
    number = first
    while (answer := scorer.decide(transaction_id=number, **parties("k1", number % 500, number % 200))).is_json:
        if answer.status_code != 200:
            break
        number += 1
    return number, answer


def test_a_full_outbox_refuses_before_the_commit_and_loses_nothing(small, home):
    """503 with Retry-After; the refused payment has left no trace, and is decided when the catalog is back."""
    catalog = JobSettings(home=home).catalog_file
    catalog.rename(home / "away.db")
    catalog.mkdir()

    refused, answer = decide_until_refused(small, 1)
    assert_problem(answer, 503, "store-unusable")
    assert int(answer.headers["Retry-After"]) > 0
    with pytest.raises(CatalogError):
        ship_all(small)
    assert small.store.newest_arrival() == refused - 1
    assert small.get(f"/v1/decisions/{refused}").status_code == 404
    assert small.get("/v1/decisions/1").status_code == 200

    catalog.rmdir()
    (home / "away.db").rename(catalog)
    assert ship_all(small) == refused - 1
    remove_all(small.store, GONE)
    small.poller.poll()
    assert small.decide(transaction_id=refused).json["arrival"] == refused
    assert ship_all(small) == 1
    lake = JobSettings(home=home)
    assert [row["arrival"] for row in rows_of(lake, DECISIONS)] == list(range(1, refused + 1))
