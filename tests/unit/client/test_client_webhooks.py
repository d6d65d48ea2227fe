"""A receiver that was given the wrong secret learns that, instead of taking every webhook for a forgery."""

import pytest

from antifraud.client import ClientError, verify_webhook
from tests.unit.client.test_scorer import BODY, SECRET, signed

MALFORMED = ["", "whsec_", "whsec_!!!", "c2VjcmV0", f"{SECRET}\n", f" {SECRET}", "whsec_c2VjcmV", "whsec_c2V jcmV0"]


@pytest.mark.parametrize("secret", MALFORMED)
@pytest.mark.parametrize("others", [[], [SECRET]], ids=["alone", "rotation"])
def test_a_malformed_secret_is_named(secret, others):
    """The line end of the secret's file is the most common cause; the message does not repeat the secret."""
    with pytest.raises(ClientError, match="secret of webhooks is malformed: expected whsec_ and base64") as refused:
        verify_webhook([*others, secret], signed(BODY), BODY.encode())
    assert "c2V" not in str(refused.value)


def test_a_signed_body_of_many_brackets_is_no_event():
    """No body of a sender that knows the secret raises another error."""
    body = "[" * 100_000

    with pytest.raises(ClientError, match="does not verify"):
        verify_webhook(SECRET, signed(body), body.encode())
