"""A store that the version before outcomes has filled is sound, and knows which hours it cannot make anew."""

import lmdb
import pytest

from antifraud.errors import StoreDamaged
from antifraud.features.buckets import Bucket
from serving.store.databases import ADDED, DATABASES
from serving.store.soundness import require_sound
from serving.store.store import open_store
from tests.serving.outcome_scene import effects, live, pay, tell
from tests.serving.port_scene import settings_of
from tests.serving.scene import CUSTOMER, NOON, init_store

HOUR = NOON // 3_600


def drop(folder, names):
    """Remove databases from the file, as if no version had ever made them."""
    with lmdb.open(str(folder), max_dbs=len(DATABASES)) as environment:
        databases = [environment.open_db(name.encode()) for name in names]
        with environment.begin(write=True) as transaction:
            for database in databases:
                transaction.drop(database)


@pytest.fixture
def home(tmp_path):
    """A home with a store that has counted one payment, and keeps no event of it."""
    init_store(tmp_path)
    store = open_store(settings_of(tmp_path))
    pay(store, 1, time=NOON, amount=300)
    pay(store, 2, time=NOON + 20, amount=500)
    store._environment.write(lambda view: view.clear("events"))
    store.close()
    drop(tmp_path / "store", ADDED)
    return tmp_path


def test_a_store_without_the_new_databases_is_sound(home):
    """They are made when the store is opened; a missing one of the others is still damage."""
    require_sound(home / "store")
    open_store(settings_of(home)).close()
    require_sound(home / "store")

    drop(home / "store", ["labels"])
    with pytest.raises(StoreDamaged, match="without labels"):
        require_sound(home / "store")


def test_a_decline_of_what_is_not_kept_is_late(home):
    """The event has no record, so its hour stays as it is; the outcome is stored all the same."""
    store = open_store(settings_of(home))

    assert effects(tell(store, (1, "declined", NOON + 30))) == ["late"]
    assert live(store, CUSTOMER) == {HOUR: Bucket(2, 800, 340_000, 500, NOON + 20)}
    assert store.outcomes.newest() == 1
    store.close()


def test_an_hour_of_both_versions_is_subtracted_but_never_guessed(home):
    """A payment that is neither the largest nor the last is subtracted; the others are needed to do more."""
    store = open_store(settings_of(home))
    pay(store, 3, time=NOON + 10, amount=200)
    pay(store, 4, time=NOON + 40, amount=100)

    assert effects(tell(store, (4, "declined", NOON + 50), (3, "declined", NOON + 50))) == ["late", "removed"]
    assert live(store, CUSTOMER) == {HOUR: Bucket(3, 900, 350_000, 500, NOON + 40)}
    store.close()
