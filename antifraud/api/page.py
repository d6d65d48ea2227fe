"""The OpenAPI document as a page for people: one HTML text that loads nothing from elsewhere."""

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, Final

from antifraud.api.openapi import openapi_document
from antifraud.api.operations import JSON
from antifraud.api.problems import KINDS, TYPE_PREFIX

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; padding: .3rem .6rem .3rem 0; }
code { font: .9em ui-monospace, monospace; background: #f4f4f4; padding: 0 .2em; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; } h3 { margin-top: 2rem; }
""".strip()


@cache
def documentation_page() -> str:
    """Return the page."""
    document = openapi_document()
    info = document["info"]
    all_calls = [(*call, path) for path, methods in document["paths"].items() for call in methods.items()]
    contents = "".join(f"<li>{_link(method, described, path)}</li>" for method, described, path in all_calls)
    calls = "".join(_call(method, described, path) for method, described, path in all_calls)
    types = "".join(_type(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])}, version {escape(info['version'])}</h1><p>{_text(info['description'])}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"<h2>Calls</h2><ul>{contents}</ul>{calls}<h2>Types</h2>{types}<h2>Problems</h2>{_problems()}</body></html>"
    )


def _link(method: str, described: dict[str, Any], path: str) -> str:
    call = f"<code>{method.upper()} {escape(path)}</code>"
    return f'<a href="#call-{described["operationId"]}">{call}</a>: {_text(described["summary"])}'


def _call(method: str, described: dict[str, Any], path: str) -> str:
    answers = [(f"<code>{status}</code>", _answer(answer)) for status, answer in described["responses"].items()]
    body = described.get("requestBody", {}).get("content", {})
    sent = "".join(f"<p>Request: {_kind(content['schema'])}</p>" for content in body.values())
    return (
        f'<h3 id="call-{described["operationId"]}"><code>{method.upper()} {escape(path)}</code></h3>'
        f"<p>{_text(described['summary'])} {_text(described.get('description', ''))}</p>{sent}"
        f"{_table(('status', 'answer'), answers)}"
    )


def _answer(answer: dict[str, Any]) -> str:
    """Return a link to the type of an answer; problems and texts have a description instead."""
    reference = answer["content"].get(JSON, {}).get("schema", {})
    return _kind(reference) if "$ref" in reference else _text(answer["description"])


def _type(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"<code>{escape(field)}</code>", _kind(part), "yes" if field in required else "no")
        for field, part in schema.get("properties", {}).items()
    ]
    heading = f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
    return f"{heading}<p>{_text(schema.get('description', ''))}</p>{_table(('field', 'type', 'required'), rows)}"


def _kind(schema: dict[str, Any]) -> str:
    """Return a type in words, with its limits."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return _described(schema, " or ".join(_kind(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    words = escape(str(schema.get("type", "anything")))
    if schema.get("items"):
        words += f" of {_kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        words += f" of {_kind(schema['additionalProperties'])}"
    limits = [f"{word} <code>{escape(str(schema[name]))}</code>" for name, word in LIMITS.items() if name in schema]
    return _described(schema, ", ".join([words, *limits]))


LIMITS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "length from",
    "maxLength": "length to",
    "minItems": "items from",
    "maxItems": "items to",
    "maxProperties": "entries to",
    "pattern": "pattern",
}


def _described(schema: dict[str, Any], words: str) -> str:
    return f"{words}: {_text(schema['description'])}" if "description" in schema else words


def _problems() -> str:
    rows = [
        (f"<code>{TYPE_PREFIX}{name}</code>", str(kind.status), _text(kind.meaning), _text(kind.remedy))
        for name, kind in KINDS.items()
    ]
    return _table(("type", "status", "meaning", "what a client does"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    heading = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{heading}</tr>{body}</table>"


def _text(text: str) -> str:
    """Return a text as HTML; what stands between back quotes is code."""
    pieces = escape(text).replace("``", "`").split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
