"""What is answered before an application is asked, by its head or as a whole: over a socket."""

import contextlib
import re
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import Response

from collector.anonymise import TrustedProxies
from collector.app import Application
from tests.application import SITE, application
from tests.serving import Server, installation, wait_until
from tests.sockets import HEAD, Line, get, statuses

# `/shut` is shut to all but those who bring the word, `/take` is taken in; the application says
# back what it is sent.
_PROGRAM = """
import asyncio
from starlette.responses import Response
from collector import server
from collector.serving import shortcuts

SHUT = Response("wait", 429, {"Retry-After": "10"})

def shut(scope):
    assert (scope["path"], scope["method"]) == ("/shut", "POST"), scope
    assert scope["client"][0] == "127.0.0.1"
    return None if (b"x-word", b"friend") in scope["headers"] else SHUT

class Taker:
    max_body_bytes = 10
    taken = []

    def take(self, scope, body):
        assert scope["client"][0] == "127.0.0.1"
        Taker.taken.append(body)
        if body is None:
            return Response("large", 413, {"Connection": "close"})
        if body == b"fail":
            raise ValueError
        if not body.startswith(b"later"):
            return Response(b"took " + body)
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.02, future.set_result, body == b"later")
        return future

    def kept(self, *, is_durable):
        return Response("kept") if is_durable else Response("lost", 503)

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
    if scope["path"] == "/taken":
        body = repr(Taker.taken).encode()
    await Response(b"heard " + body)(scope, receive, send)

bound = server.listen("127.0.0.1", 0)
print(f"Dashboard  http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
server.serve(app, bound, shortcuts.ShortCuts({b"/shut": shut}, {b"/take": Taker()}))
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


def test_in_a_flood_each_is_still_answered_as_it_should_be(server: Server) -> None:
    """All are looked at together, and of each head one is; what comes in pieces is one request."""
    bodies = [b"a=%d" % number for number in range(1, 30)] + [b"", b"x" * 200]
    friends = posted("/shut", b"a=1", "X-Word: friend")
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(Line(server)) for _ in range(9 + len(bodies))]
        for times in range(1, 4):  # from the second time on they are looked at when it suits us
            for line in lines:
                line.send(posted("/shut", b"a=1"))
            assert [line.until(times) for line in lines] == [[429] * times] * len(lines)
        friend, large, ahead, old, odd, broken, half, gone, reset, *lines = lines
        gone.socket.shutdown(socket.SHUT_WR)
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.socket.close()
        friend.send(friends[:-1])
        half.send(posted("/shut", b"a=1")[:20])
        for line, body in zip(lines, bodies, strict=True):
            line.send(posted("/shut", body))
        ahead.send(posted("/shut", b"a=1") + posted("/open", b"a=2", "Connection: close"))
        large.send(posted("/shut", _LARGE))
        old.send(posted("/shut", b"a=1", version="1.0"))
        odd.send(posted("/shut", b"a=1", "Connection: close"))
        broken.send("nothing\r\n\r\n")
        friend.send(friends[-1:] + get("/open"))
        assert [line.until(4) for line in lines] == [[429] * 4] * len(lines)
        assert friend.until(5)[3:] == [200, 200]
        assert large.until(4)[3:] == [429]
        assert statuses(seen := ahead.until_closed()) == [429] * 4 + [200]
        assert seen.count(b"heard a=2") == 1
        assert statuses(gone.until_closed()) == [429] * 3
        assert statuses(broken.until_closed()) == [429] * 3 + [400]
        assert [statuses(line.until_closed()) for line in (old, odd)] == [[429] * 4] * 2
        half.send(posted("/shut", b"a=1")[20:])
        for line in lines:  # each is where its next request begins
            line.send(posted("/open", b"a=3"))
        assert [line.until(5)[4:] for line in lines] == [[200]] * len(lines)
        assert half.until(4)[3:] == [429]


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


def test_what_is_taken_in_is_answered_at_once_or_when_it_is_kept(server: Server) -> None:
    """On one connection, in whatever pieces it comes."""
    with Line(server) as line:
        line.send(posted("/take", b"a"))
        assert line.until(1) == [200]
        line.send(posted("/take", b"later"))
        assert line.until(2) == [200, 200]
        line.send(f"POST /take HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n")
        line.send("2\r\n..\r\n0\r\n\r\n")
        assert line.until(3) == [200, 200, 503]
        line.send(posted("/take", b"", "Connection: close"))
        heard = line.until_closed()
    assert re.findall(rb"\r\n\r\n(took \w?|kept|lost)", heard) == [
        b"took a", b"kept", b"lost", b"took "
    ]  # fmt: skip
    assert heard.count(b"connection: close") == 1


def test_what_is_sent_after_it_waits_for_its_turn(server: Server) -> None:
    """Though the application would be quicker."""
    ahead = [posted("/take", b"later"), get("/open"), posted("/take", b"1"), posted("/shut", b"2")]
    with Line(server) as line:
        line.send(b"".join([*ahead * 20, posted("/take", b"later", "Connection: close")]))
        heard = line.until_closed()
    bodies = re.findall(rb"\r\n\r\n(heard (?:later|[12]|)|kept|took 1|wait)", heard)
    assert [*bodies[1::4]] == [b"heard "] * 20
    # What waits for its turn goes the long way, which leads to the application here.
    assert {*bodies[0::4]} <= {b"kept", b"heard later"}
    assert {*bodies[2::4]} <= {b"took 1", b"heard 1"}
    assert {*bodies[3::4]} <= {b"wait", b"heard 2"}
    assert (bodies[0], len(bodies)) == (b"kept", 81)


def test_what_fails_is_answered_and_told(server: Server) -> None:
    """Others are served as before."""
    with Line(server) as line:
        line.send(posted("/take", b"fail"))
        assert line.until_closed().startswith(b"HTTP/1.1 500 ")
    assert "request_failed" in server.said()
    assert server.ask("POST", "/take", b"a").body == b"took a"


def test_too_much_is_refused_before_all_of_it_came(server: Server) -> None:
    """However much was announced; what is just within the limit is taken in."""
    assert server.ask("POST", "/take", b"x" * 10).body == b"took " + b"x" * 10
    request = posted("/take", b"x" * 11).replace(b"Length: 11", b"Length: 1000000")
    with Line(server) as line:
        line.send(request)
        assert line.until_closed().startswith(b"HTTP/1.1 413 ")


def test_what_broke_off_is_known(server: Server) -> None:
    """It counts as unreadable, once."""

    def nothings() -> int:
        return server.ask("GET", "/taken").body.count(b"None")

    before = nothings()
    with Line(server) as line:
        line.send(posted("/take", b"x" * 9).replace(b"Length: 9", b"Length: 10"))
        line.socket.shutdown(socket.SHUT_WR)
        line.until_closed()
    wait_until(lambda: nothings() == before + 1)


def test_only_posts_are_taken_in(server: Server) -> None:
    """To that path alone, and from those who send a body unasked."""
    assert server.ask("GET", "/take").body == b"heard "
    assert server.ask("POST", "/take?a", b"1").body == b"heard 1"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.ask("POST", "/take", headers=upgrade).body == b"heard "


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
