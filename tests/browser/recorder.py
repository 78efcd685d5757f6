"""A website that embeds the beacon and writes down what the beacon posts.

It is a multi-page site (`/`, `/about`, any other path) and a single-page one (`/app` and below),
with a strict content security policy. The script stands at `/count/beacon.js`, as under a path
prefix. In Chromium every `*.localhost` name leads here, so the same server is also a host beside
the site.
"""

import json
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.chromium import DEADLINE_S

BEACON = Path(__file__).parents[2] / "collector" / "static" / "beacon.js"

# What a careful site allows; HOST is a collector beside it. Speculation rules only name pages.
POLICY = (
    "default-src 'none'; script-src 'self' 'inline-speculation-rules'HOST; "
    "connect-src 'self'HOST; style-src 'self'; img-src data:; frame-src 'self'"
)

# A test's own output is no place for addresses and user agents, so no other header is kept.
KEPT_HEADERS = ("content-type", "cookie", "origin", "sec-fetch-site")

PAGE_HEIGHT_PX = 4000
STYLE = f"html, body {{ margin: 0; height: {PAGE_HEIGHT_PX}px }}"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{path}</title>
<link rel="stylesheet" href="/site.css"><link rel="icon" href="data:,">{head}</head><body>
<nav><a href="/about">About</a> <a href="/app/two" data-route>Two</a></nav></body></html>"""

BEACON_TAG = '<script defer src="{src}"{attributes}></script>'

# The site's own script, at /site.js: the stub, early calls, a single-page router, and `data-shown`,
# which says while the page is shown whether it is as it was left. The beacon captures: it is first.
SITE_JS = """
window.gatecount = window.gatecount || function () {
  (gatecount.q = gatecount.q || []).push(arguments)
}
const early = new URLSearchParams(location.search).get("early")
if (early) gatecount(early, { when: "early" })
document.addEventListener("click", (click) => {
  const link = click.target.closest("a[data-route]")
  if (!link) return
  click.preventDefault()
  history.pushState({}, "", link.href)
  document.title = link.pathname
})
addEventListener("pageshow", ({ persisted }) => {
  document.documentElement?.setAttribute("data-shown", persisted ? "again" : "anew")
})
addEventListener("pagehide", () => document.documentElement?.removeAttribute("data-shown"))
"""

# `/prerenders` has `/shown` prerendered; once its scripts have run, it goes there, unless `?stay`.
SHOWN = "/shown?early=Held"
SPECULATION_RULES = json.dumps(
    {"prerender": [{"source": "list", "urls": [SHOWN], "eagerness": "immediate"}]}
)
PRERENDERS_JS = """
async function look() {
  const answer = await fetch("/has-run")
  if (await answer.text() !== "yes") setTimeout(look, 20)
  else if (location.search !== "?stay") location.href = "SHOWN"
}
look()
""".replace("SHOWN", SHOWN)
SHOWN_JS = "fetch(`/ran?prerendering=${document.prerendering}`)"
RAN = "/ran?prerendering=true"


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST that arrived: where, how, and what."""

    host: str
    path: str
    headers: dict[str, str]
    text: str

    @property
    def event(self) -> dict[str, Any]:
        """The body, as JSON."""
        event = json.loads(self.text)
        assert isinstance(event, dict)
        return event

    @property
    def name(self) -> str:
        """The event's name; empty where a page gave none."""
        return str(self.event.get("n", ""))


