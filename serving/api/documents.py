"""``/openapi.json`` and ``/docs``: the interface as a document for programs and as a page for people."""

from typing import Final

from flask import Blueprint, Response

from antifraud.api.openapi import openapi_text
from antifraud.api.page import documentation_page

bp = Blueprint("documents", __name__)

NOTHING_FROM_ELSEWHERE: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


@bp.get("/openapi.json")
def openapi() -> Response:
    """Answer 200 with the OpenAPI document. It holds nothing of this service, so it needs no token."""
    return Response(openapi_text(), content_type="application/json")


@bp.get("/docs")
def documentation() -> Response:
    """Answer 200 with the page."""
    return Response(documentation_page(), headers=NOTHING_FROM_ELSEWHERE, content_type="text/html; charset=utf-8")
