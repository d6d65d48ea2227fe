"""Render the configuration of nginx from the template and a few numbers."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

import msgspec

from antifraud.api.problems import KINDS, PROBLEM_JSON, document_of

TEMPLATE: Final = Path(__file__).with_name("nginx.conf.template")
OWN_PROBLEMS: Final = {
    "bad-request": ((400, 495, 496, 497, 505), "the request is not one of HTTP/1.1 with TLS 1.3"),
    "forbidden": ((403,), "the proxy refuses this request"),
    "not-found": ((404,), "there is no such path"),
    "method-not-allowed": ((405,), "the method is not allowed"),
    "length-required": ((411,), "the length of the body is not announced"),
    "request-entity-too-large": ((413,), "the body is too large"),
    "request-uri-too-long": ((414,), "the request line is too long"),
    "too-many-requests": ((429,), "too many requests at a time: send fewer"),
    "request-header-fields-too-large": ((431, 494), "the header fields are too many or too long"),
    "internal": ((500,), "the proxy failed: send the same id again"),
    "not-implemented": ((501,), "the transfer coding is not known: send Content-Length, or chunked"),
    "bad-gateway": ((502,), "the scorer gave no answer: send the same id again"),
    "not-ready": ((503,), "the scorer cannot be reached: send the same id again"),
    "gateway-timeout": ((504,), "the scorer gave no answer in time: send the same id again"),
}
"""The answers of nginx itself: its statuses for each kind of problem, and what is said."""
REQUEST_ID: Final = "$known_id"
"""The variable of the template with the id of a request, which has no character that JSON would escape."""
OTHER_FILES: Final = 100
"""Files of a process besides those of its connections: logs, listening sockets."""
WAIT: Final = frozenset({"too-many-requests", "bad-gateway", "not-ready", "gateway-timeout"})


class NginxTemplate(Template):
    """A template that leaves the variables of nginx alone."""

    delimiter = "@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy in front of one scorer.

    Attributes:
        bind: Address to listen on; without a host, all of IPv4.
        scorer: Address of the scorer.
        certificate: File with certificate chain and private key; None for a private network without TLS.
        log: File of the access log.
        pid: File of the process id.
        scratch: Folder in which nginx makes its folders for temporary files when it starts.
        connections: Most connections at a time of one process of nginx; there is one for each core.
        requests_of_address: Most requests of one address at a time.
        scorer_connections: Idle connections to the scorer that each process keeps.
        requests_of_token: Most requests of one bearer token in a second, and as many at once. Nginx knows no names of
            clients: docs/deployment.md says why, and what it means for a client with two tokens.
        body_bytes: Largest body; the same as ``ANTIFRAUD_MAX_BODY_BYTES``.
        request_seconds: Time for the header fields, and longest pause within a body.
        reader_seconds: Longest pause of a client that reads its answer.
        idle_seconds: Time after which an idle connection is closed.
        server_seconds: Longest wait for an answer of the scorer.
    """

    bind: str
    scorer: str = "127.0.0.1:8080"
    certificate: Path | None = None
    log: str = "/dev/stdout"
    pid: str = "/run/nginx.pid"
    scratch: str = "/var/lib/nginx"
    connections: int = 4_000
    requests_of_address: int = 500
    scorer_connections: int = 64
    requests_of_token: int = 1_000
    body_bytes: int = 1 << 18
    request_seconds: int = 10
    reader_seconds: int = 15
    idle_seconds: int = 60
    server_seconds: int = 20

    def render(self) -> str:
        """Return the configuration as text."""
        return NginxTemplate(TEMPLATE.read_text()).substitute(
            {**dataclasses.asdict(self), "bind": self.bind.removeprefix(":")},  # nginx has a port without a colon
            ssl=" ssl" if self.certificate else "",
            tls=_render_tls(self.certificate) if self.certificate else "",
            json=PROBLEM_JSON,
            request_id=REQUEST_ID,
            files=2 * self.connections + OTHER_FILES,
            errors="\n".join(_render_error(name) for name in OWN_PROBLEMS),
            not_found=_problem("not-found"),
        )


def _render_tls(certificate: Path) -> str:
    lines = (
        f"ssl_certificate {certificate};",
        f"ssl_certificate_key {certificate};",
        "ssl_protocols TLSv1.3;",
        "ssl_session_tickets off;",
    )
    return "".join(f"        {line}\n" for line in lines)


def _render_error(name: str) -> str:
    statuses, _ = OWN_PROBLEMS[name]
    wait, status = "add_header Retry-After 1 always; " if name in WAIT else "", KINDS[name].status
    named = f"add_header X-Request-Id {REQUEST_ID} always; "
    # Not a named location: nginx has none for a request without a path.
    return (
        f"        error_page {' '.join(map(str, statuses))} ={status} /problems/{name};\n"
        f"        location = /problems/{name} {{ internal; {named}{wait}return {status} '{_problem(name)}'; }}"
    )


def _problem(name: str) -> str:
    """Return a problem as JSON, which has no apostrophe: that would end a string of nginx."""
    return msgspec.json.encode(document_of(name, OWN_PROBLEMS[name][1], request_id=REQUEST_ID)).decode()