@dataclass
class Recorder:
    """The site's address, and everything that was asked of it."""

    port: int
    posted: list[Posted] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    preflights: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """The site's address, without a path."""
        return self.address("127.0.0.1")

    def address(self, host: str) -> str:
        """Return the address of this server under another host name."""
        return f"http://{host}:{self.port}"

    def names(self) -> list[str]:
        """Return the names of the events so far, in their order."""
        return [post.name for post in self.posted]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of one name so far, in their order."""
        return [post.event for post in self.posted if post.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the events of one name once there are `count` of them.

        Raises:
            AssertionError: they did not come in time.
        """
        give_up_at = time.monotonic() + DEADLINE_S
        with self.changed:
            while len(self.events(name)) < count:
                left_s = give_up_at - time.monotonic()
                assert left_s > 0, f"{count} x {name} awaited, there is {self.names()}"
                self.changed.wait(left_s)
        return self.events(name)

    def comes(self, name: str, within_s: float) -> bool:
        """Tell whether an event of a name comes, or has come."""
        with self.changed:
            return self.changed.wait_for(lambda: name in self.names(), within_s)

    def wait_for_names(self, names: Iterable[str]) -> None:
        """Return once there are these events and no others; they may come in any order.

        Raises:
            AssertionError: they did not come in time, or there are more.
        """
        wanted = sorted(names)
        with self.changed:
            self.changed.wait_for(lambda: len(self.posted) >= len(wanted), DEADLINE_S)
            assert sorted(self.names()) == wanted

    def wait_for_fetch(self, path: str) -> None:
        """Return once a GET of `path` (with its query) has come.

        Raises:
            AssertionError: it did not come in time.
        """
        with self.changed:
            assert self.changed.wait_for(lambda: path in self.fetched, DEADLINE_S), self.fetched


def page(path: str, query: dict[str, str]) -> str:
    """Return the HTML of any page of the site.

    Query: `times` the beacon is included (1), `src` is its address, `domain` its attribute.
    """
    attributes = f' data-domain="{query["domain"]}"' if "domain" in query else ""
    tag = BEACON_TAG.format(src=query.get("src", "/count/beacon.js"), attributes=attributes)
    head = '<script src="/site.js"></script>' + tag * int(query.get("times", "1"))
    if path == "/prerenders":
        head += f'<script type="speculationrules">{SPECULATION_RULES}</script>'
    if path in ("/prerenders", "/shown"):
        head += f'<script defer src="{path}.js"></script>'
    return PAGE.format(path=path, head=head)


def policy(path: str) -> str:
    """Return the content security policy of a page; with `src` it allows the script's host."""
    query = parse_qs(urlsplit(path).query)
    script = urlsplit(query.get("src", [""])[0])
    return POLICY.replace("HOST", f" {script.scheme}://{script.netloc}" if script.netloc else "")


SCRIPTS = {"/site.js": SITE_JS, "/prerenders.js": PRERENDERS_JS, "/shown.js": SHOWN_JS}


class _Site(BaseHTTPRequestHandler):
    """Answers for the site; one instance per connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body waits 40 ms for the acknowledgement of its head
    recorder: Recorder

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Say nothing."""

    def do_GET(self) -> None:
        """Serve a page, a script, the style sheet, or whether the prerendered page has run."""
        url = urlsplit(self.path)
        with self.recorder.changed:
            self.recorder.fetched.append(self.path)
            self.recorder.changed.notify_all()
        if url.path.endswith("/beacon.js"):
            self._answer("text/javascript", BEACON.read_text("ascii"))
        elif url.path in SCRIPTS:
            self._answer("text/javascript", SCRIPTS[url.path])
        elif url.path == "/site.css":
            self._answer("text/css", STYLE)
        elif url.path in ("/has-run", "/ran"):
            self._answer("text/plain", "yes" if RAN in self.recorder.fetched else "no")
        else:
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            self._answer("text/html; charset=utf-8", page(url.path, query))

    def do_POST(self) -> None:
        """Record an event and answer as the collector does."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        posted = Posted(self.headers["Host"], self.path, headers, body.decode("utf-8"))
        with self.recorder.changed:
            self.recorder.posted.append(posted)
            self.recorder.changed.notify_all()
        self._answer("text/plain", "", status=202)

    def do_OPTIONS(self) -> None:
        """Record a preflight, and refuse it."""
        with self.recorder.changed:
            self.recorder.preflights.append(self.path)
        self._answer("text/plain", "", status=405)

    def _answer(self, content_type: str, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", policy(self.path))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    """A threaded server that keeps its failures for the test to see."""

    daemon_threads = True
    recorder: Recorder

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Keep what went wrong, but for closed connections: browsers drop spare ones at will."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.recorder.failures.append(error)


def serve() -> tuple[Recorder, ThreadingHTTPServer]:
    """Start the site on a free port; the caller shuts the server down."""

    class Site(_Site):
        """The handler that writes into this server's recorder."""

    server = _Server(("127.0.0.1", 0), Site)
    Site.recorder = server.recorder = recorder = Recorder(server.server_port)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return recorder, server
