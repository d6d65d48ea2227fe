"""A URL or a token that can never work is refused when a client is made, and is not repeated in the message."""

import pytest

from antifraud.client import AsyncScorerClient, ClientError, ScorerClient

both = pytest.mark.parametrize("kind", [ScorerClient, AsyncScorerClient])


@both
@pytest.mark.parametrize(
    "url",
    ["", "scorer", "127.0.0.1:8000", "ftp://scorer", "http://", "http://scorer:99999", "http://scorer:0"],
)
def test_a_url_that_leads_nowhere_is_refused(kind, url):
    """A missing scheme or host and an impossible port would look like an outage of the scorer."""
    with pytest.raises(ClientError, match="the URL of the scorer is not valid: expected"):
        kind(url, "s3cret")


@both
@pytest.mark.parametrize("token", ["", "s3cret\n", " s3cret", "s3 cret", "s3crét", "ключ", "s3\0cret"])
def test_a_token_that_no_header_can_hold_is_refused(kind, token):
    """The line end of a token's file is the most common cause."""
    with pytest.raises(ClientError, match="remove line ends and spaces around it") as refused:
        kind("https://scorer", token)
    assert "s3" not in str(refused.value)


@both
@pytest.mark.parametrize("url", ["http://scorer", "https://scorer:8443/base", "http://[::1]:8080", "http://127.0.0.1"])
def test_other_urls_are_taken(kind, url):
    """Names and addresses with and without a port are taken."""
    assert repr(kind(url, "s3cret")).startswith(f"{kind.__name__}('{url}")
