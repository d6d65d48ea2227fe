"""``X-Request-Id``: a client's own id comes back and is logged; another one is replaced."""

import pytest


def ask(scorer, sent=None, path="/v1/decisions/1"):
    headers = {"Authorization": "Bearer till"} | ({} if sent is None else {"X-Request-Id": sent})
    return scorer.client.get(path, headers=headers)


def test_an_id_comes_back_in_answer_problem_and_log(scorer):
    """The header of the answer, the document of a problem and the log line name the id that was sent."""
    answer = ask(scorer, "till-3:2026.1_a")

    assert answer.headers["X-Request-Id"] == "till-3:2026.1_a"
    assert (answer.status_code, answer.json["request_id"]) == (404, "till-3:2026.1_a")
    (line,) = [fields for _, event, fields in scorer.log.lines if event == "request"]
    assert line["request_id"] == "till-3:2026.1_a"


@pytest.mark.parametrize("sent", [None, "", "two words", "a" * 65, "<b>", 'a"b', "4111/1111", "é"])
def test_another_id_is_replaced(scorer, sent):
    """A missing or strange id is never repeated; the scorer makes one, a new one for each request."""
    first, second = (ask(scorer, sent).headers["X-Request-Id"] for _ in range(2))

    assert (len(first), len(second), first == second) == (24, 24, False)
    assert set(first) <= set("0123456789abcdef")


def test_a_path_that_is_not_there_has_an_id_too(scorer):
    """Also a request without a view gets its id back."""
    answer = ask(scorer, "r-1", "/nowhere")

    assert (answer.status_code, answer.headers["X-Request-Id"], answer.json["request_id"]) == (404, "r-1", "r-1")
