"""An export is complete or refused: decisions that were shipped are not in the store any more."""

import pytest

from antifraud.clock import DAY_SECONDS, date_of
from antifraud.errors import DataError
from serving.export_log import export
from serving.worker.retention import oldest_label_hour
from tests.serving.port_scene import GONE, remove_all
from tests.serving.scene import DAY, NOON, export_state

TODAY, LATER = date_of(DAY), NOON + 30 * DAY_SECONDS


def test_a_day_that_was_partly_shipped_is_refused_for_ever(scorer, tmp_path):
    """It is refused also when nothing is left of the shipped decisions; a later day is exported."""
    for number in (1, 2, 3):
        scorer.decide(transaction_id=number)
    scorer.store.release(1, 2)
    remove_all(scorer.store, GONE)
    scorer.clock.time = NOON + DAY_SECONDS
    scorer.decide(transaction_id=4, event_time=NOON + DAY_SECONDS)

    with pytest.raises(DataError, match="may be among the first 2, which are shipped"):
        export(scorer.store, TODAY, date_of(DAY + 1), tmp_path / "log.npz", now=LATER)
    assert not (tmp_path / "log.npz").exists()
    assert export(scorer.store, date_of(DAY + 1), date_of(DAY + 1), tmp_path / "log.npz", now=LATER).decisions == 1


def test_a_release_during_the_export_refuses_it(scorer, tmp_path, monkeypatch):
    """Decisions that vanish between the search and the reading of their vectors are not left out silently."""
    for number in (1, 2):
        scorer.decide(transaction_id=number)
    newest_label = scorer.store.newest_label
    monkeypatch.setattr(scorer.store, "newest_label", lambda: scorer.store.release(1, 1) or newest_label())

    with pytest.raises(DataError, match="were shipped during the export"):
        export(scorer.store, TODAY, TODAY, tmp_path / "log.npz", now=LATER)
    assert not (tmp_path / "log.npz").exists()


def test_live_labels_stay_while_another_worker_needs_them(scorer, home):
    """A worker with a newer state removes none that a worker with an older state still counts."""
    export_state(home / "state", DAY, {}, sequence=2)
    scorer.poller.poll()
    state = scorer.services.serving.state
    alone = oldest_label_hour(scorer.services, state)

    scorer.services.oldest_live_day = DAY - 20
    assert oldest_label_hour(scorer.services, state) < alone
    scorer.services.oldest_live_day = 0
    assert oldest_label_hour(scorer.services, state) == 0
