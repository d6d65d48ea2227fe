"""The shipper writes to S3 with a catalog in PostgreSQL, and a day without that catalog loses no decision."""

import json
import os
from dataclasses import fields, replace

import pytest

from antifraud.errors import StoreFull
from antifraud.lake.outcome_table import OUTCOMES
from antifraud.lake.shipped_tables import CLIENT_LABELS, DECISIONS, SWITCH_HISTORY
from infra.local.ports import free_port
from serving.shipper.__main__ import main
from serving.store.store import open_store
from tests.lake_tables import make_tables, rows_of
from tests.serving.outcome_scene import tell
from tests.serving.port_scene import GONE, commit, put_label, remove_all, settings_of
from tests.serving.scene import NOON, init_store
from tests.storage.conftest import make_database, remote_settings

CATALOG_AWAY = 54
MEGABYTES = 1


@pytest.fixture
def lake(tmp_path, servers, request):
    """A lake in S3 and PostgreSQL with all tables, whose home has a small store that was just resumed."""
    _, postgres = servers
    # A catalog belongs to one lake.
    uri = make_database(postgres, f"shipping_{request.node.name.split('_')[1]}")
    settings = replace(remote_settings(tmp_path, servers, request.node.name), catalog_uri=uri)
    (tmp_path / "releases").mkdir()
    init_store(tmp_path)
    make_tables(settings)
    return settings


def ship(lake):
    """Run the shipper once with these settings; return its exit code."""
    values = {field.name: getattr(lake, field.name) for field in fields(lake)}
    environ = {f"ANTIFRAUD_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return main(["--once"], {**environ, "PATH": os.environ["PATH"], "ANTIFRAUD_STORE_MAP_BYTES": str(MEGABYTES << 20)})


def opened(lake):
    """Open the store of a lake's home."""
    return open_store(settings_of(lake.home, MEGABYTES))


def numbers_of(lake, table, column):
    return [row[column] for row in rows_of(lake, table)]


def test_every_stream_is_shipped_once(lake, capfd):
    """Decisions, labels, outcomes and changes of the switch come to S3, and the second round finds nothing new."""
    store = opened(lake)
    for number in (1, 2, 3):
        commit(store, number)
    put_label(store, 1)
    tell(store, (2, "authorised", NOON + 1))
    store.close()

    assert (ship(lake), ship(lake)) == (0, 0)

    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert {name: line[name] for name in ("decisions", "client_labels", "outcomes", "switch_history")} == {
        "decisions": 3, "client_labels": 1, "outcomes": 1, "switch_history": 1,
    }  # fmt: skip
    assert numbers_of(lake, DECISIONS, "arrival") == [1, 2, 3]
    assert numbers_of(lake, CLIENT_LABELS, "sequence") == [1]
    assert numbers_of(lake, OUTCOMES, "sequence") == [1]
    assert numbers_of(lake, SWITCH_HISTORY, "epoch") == [1]
    store = opened(lake)
    assert (store.shipped().arrival, store.shipping.shipped_label(), store.outcomes.shipped()) == (3, 1, 1)
    store.close()


def fill(store, first):
    """Commit decisions until one is refused; return the number of the refused one."""
    number = first
    try:
        while True:
            commit(store, number, terminal=f"k1.t{number % 200}", customer=f"k1.c{number % 500}")
            number += 1
    except StoreFull:
        return number


def test_a_catalog_that_is_away_for_a_day_loses_nothing(lake):
    """The store fills and refuses the next decision before its commit; afterwards everything is shipped once."""
    away = replace(lake, catalog_uri=f"postgresql+psycopg2://127.0.0.1:{free_port()}/lake")
    store = opened(lake)
    commit(store, 1)
    store.close()
    assert ship(lake) == 0

    store = opened(lake)
    refused = fill(store, 2)
    assert store.newest_arrival() == refused - 1
    store.close()
    assert ship(away) == CATALOG_AWAY
    store = opened(lake)
    with pytest.raises(StoreFull):
        commit(store, refused)
    store.close()

    assert ship(lake) == 0
    store = opened(lake)
    remove_all(store, GONE)
    commit(store, refused)
    store.close()
    assert ship(lake) == 0
    assert numbers_of(lake, DECISIONS, "arrival") == list(range(1, refused + 1))
