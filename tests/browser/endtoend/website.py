"""Websites on TLS with a collector behind them, as their visitors' browsers meet them.

One server on a free port plays the machine that faces the world: it ends TLS with a throw-away
certificate, serves the sites' pages, and hands on to the collector what is the collector's, as a
reverse proxy does. Chromium is told that every name is at this port, so that nothing leaves the
machine and addresses look like those out there.
"""

import base64
import hashlib
import http.client
import json
import ssl
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser.chromium import DEADLINE_S
from tests.browser.recorder import SITE_JS, STYLE
from tests.serving import Server


@dataclass(frozen=True, slots=True)
class Place:
    """A site, where its collector answers, and what the proxy between them does.

    Args:
        site: as registered.
        home: the address of its pages, without a slash at the end.
        counter: the collector's public URL.
        is_bare: the proxy takes the prefix off and puts its own Host header on, naming the host
            that was asked for in X-Forwarded-Host alone.
    """

    site: str
    home: str
    counter: str
    is_bare: bool = False

    @property
    def snippet(self) -> str:
        """What its pages embed."""
        return f'<script defer src="{self.counter}beacon.js"></script>'


# A path of the site, twice; a host beside the site.
PREFIX = Place("example.com", "https://www.example.com", "https://www.example.com/count/")
BARE = Place(
    "example.org", "https://www.example.org", "https://www.example.org/count/", is_bare=True
)
BESIDE = Place("example.net", "https://www.example.net", "https://stats.example.net/")
PLACES = (PREFIX, BARE, BESIDE)
# Sites at subdomains of the one with a host beside it, each for one test that needs an empty one;
# READ is for those that read the same numbers.
QUIET, FRESH, PLAIN, HOSTILE, LONG, READ, STEADY, STILL = (
    f"{name}.{BESIDE.site}"
    for name in ("quiet", "fresh", "plain", "hostile", "long", "read", "steady", "still")
)
UNREACHED = "unreached.example.edu"  # no public URL is of its domain
SITES = (
    *(place.site for place in PLACES),
    *(QUIET, FRESH, PLAIN, HOSTILE, LONG, READ, STEADY, STILL, UNREACHED),
)
DASHBOARD = BESIDE.counter
ELSEWHERE = "https://elsewhere.example.edu/"  # followed by ? and where its link should lead to

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{path}</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/site.css"><link rel="icon" href="data:,"><script src="/site.js">
</script>{snippet}</head><body><h1>{path}</h1>
<nav><a href="{section}next">Next</a> <a href="{section}one" data-route>One</a>
<a href="{opt_out}">Privacy</a> <a href="/bare">Bare</a></nav></body></html>"""
_LINK = """<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,">
<a href="{to}">There</a></html>"""
# A careful site's policy; COUNTER is a collector beside it.
_POLICY = (
    "default-src 'none'; script-src 'self'COUNTER; connect-src 'self'COUNTER; style-src 'self';"
    " img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
_PASTED = "/pasted"  # followed by ? and what its editor has put there
_PASTED_PAGE = """<!doctype html><html lang="en"><title>Privacy</title>
<link rel="icon" href="data:,">{form}</html>"""
_BARE_PATH = "/bare"  # a page without the script
_FILES = {"/site.js": ("text/javascript", SITE_JS), "/site.css": ("text/css", STYLE)}
_PER_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request that came in from a browser; `signal` is what its Sec-GPC or DNT header says."""

    url: str
    signal: str
    body: str

    @property
    def event(self) -> dict[str, Any]:
        """The body, as an event."""
        event = json.loads(self.body)
        assert isinstance(event, dict)
        return event


