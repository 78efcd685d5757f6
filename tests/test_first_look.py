"""What is answered by its head alone, before an application is asked: over a socket."""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import Response

from collector.anonymise import TrustedProxies
from collector.app import Application
from tests.application import SITE, application
from tests.serving import Server, installation
from tests.test_server import HEAD, Line, get

# `/shut` is shut to all but those who bring the word; the application says back what it is sent.
_PROGRAM = """
from starlette.responses import Response
from collector import server

SHUT = Response("wait", 429, {"Retry-After": "10"})

def shut(scope):
    assert (scope["path"], scope["method"]) == ("/shut", "POST"), scope
    assert scope["client"][0] == "127.0.0.1"
    return None if (b"x-word", b"friend") in scope["headers"] else SHUT

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await Response(b"heard " + body)(scope, receive, send)

bound = server.listen("127.0.0.1", 0)
print(f"Dashboard  http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
server.serve(app, bound, {b"/shut": shut})
"""
_LARGE = b"x" * 300_000


@pytest.fixture(name="server", scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server of its own."""
    with (
        installation(tmp_path_factory.mktemp("first")) as here,
        here.serving(program=(sys.executable, "-c", _PROGRAM)) as server,
    ):
        yield server


def posted(path: str, body: bytes, *more: str, version: str = "1.1") -> bytes:
    """Return the bytes of a request."""
    fields = "".join(f"{line}\r\n" for line in (f"Content-Length: {len(body)}", *more))
    return f"POST {path} HTTP/{version}\r\n{HEAD}{fields}\r\n".encode() + body


def test_one_connection_is_shut_out_and_heard_by_turns(server: Server) -> None:
    """Whatever the body is like: what comes after it is a request of its own."""
    with Line(server) as line:
        line.send(posted("/shut", b"a=1"))
        assert line.until(1) == [429]
        line.send(posted("/shut", b"a=1", "X-Word: friend"))
        assert line.until(2) == [429, 200]
        line.send(posted("/shut", _LARGE))
        assert line.until(3) == [429, 200, 429]
        line.send(posted("/open", b"a=2"))
        assert line.until(4) == [429, 200, 429, 200]
        chunks = f"POST /shut HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n"
        line.send(chunks)
        line.send("0\r\n\r\n")
        assert line.until(5) == [429, 200, 429, 200, 429]
        line.send(posted("/shut", b"", "Connection: close"))
        seen = line.until_closed()
    assert [seen.count(told) for told in (b"heard a=1", b"heard a=2", b"heard")] == [1, 1, 2]
    assert [seen.count(told) for told in (b"429 Too", b"connection: close")] == [4, 1]


def test_the_answer_is_a_whole_one(server: Server) -> None:
    """With the headers it was given, and what every answer has."""
    answer = server.ask("POST", "/shut", b"a=1")
    assert (answer.status, answer.body) == (429, b"wait")
    told = {"retry-after": "10", "content-length": "4"}
    assert told.items() <= answer.headers.items()
    assert "date" in answer.headers


def test_an_old_client_is_sent_away_and_hung_up_on(server: Server) -> None:
    """HTTP/1.0 keeps no connection."""
    with Line(server) as line:
        line.send(posted("/shut", b"a=1", version="1.0"))
        assert line.until_closed().startswith(b"HTTP/1.1 429 ")


def test_who_asks_before_sending_a_body_is_answered(server: Server) -> None:
    """By the long way, which tells them to go on."""
    with Line(server) as line:
        line.send(posted("/shut", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 3"))
        assert line.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        line.send(b"a=1")
        assert line.until(1) == [200]


def test_what_is_sent_ahead_is_answered_in_its_order(server: Server) -> None:
    """Also what would be answered sooner than what came before it."""
    ahead = [posted("/open", b"1"), posted("/shut", b"2"), get("/open"), posted("/shut", b"3")]
    with Line(server) as line:
        line.send(b"".join([*ahead * 20, posted("/open", b"4", "Connection: close")]))
        heard = line.until_closed()
    bodies = re.findall(rb"\r\n\r\n(heard \d?|wait)", heard)
    assert [*bodies[0::4]] == [b"heard 1"] * 20 + [b"heard 4"]
    assert [*bodies[2::4]] == [b"heard "] * 20
    looked_at = {*bodies[1::4]} | {*bodies[3::4]}
    assert looked_at <= {b"heard 2", b"heard 3", b"wait"}


def test_only_the_path_itself_is_looked_at(server: Server) -> None:
    """Anything else is for the application."""
    for path in ("/shut/", "/shut?a", "/%73hut", "/"):
        assert server.ask("POST", path).body == b"heard "


def test_under_a_path_of_a_site_nothing_of_editors_is_looked_at(
    ram: Path, country_database: Path
) -> None:
    """There a site may have a login of its own."""
    flags = {"geo_database": str(country_database), "public_url": f"https://{SITE}/count/"}
    shut = Response("wait", 429)
    with application(ram, flags) as whole:
        app = Application(
            ingest=whole.composed.ingest,
            mounts=whole.config.public_url,
            trusted=TrustedProxies.parse(whole.config.trusted_proxies),
            statement=lambda _: pytest.fail("nobody asks"),
            troubles=list,
            editors_routes=(),
            lifespan=lambda _: contextlib.nullcontext(),
            turn_away=lambda _: shut,
        )

    def looked_at(host: bytes) -> Response | None:
        headers = [(b"host", b"127.0.0.1:8000"), (b"x-forwarded-host", host)]
        return app.at_first_look(
            {
                "type": "http",
                "path": "/login",
                "method": "POST",
                "scheme": "http",
                "client": ("127.0.0.1", 40_000),
                "headers": headers,
            }
        )

    assert looked_at(SITE.encode()) is None
    assert looked_at(b"stats.example.com") is shut
