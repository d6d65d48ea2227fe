"""Tokens of a key that is not in use are refused by name, because they would be decided as those of strangers."""

import pytest

from tests.serving.scene import CUSTOMER, DAY, NO_LABELS, TERMINAL, export_state, view_of
from tests.serving.test_decisions import assert_problem

OTHER = {"customer": CUSTOMER.replace("k1.", "k2."), "terminal": TERMINAL.replace("k1.", "k2.")}


def load_state(scorer, key_ids):
    """Let the scorer load a state whose export knows these keys."""
    export_state(scorer.settings.state_dir, DAY - 1, {CUSTOMER: ({}, {}, NO_LABELS)}, sequence=2, key_ids=key_ids)
    scorer.poller.poll()


@pytest.mark.parametrize("field", ["customer", "terminal"])
def test_a_token_of_an_unknown_key_is_refused(scorer, field):
    """The answer is a problem of its own that names the field, and nothing is written."""
    answer = scorer.decide(**{field: OTHER[field]})

    assert_problem(answer, 422, "unknown-key", field)
    assert OTHER[field] not in answer.text
    assert scorer.store.newest_arrival() == 0
    with view_of(scorer.store) as view:
        assert view.count("live") == 0
    assert scorer.decide(**{field: OTHER[field], "transaction_id": 2}).status_code == 422


def test_while_keys_rotate_both_are_known(scorer):
    """From the export after a rotation on, tokens of both keys are decided, until the old key is retired."""
    load_state(scorer, ["k1", "k2"])

    assert scorer.decide(transaction_id=1).status_code == 200
    assert scorer.decide(transaction_id=2, **OTHER).status_code == 200

    export_state(
        scorer.settings.state_dir, DAY - 1, {OTHER["customer"]: ({}, {}, NO_LABELS)}, sequence=3, key_ids=["k2"]
    )
    scorer.poller.poll()
    assert_problem(scorer.decide(transaction_id=3), 422, "unknown-key", "customer")
    assert scorer.decide(transaction_id=4, **OTHER).status_code == 200


def test_a_repeat_is_answered_whatever_its_key(scorer):
    """A decision that was made stands: a repeat gets it also after the key was retired."""
    first = scorer.decide()
    load_state(scorer, ["k2"])

    assert scorer.decide().data == first.data


def test_an_export_that_does_not_say_refuses_no_key(scorer):
    """An export of an earlier version, or one without access to the key ring, knows no keys."""
    load_state(scorer, None)

    assert scorer.decide(**OTHER).status_code == 200


def test_a_suspended_service_says_so_first(scorer):
    """Whoever asks a suspended service has to decide without it, with any key."""
    scorer.switch("suspend", 1)

    assert_problem(scorer.decide(**OTHER), 503, "suspended")
