"""Connections that get nowhere, as they come over a socket: nobody can hold one for free."""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.server import SHUTDOWN_TIMEOUT_S
from collector.serving.connection import IDLE_TIMEOUT_S, MAX_HEAD_BYTES, REQUEST_TIMEOUT_S
from tests.serving import DEADLINE_S, SITE, STOP_DEADLINE_S, Server, installation, pageview
from tests.sockets import EVENT, Line, get, ingesting, post, program

# As short as a slow machine allows; a sweep is a second.
SHORT_S = {"REQUEST_TIMEOUT_S": 1.5, "IDLE_TIMEOUT_S": 2.0, "SHUTDOWN_TIMEOUT_S": 0.3}


@pytest.fixture(name="server", scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with short deadlines for all tests."""
    with ingesting(tmp_path_factory.mktemp("deadlines"), **SHORT_S) as server:
        yield server


def test_the_limits_are_sane() -> None:
    """Browsers stay well below the head's; a proxy closes an idle connection before us."""
    assert MAX_HEAD_BYTES == 16 * 1024
    assert 5 <= REQUEST_TIMEOUT_S <= 30
    assert 60 < IDLE_TIMEOUT_S <= 120
    assert 1 <= SHUTDOWN_TIMEOUT_S <= 10


def drip(line: Line, kind: str) -> None:
    """Send the next byte of a request that never ends."""
    if kind in {"slow head", "slow body"}:
        line.send(b"x")


@pytest.fixture(name="closed_after_s", scope="module")
def wait_for_closing(server: Server) -> dict[str, float]:
    """Open all kinds of connections that get nowhere; return after how long each was closed."""
    begun = {
        "silent": b"",
        "half a head": b"POST /api/event HTTP/1.1\r\nHost: example.com\r\n",
        "slow head": b"POST /api/event HTTP/1.1\r\nX-Slow: ",
        "half a body": post(EVENT, length=len(EVENT) + 100),
        "slow body": post(b"", length=8000),
        "slow body of an objector": post(b"", "DNT: 1", length=8000),
        "half a chunk": post(b"", "Transfer-Encoding: chunked", length=-1) + b"ff\r\n{",
        "asked first": post(b"", "Expect: 100-continue", length=100),
        "idle": get("/healthz"),
        "idle, then half a head": get("/healthz") + b"GET /",
        "rest of a refused body": post(b" " * 9000, "DNT: 1", length=1_000_000),
        "after a refused body": post(b" " * 9000, "DNT: 1"),
        "after an unread body": get("/healthz").replace(
            b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n"
        ),
    }
    closed: dict[str, float] = {}
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as waiting:
        start = time.monotonic()
        for kind, sent in begun.items():
            line = stack.enter_context(Line(server))
            line.send(sent)
            if kind == "after an unread body":
                line.until(1)
                line.send(b"x")
            waiting.register(line.socket, selectors.EVENT_READ, (kind, line))
        while waiting.get_map() and time.monotonic() < start + DEADLINE_S:
            ready = {key.data for key, _ in waiting.select(0.2)}
            for kind, line in [key.data for key in waiting.get_map().values()]:
                if (kind, line) in ready and _is_closed(line.socket):
                    closed[kind] = time.monotonic() - start
                    waiting.unregister(line.socket)
                else:
                    drip(line, kind)
    return closed


def _is_closed(connection: socket.socket) -> bool:
    try:
        return not connection.recv(65536)
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "kind",
    [
        "silent", "half a head", "slow head", "half a body", "slow body",
        "slow body of an objector", "half a chunk", "asked first", "idle, then half a head",
        "rest of a refused body",
    ],
)  # fmt: skip
def test_a_request_has_a_deadline(closed_after_s: dict[str, float], kind: str) -> None:
    """From its first byte to its last, however many come in between."""
    assert closed_after_s[kind] >= SHORT_S["REQUEST_TIMEOUT_S"] - 0.1


@pytest.mark.parametrize("kind", ["idle", "after a refused body", "after an unread body"])
def test_an_idle_connection_is_closed(closed_after_s: dict[str, float], kind: str) -> None:
    """Later than a request's deadline, so that the client closes it first."""
    assert closed_after_s[kind] >= SHORT_S["IDLE_TIMEOUT_S"] - 0.1


def test_a_half_sent_body_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Neither does an idle connection; what was acknowledged is on disk."""
    with ingesting(tmp_path, SHUTDOWN_TIMEOUT_S=0.3) as server:
        lines = [Line(server) for _ in range(3)]
        lines[0].send(post(EVENT, length=len(EVENT) + 100))
        lines[1].send(get("/healthz"))
        lines[1].until(1)
        lines[2].send("POST /api/event HTTP/1.1\r\nHo")
        assert server.post(pageview("/last")).status == 202
        server.terminate(DEADLINE_S)
        for line in lines:
            line.socket.close()
        assert "Traceback" not in server.said()
    assert server.journalled("/last") == 1
    assert server.journalled("/over-a-socket") == 0


def test_a_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Whoever watches what happens now is cut off; nothing is complained about."""
    with installation(tmp_path) as here:
        here.add_site()
        patient = program(here, {"SHUTDOWN_TIMEOUT_S": 2 * STOP_DEADLINE_S}, "serve")
        with here.serving(program=patient) as server:
            cookie = f"gatecount-login={server.login}"
            with Line(server) as line:
                request = f"GET /sites/{SITE}/now/events HTTP/1.1\r\nHost: localhost\r\n"
                line.send(f"{request}Cookie: {cookie}\r\n\r\n")
                assert b"text/event-stream" in line.socket.recv(65536)
                assert server.terminate() == 0  # within half of what it would wait for a request
            assert "Cancelled" not in server.said()
