"""``/openapi.json`` and ``/docs``: the interface is documented as it is, and the page loads nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = "#/components/schemas/"


@pytest.fixture
def document(scorer):
    """The document as it is served, without a token."""
    answer = scorer.client.get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    return answer.json


def test_the_served_document_is_the_generated_one(scorer):
    """The scorer serves docs/openapi.json byte by byte."""
    assert scorer.client.get("/openapi.json").data == (ROOT / "docs" / "openapi.json").read_bytes()


def test_every_path_is_documented(scorer, document):
    """The document has exactly the paths and methods that the scorer answers."""
    rules = scorer.client.application.url_map.iter_rules()
    found = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == found


def answers_of(scorer):
    """Answers to one request of each kind, by path, method and status."""
    decided = scorer.decide()
    label = {"labels": [{"transaction_id": 1, "status": "fraud", "learned_at": 1}]}
    return [
        ("/v1/decisions", "post", decided),
        ("/v1/decisions", "post", scorer.decide(amount=0)),
        ("/v1/decisions", "post", scorer.post("/v1/decisions", b"{")),
        ("/v1/decisions", "post", scorer.decide(amount=5)),
        ("/v1/decisions/{transaction_id}", "get", scorer.get("/v1/decisions/1")),
        ("/v1/decisions/{transaction_id}", "get", scorer.get("/v1/decisions/2")),
        ("/v1/labels", "post", scorer.post("/v1/labels", label)),
        ("/v1/labels", "post", scorer.post("/v1/labels", label, caller="watcher")),
        ("/v1/status", "get", scorer.get("/v1/status")),
        ("/v1/status", "get", scorer.get("/v1/status", caller="nobody")),
        ("/v1/switch", "post", scorer.switch("suspend", 1)),
        ("/v1/switch", "post", scorer.switch("suspend", 1)),
        ("/v1/decisions", "post", scorer.decide(transaction_id=3)),
        ("/healthz", "get", scorer.get("/healthz")),
        ("/readyz", "get", scorer.get("/readyz")),
    ]


def test_answers_are_as_documented(scorer, document):
    """Status, content type and body of every answer are those of the document."""
    for path, method, answer in answers_of(scorer):
        documented = document["paths"][path][method]["responses"][str(answer.status_code)]
        schema = documented["content"][answer.content_type]["schema"]
        Draft202012Validator({**schema, **document}).validate(answer.json)
        assert answer.headers["X-Request-Id"]


class Loads(HTMLParser):
    """Collects what a browser would load or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        """Note an element that loads something."""
        names = {name for name, _ in attributes}
        if tag in {"script", "link", "img", "iframe", "object"} or "src" in names or "onclick" in names:
            self.found.append(tag)


def test_the_page_loads_nothing(scorer):
    """The page has no script and no address of elsewhere, and forbids a browser to load any."""
    answer = scorer.client.get("/docs")
    page = Loads()
    page.feed(answer.text)

    assert (answer.status_code, answer.content_type, page.found) == (200, "text/html; charset=utf-8", [])
    assert "http://" not in answer.text.replace("https://", "http://")
    assert "@import" not in answer.text
    assert "url(" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_page_shows_every_call_type_and_problem(scorer, document):
    """The page has what the document has, and every link leads to a type."""
    text = scorer.client.get("/docs").text

    for path in document["paths"]:
        assert f" {path}</code>" in text
    assert set(re.findall(r'href="#(\w+)"', text)) <= set(re.findall(r'id="(\w+)"', text))
    assert set(re.findall(r'id="(\w+)"', text)) == set(document["components"]["schemas"])
    assert "urn:antifraud:problem:stale-epoch" in text


def test_the_page_leads_from_a_list_of_calls_to_the_types_of_their_answers(scorer, document):
    """Every call is in the list at the top, and the type of its answer is a link like that of its request."""
    text = scorer.client.get("/docs").text

    listed = re.findall(r'<li><a href="#call-(\w+)"><code>(\w+) ([^<]+)</code></a>', text)
    calls = [(d["operationId"], m.upper(), p) for p, each in document["paths"].items() for m, d in each.items()]
    assert listed == calls
    assert re.findall(r'<h3 id="call-(\w+)">', text) == [name for name, _, _ in calls]
    for name in ("Answer", "LabelsAnswer", "SwitchAnswer", "StatusAnswer", "ProbeAnswer"):
        assert f'<code>200</code></td><td><a href="#{name}"><code>{name}</code></a></td>' in text
