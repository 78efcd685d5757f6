"""Caddy and nginx with the shipped snippets: what visitors' requests become on their way."""

import contextlib
import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from collector import journal
from collector.control import Control
from tests.people import key_of
from tests.proxies import BESIDE, DEAD, PROXIES, SITE, VISITOR, Proxy, Upstreams
from tests.serving import USER_AGENT, Installation, installation, own_port, pageview, wait_until

# Where visitors' pages are, by path and by host.
PLACES = {"path": (SITE, "/count"), "host": (BESIDE, "")}
WHO = {"User-Agent": USER_AGENT, "Content-Type": "text/plain"}
_numbers = count()


@dataclass(frozen=True)
class Front:
    """A server and what stands before it."""

    here: Installation
    proxies: Mapping[str, Proxy]
    ingest_port: int

    @property
    def journal(self) -> Path:
        """Where the chunks are."""
        return self.here.data / "journal"

    def lines_of(self, page: str) -> list[dict[str, object]]:
        """Return the events of a page that are in the journal."""
        chunks = journal.chunks(self.journal)
        texts = (line for chunk in chunks for line in chunk.read_bytes().splitlines())
        return [line for line in map(json.loads, texts) if line.get("path") == page]


@pytest.fixture(name="front", scope="module")
def start_all(ram_of_module: Path) -> Iterator[Front]:
    """Run `serve`, and both proxies before it; of all addresses only theirs is believed."""
    urls = [f"https://{host}{prefix}/" for host, prefix in PLACES.values()]
    flags = [flag for url in urls for flag in ("--public-url", url)]
    with ExitStack() as stack:
        here = stack.enter_context(installation(ram_of_module))
        here.add_site()
        server = stack.enter_context(here.serving(*flags, "--trusted-proxies", "127.0.0.1"))
        upstreams = Upstreams(server.port, ingest=own_port())
        proxies = {
            name: stack.enter_context(run(ram_of_module / name, upstreams))
            for name, run in PROXIES.items()
        }
        yield Front(here, proxies, upstreams.ingest)


@pytest.fixture(name="proxy", params=PROXIES)
def choose_proxy(front: Front, request: pytest.FixtureRequest) -> Proxy:
    """Return one proxy after the other."""
    return front.proxies[request.param]


@pytest.fixture(name="page")
def new_page() -> str:
    """Return a page that only one test visits."""
    return f"/page-{next(_numbers)}"


def post(proxy: Proxy, place: str, page: str, headers: Mapping[str, str] | None = None) -> int:
    """Post a pageview as the script does; return the status."""
    host, prefix = PLACES[place]
    body = json.dumps(pageview(page)).encode()
    return proxy.ask("POST", host, f"{prefix}/api/event", body, {**WHO, **(headers or {})}).status


@pytest.mark.parametrize("place", PLACES)
def test_events_are_counted_and_objections_believed(
    front: Front, proxy: Proxy, page: str, place: str
) -> None:
    """The cookie of an opt-out comes back whole, and with it, nothing is counted any more."""
    host, prefix = PLACES[place]
    assert post(proxy, place, page) == 202
    opted_out = proxy.ask("POST", host, f"{prefix}/opt-out", b"", WHO)
    assert (opted_out.status, opted_out.headers["location"][:8]) == (303, "opt-out?")
    name, domain = {
        "path": ("__Host-gatecount-optout", ""),
        "host": ("gatecount-optout", f" Domain={SITE};"),
    }[place]
    cookie = opted_out.headers["set-cookie"]
    assert cookie == f"{name}=1;{domain} Max-Age=34560000; Secure; SameSite=Lax; Path=/"
    for objection in ({"Cookie": f"a=b; {name}=1"}, {"Sec-GPC": "1"}, {"DNT": "1"}):
        assert post(proxy, place, page, objection) == 202
    assert len(front.lines_of(page)) == 1
    shown = proxy.ask("GET", host, f"{prefix}/opt-out", b"", {**WHO, "Cookie": f"{name}=1"})
    assert b"Your visits are not counted" in shown.body


@pytest.mark.parametrize("place", PLACES)
def test_nobody_claims_another_address_or_host(proxy: Proxy, place: str) -> None:
    """What a browser says of itself is not passed on; the connection speaks."""
    host, prefix = PLACES[place]
    claims = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Client-IP"), "203.0.113.9")
    claims |= {"Forwarded": "for=203.0.113.9", "X-Forwarded-Host": "elsewhere.example"}
    seen = proxy.ask("GET", host, f"{prefix}/your-visit", b"", {**WHO, **claims})
    assert seen.status == 200
    assert VISITOR.encode() in seen.body
    assert b"203.0.113.9" not in seen.body
    for claimed in ({}, {"X-Forwarded-Host": BESIDE}):
        below = proxy.ask("GET", SITE, "/count/login", b"", {**WHO, **claimed})
        assert below.status == 404, "the dashboard answers where the site's scripts can reach it"
    assert proxy.ask("GET", BESIDE, "/login", b"", WHO).status == 200


