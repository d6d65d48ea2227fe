"""A policy beside the model in a real worker: followed without a restart, named in every answer, stored for good."""

import numpy as np
import pytest

from antifraud.artifacts.decision_log import SAID, DecisionLog
from antifraud.artifacts.policies import POINTER
from antifraud.clock import HOUR_SECONDS, date_of
from antifraud.keys.pseudonym import tokenise
from antifraud.killswitch.machine import Mode, Switch
from serving.export_log import export
from serving.store.counting import find_arrivals
from serving.store.decisions import Contexts
from serving.store.switchboard import put_switch
from serving.store.tallies import DECIDED
from serving.store.tallies import FLAGGED as FLAGGED_ROWS
from tests.serving.policy_scene import activate_text, cap
from tests.serving.scene import CUSTOMER, DAY, KEY, NOON, TERMINAL, Scorer, stored, view_of

OTHER = tokenise(KEY, "customer", 5)
FLAGGED = 39_000
"""An amount that the tiny model of the scene finds risky."""


def velocity(name, entity, measure, window, above, effect="flag"):
    fields = {"id": name, "entity": entity, "measure": measure, "window": window, "effect": effect}
    return "[[velocity]]\n" + "".join(f'{key} = "{value}"\n' for key, value in fields.items()) + f"above = {above}\n"


def counted_by_guard(scorer):
    """The tallies of the decisions that the guard would count now."""
    with view_of(scorer.store) as view:
        return find_arrivals(view, Contexts(), 7, 100).added


def said(answer):
    return answer.json["decision"], answer.json["reasons"]


def test_without_a_policy_an_answer_says_so(scorer):
    """The release alone decides; a flagged payment never gets a label, and an approved one surely can."""
    approved, flagged = scorer.decide().json, scorer.decide(transaction_id=2, amount=FLAGGED).json

    assert (approved["source"], approved["policy"], approved["propensity"]) == ("model", None, 1.0)
    assert (flagged["source"], flagged["policy"], flagged["propensity"]) == ("model", None, 0.0)
    assert scorer.get("/v1/status").json["policy"] is None


def test_a_policy_is_followed_without_a_restart(scorer, home):
    """The next poll takes it, and the version stands in the answers, in the status and in the worker's report."""
    before = scorer.decide().json
    activate_text(home, cap(5_000))
    scorer.poller.poll()

    after = scorer.decide(transaction_id=2).json

    assert (before["policy"], before["decision"], before["reasons"]) == (None, "approve", [])
    assert (after["policy"], after["decision"], after["reasons"]) == (1, "review", ["rule:cap"])
    assert after["propensity"] == 1.0
    status = scorer.get("/v1/status").json
    assert status["policy"] == {"version": 1, "sequence": 1}
    assert status["workers"][0]["policy"] == {"version": 1, "sequence": 1}
    assert status["converged"]


def test_workers_that_use_an_older_policy_have_not_converged(scorer, home):
    """A status before the next poll says that the new rules do not hold everywhere."""
    activate_text(home, cap(5_000))

    assert not scorer.get("/v1/status").json["converged"]
    scorer.poller.poll()
    assert scorer.get("/v1/status").json["converged"]


def test_a_repeat_gets_the_answer_of_its_time(scorer, home):
    """Another policy, and none of its rules' names, changes nothing about what was decided."""
    activate_text(home, cap(5_000))
    scorer.poller.poll()
    first = scorer.decide()
    activate_text(home, cap(5_000, "flag").replace("cap", "other"), version=2)
    scorer.poller.poll()

    assert scorer.decide().data == first.data
    assert scorer.get("/v1/decisions/1").data == first.data
    assert said(scorer.decide(transaction_id=2)) == ("flag", ["rule:other"])


