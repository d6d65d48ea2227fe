"""Live traffic of a source whose ids restart every day, from its raw files to stored labels."""

import httpx
import pytest

from antifraud.client import Refused, ScorerClient
from antifraud.clock import DAY_SECONDS, date_of
from infra.local.live_rows import live_rows
from infra.local.traffic import Tally, post_labels, send
from tests.serving.scene import DAY, KEY

HEADER = "# tranaction_id | tx_datetime | customer_id | terminal_id | tx_amount | tx_time_seconds | tx_time_days | tx_fraud | tx_fraud_scenario\n"  # noqa: E501
DAYS = (DAY - 1, DAY)


@pytest.fixture
def rows(tmp_path):
    """Rows of two days; both have the ids 1 and 2, and the frauds are 1 of the first day and 2 of the second."""
    for place, number in enumerate(DAYS):
        day = date_of(number)
        lines = [
            f"{id_},{day} 0{id_}:00:00,{id_ + 10},3,{5 + place}.00,{place * DAY_SECONDS + id_ * 3_600},{place},"
            f"{int(id_ == place + 1)},0\n"
            for id_ in (1, 2)
        ]
        (tmp_path / f"{day}.txt").write_text(HEADER + "".join(lines))
    return [row for number in DAYS for row in live_rows(tmp_path, date_of(number))]


@pytest.fixture
def client(scorer):
    """The SDK, connected to the app of this process two weeks later, when all labels have been learnt."""
    scorer.services.settings = scorer.settings.__class__(home=scorer.settings.home, late_event_days=20)
    scorer.clock.time = (DAY + 14) * DAY_SECONDS
    with ScorerClient("http://scorer", "till", KEY, httpx.WSGITransport(scorer.client.application)) as opened:
        yield opened


def test_each_day_has_its_own_decisions_and_labels(scorer, client, rows):
    """The four transactions have four decisions, and each label finds the one of its day."""
    tally = Tally()
    send(client, rows, tally, "day")
    post_labels(client, rows, "day")

    assert tally.decided == 4
    labels = scorer.store.read_labels(1, 100)
    assert [(label.transaction_id, label.status) for _, label in labels] == [
        ("2024-10-03:1", "fraud"),
        ("2024-10-03:2", "legitimate"),
        ("2024-10-04:1", "legitimate"),
        ("2024-10-04:2", "fraud"),
    ]
    assert scorer.get("/v1/decisions/2024-10-03:1").json["transaction_id"] == "2024-10-03:1"


def test_undeclared_ids_that_restart_end_with_advice(client, rows):
    """Under the global scope, the second day's id 1 is a conflict, and the error says what to send."""
    with pytest.raises(Refused, match="such as <day>:<id> if your ids restart every day"):
        send(client, rows, Tally(), "global")
