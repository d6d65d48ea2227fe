"""Bodies and requests of the benchmarks of the edge."""

import base64
import json

import pytest

from bench.serving.edge.candidates import NoOp, PandasRow, Scorer, transaction
from bench.serving.edge.crowd import Crowd
from bench.serving.edge.slow_clients import require_present
from bench.serving.edge.tail import describe
from bench.serving.edge.tools import Tail, lines, target_lines


def test_each_request_of_the_scorer_is_a_new_transaction_of_another_customer():
    """Ids never repeat, and a million numbers reach a million customers."""
    sent = [transaction(number, customers=1_000) for number in range(1_000)]
    assert len({each["transaction_id"] for each in sent}) == 1_000
    assert len({each["customer"] for each in sent}) == 1_000


def test_vegeta_gets_one_request_a_line(tmp_path):
    """A target holds method, address, headers and the body in base 64."""
    candidate = NoOp(tmp_path)
    (target,) = map(json.loads, target_lines(candidate, ['{"a":1}']))
    assert base64.b64decode(target.pop("body")) == b'{"a":1}'
    assert target == {
        "method": "POST", "url": candidate.url, "header": {"Content-Type": ["application/json"]},
    }  # fmt: skip


def test_stateless_servers_get_all_features(tmp_path):
    """A row has each of the 48 features once."""
    (line,) = lines(PandasRow(tmp_path), 7, 1)
    assert len(json.loads(line)) == 48


def test_the_scorer_gets_the_token_of_a_client(tmp_path):
    """The header holds the token, and the address does not."""
    (tmp_path / "home" / "secrets").mkdir(parents=True)
    (tmp_path / "home" / "secrets" / "client.token").write_text("secret\n")
    scorer = Scorer(tmp_path, customers=1)
    assert scorer.headers["Authorization"] == "Bearer secret"
    assert "secret" not in scorer.url


def test_tails_are_told_in_milliseconds():
    """Medians of the turns, and the sum of the failures."""
    tails = [Tail(0.001, 0.005, 0), Tail(0.002, 0.009, 2), Tail(0.003, 0.007, 0)]
    assert describe(tails) == "p50 2.0 ms, p99 7.0 ms, 2 failed"


def test_a_measurement_without_its_crowd_is_refused():
    """Most clients of each kind must have been connected all the time."""
    require_present({"idle": 1.0, "slow": 0.8})
    with pytest.raises(RuntimeError, match="slow"):
        require_present({"idle": 1.0, "slow": 0.79})


def test_a_crowd_keeps_the_fewest_of_each_kind():
    """It is complete when nearly all have connected, and later notes how many of them were missing."""
    crowd = Crowd({"idle": 100, "slow": 20}, present={"idle": 95, "slow": 18})
    assert not crowd.is_complete()
    crowd.present["slow"] = 19
    assert crowd.is_complete()
    for idle in (100, 80, 90):
        crowd.present["idle"] = idle
        crowd.look()
    assert crowd.fewest == {"idle": 80, "slow": 19}