def test_velocity_rules_count_the_present_payment(scorer, home):
    """The third payment of a customer in an hour, and the one that brings the terminal's day above the sum."""
    activate_text(
        home,
        velocity("pace", "customer", "count", "1h", 2, "review") + velocity("spent", "terminal", "sum", "1d", 1_000),
    )
    scorer.poller.poll()

    answers = [said(scorer.decide(transaction_id=number, amount=300)) for number in range(1, 5)]

    assert answers[:2] == [("approve", []), ("approve", [])]
    assert answers[2] == ("review", ["rule:pace"])
    assert answers[3] == ("flag", ["rule:pace", "rule:spent"])
    later = scorer.decide(transaction_id=9, amount=300, customer=OTHER, event_time=NOON - 2 * HOUR_SECONDS)
    assert said(later) == ("approve", []), "another customer, before all of them"


def test_lists_are_named_in_the_reasons(scorer, home):
    """A denied terminal is flagged, and a customer on an allow list is approved whatever the score."""
    activate_text(
        home,
        f'[[deny]]\nid = "skimmed"\nentity = "terminal"\ntokens = ["{TERMINAL}"]\neffect = "flag"\n'
        f'[[allow]]\nid = "staff"\nentity = "customer"\ntokens = ["{OTHER}"]\n',
    )
    scorer.poller.poll()
    elsewhere = tokenise(KEY, "terminal", 9)

    assert said(scorer.decide(transaction_id=1)) == ("flag", ["rule:skimmed"])
    assert said(scorer.decide(transaction_id=2, customer=OTHER, terminal=elsewhere, amount=FLAGGED)) == (
        "approve",
        ["score_above_threshold", "rule:staff"],
    )


def test_a_limit_of_the_score_makes_reviews(scorer, home):
    """The answer says which limit the score is above."""
    activate_text(home, "score = {review_above = 0, flag_above = 999_999}")
    scorer.poller.poll()

    assert said(scorer.decide(amount=FLAGGED)) == ("review", ["score_above_threshold", "score_above_review_limit"])


def test_a_broken_policy_leaves_the_earlier_one(scorer, home):
    """The status names the trouble, and a repaired file is taken."""
    activate_text(home, cap(5_000))
    scorer.poller.poll()
    whole = (home / "policies" / POINTER).read_text()
    (home / "policies" / POINTER).write_text(whole.replace("a test of rules", "something else"))
    scorer.poller.poll()

    assert said(scorer.decide()) == ("review", ["rule:cap"])
    assert "was not signed with the release key" in scorer.get("/v1/status").json["troubles"]["policy"]
    (home / "policies" / POINTER).write_text(whole)
    scorer.poller.poll()
    assert scorer.get("/v1/status").json["troubles"] == {}


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "older"])
def test_a_record_that_is_gone_or_older_is_refused(scorer, home, is_gone):
    """Deny lists must not vanish because somebody restores a folder."""
    path = home / "policies" / POINTER
    activate_text(home, cap(5_000))
    scorer.poller.poll()
    earlier = path.read_text()
    activate_text(home, cap(6_000), version=2)
    scorer.poller.poll()

    if is_gone:
        path.unlink()
    else:
        path.write_text(earlier)
    scorer.poller.poll()

    assert scorer.decide().json["policy"] == 2
    assert "is gone or older than the policy in use" in scorer.get("/v1/status").json["troubles"]["policy"]


def test_a_worker_that_starts_with_a_broken_policy_decides_nothing(home):
    """Without the deny lists that hold, it would let payments through."""
    activate_text(home, cap(5_000))
    (home / "policies" / POINTER).write_text("{}")
    scorer = Scorer(home)
    scorer.poller.poll()

    assert scorer.decide().status_code == 503
    assert scorer.get("/readyz").status_code == 503
    scorer.close()