@dataclass
class Front:
    """The machine that faces the world.

    `visitor` is the address that the next requests seem to come from.
    """

    port: int
    collector: Server
    certificate: Path
    visitor: str = "192.0.2.1"
    arrived: list[Arrived] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def flags(self) -> tuple[str, ...]:
        """What sends Chromium here, whatever it is asked to open, and has it trust the certificate.

        Were it told to ignore that nobody vouches for it, pages would be thrown out of the
        back-forward cache at the next connection.
        """
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pin = base64.b64encode(hashlib.sha256(info).digest()).decode()
        return (
            f"--host-resolver-rules=MAP * 127.0.0.1:{self.port}",
            f"--ignore-certificate-errors-spki-list={pin}",
        )

    def events(self, about: str) -> list[dict[str, Any]]:
        """Return the events so far of pages whose address contains this, in their order."""
        posted = [each.event for each in self.arrived if each.url.endswith("/api/event")]
        return [event for event in posted if about in event["u"]]

    def wait_for(self, about: str, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the events of one name, of such pages, once there are enough.

        Raises:
            AssertionError: they did not come in time.
        """

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events(about) if event["n"] == name]

        with self.changed:
            came = self.changed.wait_for(lambda: len(found()) >= count, DEADLINE_S)
            assert came, f"{count} x {name} awaited, there is {self.events(about)}"
        return found()

    def wait_for_names(self, about: str, names: list[str]) -> None:
        """Return once there are these events of such pages and no others, in any order.

        Raises:
            AssertionError: they did not come in time, or there are more.
        """
        with self.changed:
            self.changed.wait_for(lambda: len(self.events(about)) >= len(names), DEADLINE_S)
            assert sorted(event["n"] for event in self.events(about)) == sorted(names)

    def ask(self, url: str, method: str = "GET") -> tuple[int, str]:
        """Ask for an address without a browser; return status and text of the answer."""
        parts = urlsplit(url)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        connection.request(method, parts.path, headers={"Host": parts.netloc})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a key and a certificate that nobody vouches for."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, "-subj", "/CN=test", "-keyout", key, "-out", made],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


class _Handler(BaseHTTPRequestHandler):
    """Answers for every host; one instance per connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body waits 40 ms for the acknowledgement of its head
    front: Front

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Say nothing."""

    def do_GET(self) -> None:
        """Serve a site's page, or what the collector answers."""
        self._serve()

    def do_POST(self) -> None:
        """Hand a form or an event on."""
        self._serve()

    def do_OPTIONS(self) -> None:
        """Hand a preflight on, which nobody should send."""
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"https://{self.headers['Host']}{self.path}"
        visitor = self.front.visitor  # from before the test knows of it and may change it
        self._note(url, body)
        counted = next((p for p in PLACES if url.startswith(p.counter)), None)
        place = next((p for p in PLACES if urlsplit(url).netloc.endswith(p.site)), None)
        if counted:
            self._hand_on(counted, visitor, body)
        elif place:
            self._page(place, url)
        elif url.startswith(ELSEWHERE):
            self._answer("text/html", _LINK.format(to=escape(unquote(urlsplit(url).query))))
        else:
            self.send_error(404)  # Chromium's own errands

    def _note(self, url: str, body: bytes) -> None:
        signal = self.headers.get("Sec-GPC") or self.headers.get("DNT") or ""
        with self.front.changed:
            self.front.arrived.append(Arrived(url, signal, body.decode("latin-1")))
            self.front.changed.notify_all()

    def _page(self, place: Place, url: str) -> None:
        parts = urlsplit(url)
        if parts.path in _FILES:
            self._answer(*_FILES[parts.path])
            return
        if parts.path == _PASTED:  # no policy: it would have to name the collector in form-action
            self._answer("text/html", _PASTED_PAGE.format(form=unquote(parts.query)))
            return
        snippet = "" if parts.path == _BARE_PATH else place.snippet
        opt_out = place.counter + "opt-out"
        section = parts.path[: parts.path.rindex("/") + 1]
        page = _PAGE.format(path=parts.path, snippet=snippet, opt_out=opt_out, section=section)
        beside = f" {place.counter.rstrip('/')}" if place is BESIDE else ""
        self._answer("text/html", page, _POLICY.replace("COUNTER", beside))

    def _hand_on(self, place: Place, visitor: str, body: bytes) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _PER_CONNECTION}
        path = self.path
        headers |= {
            "X-Forwarded-For": visitor,
            "X-Forwarded-Host": headers["Host"],
            "X-Forwarded-Proto": "https",
        }
        if place.is_bare:
            headers["Host"] = f"127.0.0.1:{self.front.collector.port}"
            path = path.removeprefix(urlsplit(place.counter).path.rstrip("/"))
        connection = http.client.HTTPConnection("127.0.0.1", self.front.collector.port)
        with closing(connection) as collector:  # also when the browser has gone meanwhile
            collector.request(self.command, path, body or None, headers)
            with collector.getresponse() as answer:
                self._pass_on(answer)

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        """Hand an answer on; of a stream what comes when it comes, until either side has enough."""
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _PER_CONNECTION:
                self.send_header(name, value)
        if answer.headers.get_content_type() != "text/event-stream":
            self._send(answer.read())
            return
        self.close_connection = True
        self.end_headers()
        while part := answer.read1():
            self.wfile.write(part)

    def _answer(self, content_type: str, text: str, policy: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self._send(text.encode())

    def _send(self, content: bytes) -> None:
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    """A threaded server that keeps its failures for the test to see."""

    daemon_threads = True
    front: Front

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Keep what went wrong, but for closed connections: browsers drop spare ones at will."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | ssl.SSLError):
            self.front.failures.append(error)


def serve(collector: Server, folder: Path) -> tuple[Front, ThreadingHTTPServer]:
    """Start the front on a free port; the caller shuts the server down."""

    class Handler(_Handler):
        """The handler of this server's front."""

    server = _Server(("127.0.0.1", 0), Handler)
    certificate, context = make_certificate(folder)
    Handler.front = server.front = Front(server.server_port, collector, certificate)
    # The handshake is for the connection's own thread: spare connections make none for long.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server.front, server
