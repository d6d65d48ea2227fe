"""One identifier has one token, and one transaction has one id, however a program spells them."""

import json
from decimal import Decimal

import httpx
import numpy as np
import pytest

from antifraud.client import ClientError, Label, ScorerClient
from antifraud.errors import SchemaError
from antifraud.keys.pseudonym import Key, tokenise

KEY = Key("k1", bytes(32))
NO_IDS = [True, False, 596.0, 0.5, -1, 10**18, 10**5000, Decimal(596), np.int64(596), None, b"596"]
NO_TEXTS = ["", " 596", "596 ", "596\n", "596.0", "-1", "+1", "1e3", "1_000", "٥٩٦", "9" * 19, "True"]


def sent_by(call):
    """The body that a call sends; the answer is refused."""
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.content))
        return httpx.Response(400)

    with pytest.raises(ClientError):
        call(ScorerClient("http://scorer", "s3cret", KEY, transport=httpx.MockTransport(answer)))
    return bodies[0] if bodies else None


@pytest.mark.parametrize("kind", ["customer", "terminal"])
def test_a_number_and_its_digits_are_one_token(kind):
    """596, its text, and its text with leading zeros, which ingest reads as the same number."""
    assert tokenise(KEY, "customer", 711) == "k1.zHeP_QFuKizleb1m1rWbbQ"
    assert len({tokenise(KEY, kind, spelt) for spelt in (596, "596", "0596", "0" * 15 + "596")}) == 1


@pytest.mark.parametrize("value", NO_IDS + NO_TEXTS, ids=range(len(NO_IDS + NO_TEXTS)))
def test_anything_else_has_no_token(value):
    """A value that only looks like the number is refused, and is not repeated in the error."""
    with pytest.raises(SchemaError, match=r"^the id of a customer is not valid: expected an integer from 0") as caught:
        tokenise(KEY, "customer", value)
    assert "596" not in str(caught.value)

    def decide(scorer):
        scorer.decide(1, 60, 7, value, 5)

    assert sent_by(decide) is None


@pytest.mark.parametrize("value", [True, 596.0, -1, None, "", "a b", "9" * 65, 10**64, Decimal(5), b"5"])
def test_a_transaction_id_is_text_or_an_integer(value):
    """Another value is refused before it is sent, in decisions and in labels."""
    assert sent_by(lambda scorer: scorer.decide(value, 60, 7, 8, 5)) is None
    assert sent_by(lambda scorer: scorer.label([Label(value, "fraud", 1)])) is None


@pytest.mark.parametrize("value", [5, "5"])
def test_an_integer_is_its_decimal_text(value):
    """Both spellings are sent as the same text."""
    assert sent_by(lambda scorer: scorer.decide(value, 60, 7, 8, 5))["transaction_id"] == "5"