def test_the_control_share_is_stored_with_its_chance(scorer, home):
    """About half of the would-be flags pass; the model's own flag stays in the reasons of each."""
    activate_text(home, "control = {share = 0.5, amount_at_most = 39_000}")
    scorer.poller.poll()

    answers = [scorer.decide(transaction_id=number, amount=FLAGGED).json for number in range(1, 41)]

    told = [answer["decision"] for answer in answers]
    assert 8 <= told.count("approve") <= 32
    assert {answer["propensity"] for answer in answers} == {0.5}
    assert all(
        answer["reasons"] == ["score_above_threshold", *(["control_share"] if answer["decision"] == "approve" else [])]
        for answer in answers
    )
    decision, _ = stored(scorer.store, 1)
    assert (decision.above_threshold, decision.effective_ruling.effect) == (True, "flag")
    large = scorer.decide(transaction_id=99, amount=FLAGGED + 1).json
    assert (large["decision"], large["propensity"]) == ("flag", 0.0)


def test_the_guard_counts_the_flag_of_the_model(scorer, home):
    """A rule's flag, an approval by a list and a control share change nothing about the model's rate."""
    activate_text(home, cap(5_000, "flag") + f'[[allow]]\nid = "staff"\nentity = "customer"\ntokens = ["{OTHER}"]\n')
    scorer.poller.poll()
    scorer.decide(transaction_id=1)
    scorer.decide(transaction_id=2, customer=OTHER, amount=FLAGGED)

    ((cohort, (tally, _)),) = counted_by_guard(scorer).items()

    assert (cohort.release, tally[DECIDED], tally[FLAGGED_ROWS]) == ("first", 2, 1)
    assert [scorer.get(f"/v1/decisions/{number}").json["decision"] for number in (1, 2)] == ["flag", "approve"]


def test_observing_approves_everything_and_keeps_the_rulings(scorer, home):
    """Nothing is blocked, so every label can become known."""
    activate_text(home, cap(5_000, "flag"))
    scorer.poller.poll()
    observing = Switch(Mode.OBSERVE, 2, "a trial of the rules", "boss", NOON)
    scorer.store._environment.write(lambda view: put_switch(view, observing))

    answer = scorer.decide().json

    assert (answer["decision"], answer["reasons"], answer["propensity"]) == (
        "approve",
        ["observed_only", "rule:cap"],
        1.0,
    )


def test_rules_decide_alone_while_the_service_is_suspended(scorer, home):
    """Nothing is scored, the decision belongs to no release, and its history goes on to count."""
    activate_text(home, velocity("pace", "customer", "count", "1h", 2))
    scorer.poller.poll()
    scorer.switch("suspend", 1)

    answers = [scorer.decide(transaction_id=number, amount=FLAGGED).json for number in range(1, 4)]

    assert [answer["decision"] for answer in answers] == ["approve", "approve", "flag"]
    first = answers[0]
    assert (first["source"], first["score"], first["threshold"], first["release"]) == ("rules", None, None, None)
    assert (first["mode"], first["policy"], first["counted"], first["reasons"]) == ("SUSPENDED", 1, True, [])
    assert scorer.get("/readyz").status_code == 200
    assert scorer.decide(transaction_id=3, amount=FLAGGED).json == answers[2]
    assert counted_by_guard(scorer) == {}, "it is in no release's rate"


@pytest.mark.parametrize("text", ['on_suspend = "rules"\n' + cap(5_000), 'on_suspend = "refuse"\n' + cap(5_000)])
def test_rules_need_no_release(scorer, home, text):
    """The only release is damaged, and a worker begins: with `rules` the policy decides, else nothing does."""
    scorer.switch("suspend", 1)
    scorer.close()
    activate_text(home, text)
    (home / "releases" / "first" / "model.onnx").write_bytes(b"damaged")
    restarted = Scorer(home)
    restarted.poller.poll()
    try:
        answers = [restarted.decide(transaction_id=number, amount=number * 4_000) for number in (1, 2)]
        status = restarted.get("/v1/status").json
        assert "model.onnx of bundle first" in status["troubles"]["release"]
        assert (status["release"], status["threshold"], status["workers"][0]["release"]) == (None, None, None)
        if "refuse" in text:
            assert [answer.status_code for answer in answers] == [503, 503]
            assert restarted.get("/readyz").status_code == 503
        else:
            assert [answer.json["decision"] for answer in answers] == ["approve", "review"]
            assert [answer.json["release"] for answer in answers] == [None, None]
            assert restarted.get("/readyz").status_code == 200
            # Once it serves again, a release is needed.
            assert restarted.switch("resume", 2).status_code == 409
    finally:
        restarted.close()


