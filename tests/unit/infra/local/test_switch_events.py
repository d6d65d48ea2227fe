"""The events of a run's receiver are read in the order of the switch's changes."""

import json

import pytest

from antifraud.errors import PublishError
from infra.local import waiting
from infra.local.events import read_events, wait_for_event


def keep(folder, name, kind, epoch, began=0):
    """Write a webhook as the receiver keeps it."""
    body = {"id": name, "type": kind, "data": {"epoch": epoch, "began": began}}
    (folder / f"{name}.json").write_text(json.dumps(body))


@pytest.fixture
def folder(tmp_path):
    """A suspension, a warning before it, a resume after it, and a ping."""
    keep(tmp_path, "b", "antifraud.switch.suspended", 3)
    keep(tmp_path, "c", "antifraud.switch.warning", 2)
    keep(tmp_path, "a", "antifraud.switch.resumed", 4)
    keep(tmp_path, "d", "antifraud.ping", 9)
    return tmp_path


def test_events_have_the_order_of_the_changes_and_pings_are_none(folder):
    """Epochs order them, not names; a ping is no news about the switch."""
    assert [(event.kind, event.epoch) for event in read_events(folder)] == [
        ("warning", 2), ("suspended", 3), ("resumed", 4)]  # fmt: skip


def test_the_event_of_a_mode_is_that_of_its_first_epoch(folder, monkeypatch):
    """The same news of another epoch is not taken for it, and its absence is said."""
    assert wait_for_event(folder, "suspended", 3).id == "b"
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.01)
    with pytest.raises(PublishError, match=r"no webhook antifraud\.switch\.suspended of epoch 5 arrived"):
        wait_for_event(folder, "suspended", 5)


def test_no_folder_has_no_events(tmp_path):
    """A receiver that has kept nothing yet has no folder."""
    assert read_events(tmp_path / "webhooks") == []