@pytest.mark.parametrize("place", PLACES)
def test_what_is_sent_is_compressed_once(proxy: Proxy, place: str) -> None:
    """Also the pages that gatecount itself does not compress; and nothing for those who cannot."""
    host, prefix = PLACES[place]
    for path in ("/beacon.js", "/privacy"):
        plain = proxy.ask("GET", host, prefix + path, b"", WHO)
        packed = proxy.ask("GET", host, prefix + path, b"", {**WHO, "Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < 0.7 * len(plain.body)
        assert packed.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("place", PLACES)
def test_large_bodies_are_refused(front: Front, proxy: Proxy, page: str, place: str) -> None:
    """By gatecount what is no event's, by the proxy what is nothing of ours at all."""
    host, prefix = PLACES[place]
    for size_bytes in (9_000, 70_000):
        body = json.dumps(pageview(page, more="x" * size_bytes)).encode()
        answer = proxy.ask("POST", host, f"{prefix}/api/event", body, WHO)
        assert (answer.status, len(front.lines_of(page))) == (413, 0)


def test_the_declaration_is_at_the_root_of_the_host(proxy: Proxy) -> None:
    """Where Global Privacy Control wants it, also where gatecount has but a path of the site."""
    for host in (SITE, BESIDE):
        found = proxy.ask("GET", host, "/.well-known/gpc.json", b"", WHO)
        assert (found.status, found.json()["gpc"]) == (200, True)


def test_the_api_answers_beside_the_site(front: Front, proxy: Proxy) -> None:
    """With the key of a program."""
    with contextlib.closing(Control.open(front.here.data / "control.sqlite")) as control:
        key = key_of(control)
    wanted = {"site_id": SITE, "metrics": ["pageviews"], "date_range": "day"}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    answer = proxy.ask("POST", BESIDE, "/api/v2/query", json.dumps(wanted).encode(), headers)
    assert answer.status == 200
    assert len(answer.json()["results"]) == 1


def test_no_visitor_of_ours_is_in_a_log_of_the_proxy(proxy: Proxy) -> None:
    """Not even of requests that fail; what the site writes down of its own is its own business."""
    strange, other = "Agent-of-nobody/7.3", "127.83.64.9"
    who = {**WHO, "User-Agent": strange, "Referer": "https://example.net/who?is=it"}
    for host, prefix in (*PLACES.values(), (DEAD, "")):
        for method, path in (("GET", "/beacon.js"), ("POST", "/api/event"), ("GET", "/nowhere")):
            answer = proxy.ask(method, host, prefix + path, b"{" * 9_000, who, other)
            assert (answer.status in {502, 503}) == (host == DEAD)
        proxy.ask("POST", host, f"{prefix}/api/event", b"x" * 70_000, who, other)
    proxy.ask("GET", SITE, "/.well-known/gpc.json", b"", who, other)
    assert proxy.ask("GET", SITE, "/about", b"", WHO).body == b"about"
    wait_until(lambda: b"/about" in proxy.written(), "the site's own line")
    for secret in (strange, other, "who?is=it"):
        assert secret.encode() not in proxy.written()


def test_events_go_to_ingest_while_it_runs_and_else_to_serve(front: Front, page: str) -> None:
    """Each counts once; every process has a chunk of its own."""
    posted: list[int] = []

    def taken_by(proxy: Proxy) -> set[Path]:
        before = {chunk: chunk.stat().st_size for chunk in journal.chunks(front.journal)}
        posted.extend(post(proxy, place, page) for place in PLACES)
        after = {chunk: chunk.stat().st_size for chunk in journal.chunks(front.journal)}
        return {chunk for chunk in after if after[chunk] != before.get(chunk)}

    proxies = front.proxies.values()
    by_serve = set().union(*map(taken_by, proxies))
    assert by_serve
    with front.here.serving("--port", str(front.ingest_port), command="ingest") as ingest:
        wait_until(lambda: all(by_serve.isdisjoint(taken_by(p)) for p in proxies), "ingest")
        ingest.kill()
        wait_until(lambda: all(taken_by(p) for p in proxies), "the way back to serve")
    assert len(front.lines_of(page)) == posted.count(202)
    assert set(posted) <= {202, 502, 503}