@pytest.mark.parametrize("text", ['on_suspend = "refuse"\n' + cap(5_000), None], ids=["refuse", "no policy"])
def test_a_suspended_service_refuses_unless_a_policy_decides(scorer, home, text):
    """The policy says so, or there is none."""
    if text:
        activate_text(home, text)
    scorer.poller.poll()
    scorer.switch("suspend", 1)

    assert scorer.decide().status_code == 503
    assert scorer.get("/readyz").status_code == 503


def test_only_a_decision_with_a_ruling_is_larger(scorer, home):
    """Two bytes, and one for each hit; a policy that changes nothing costs no byte."""
    scorer.decide(transaction_id=1)
    activate_text(home, cap(7_091) + cap(9_000).replace("cap", "more"))
    scorer.poller.poll()
    scorer.decide(transaction_id=2)
    scorer.decide(transaction_id=3, amount=9_001, metadata={"till": "3"})

    with view_of(scorer.store) as view:
        before, unchanged, ruled = [stub for _, stub in view.items("stubs")]
    assert len(before) == len(unchanged) <= 90
    assert len(ruled) == len(before) + 2 + 2 + 1 + len('{"till":"3"}')
    decision, _ = stored(scorer.store, 3)
    assert (decision.terminal, decision.metadata, decision.hits) == (TERMINAL, b'{"till":"3"}', ("cap", "more"))


def test_an_export_has_the_rulings(scorer, home, tmp_path):
    """Answer, propensity and version of each decision, and the hits by rule; no token."""
    scorer.decide(transaction_id=1)
    activate_text(home, cap(5_000) + cap(6_000, "flag").replace("cap", "hard"))
    scorer.poller.poll()
    scorer.decide(transaction_id=2)
    scorer.switch("suspend", 1)
    scorer.decide(transaction_id=3, amount=5_500)
    export(scorer.store, date_of(DAY), date_of(DAY), tmp_path / "log.npz", now=NOON)

    log = DecisionLog(tmp_path / "log.npz")
    (rows,) = log.decisions()
    hits = log.hits()

    assert [SAID[place] for place in rows["said"]] == ["approve", "flag", "review"]
    assert rows["flagged"].tolist() == [False, True, False]
    assert (rows["propensity"].tolist(), rows["policy"].tolist()) == ([1.0, 0.0, 1.0], [0, 1, 1])
    assert (rows["score"][2], rows["threshold"][2], log.about.releases[rows["release"][2]]) == (-1, 0, "")
    assert [log.about.rules[place] for place in hits["hit_rule"]] == ["cap", "hard", "cap"]
    assert hits["hit_transaction_id"].tolist() == [b"2", b"2", b"3"]
    assert np.isfinite(rows["vector"][2][0])


def test_hits_and_answers_are_counted(scorer, home):
    """An operator sees which rule fires."""
    activate_text(home, cap(5_000))
    scorer.poller.poll()
    scorer.decide()

    shown = scorer.get("/metrics").text

    assert 'antifraud_rule_hits_total{rule="cap"} 1.0' in shown
    assert 'antifraud_decisions_total{decision="review",release="first"} 1.0' in shown


def test_another_customer_is_not_counted(scorer, home):
    """Each entity has sums of its own."""
    activate_text(home, velocity("pace", "customer", "count", "1h", 1))
    scorer.poller.poll()
    scorer.decide(transaction_id=1)

    assert said(scorer.decide(transaction_id=2, customer=OTHER)) == ("approve", [])
    assert said(scorer.decide(transaction_id=3, customer=CUSTOMER)) == ("flag", ["rule:pace"])
