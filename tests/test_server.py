"""HTTP as it comes over a socket: limits, deadlines, and what nobody can hold for free."""

import contextlib
import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest

from collector.control import Control
from collector.server import SHUTDOWN_TIMEOUT_S
from collector.serving.connection import IDLE_TIMEOUT_S, MAX_HEAD_BYTES, REQUEST_TIMEOUT_S
from tests.serving import (
    DEADLINE_S,
    SITE,
    STOP_DEADLINE_S,
    USER_AGENT,
    Installation,
    Server,
    installation,
    pageview,
    wait_until,
)

# As short as a slow machine allows; a sweep is a second.
SHORT_S = {
    "REQUEST_TIMEOUT_S": 1.5, "IDLE_TIMEOUT_S": 2.0, "SHUTDOWN_TIMEOUT_S": 0.3,
    "READ_TIMEOUT_S": 1.0,
}  # fmt: skip
_MAIN = "from collector import __main__; __main__.main()"
SOCKET_TIMEOUT_S = 60.0
EVENT = json.dumps(pageview("/over-a-socket")).encode()
CANARY = "canary7f3a"
HEAD = f"Host: {SITE}\r\nUser-Agent: {USER_AGENT}\r\n"


def program(
    here: Installation, constants: Mapping[str, float], command: str = "ingest"
) -> Sequence[str]:
    """Return `gatecount ingest`, or another, with other constants in its server."""
    lines = [f"connection.{n} = server.{n} = {value!r}" for n, value in constants.items()]
    code = "; ".join(
        ["from collector import server", "from collector.serving import connection", *lines, _MAIN]
    )
    return (sys.executable, "-c", code, "--data", str(here.data), command, "--port", "0")


def register(here: Installation) -> None:
    """Register the site."""
    here.data.mkdir(mode=0o700)
    with contextlib.closing(Control.open(here.data / "control.sqlite")) as control:
        control.add_site(SITE, "UTC", datetime.now(UTC))


@pytest.fixture(name="here", scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Set up a data directory with a site."""
    with installation(tmp_path_factory.mktemp("server")) as here:
        register(here)
        yield here


@pytest.fixture(name="server", scope="module")
def run(here: Installation) -> Iterator[Server]:
    """Run a server with short deadlines for all tests."""
    with here.serving(program=program(here, SHORT_S)) as server:
        yield server


def counted(here: Installation, path: str) -> int:
    """Return how many pageviews of a path are in the journal."""
    wanted = f'"path":"{path}"'.encode()
    return sum(chunk.read_bytes().count(wanted) for chunk in (here.data / "journal").glob("*"))


class Line:
    """One connection, spoken to in bytes."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), SOCKET_TIMEOUT_S)
        self._seen = b""

    def __enter__(self) -> Self:
        """Hold the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        """Send bytes; a server that has hung up meanwhile is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def until_closed(self) -> bytes:
        """Return all there is to come until the server closes the connection."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(65536):
                self._seen += data
        return self._seen

    def until(self, count: int) -> list[int]:
        """Return the status codes of all answers so far, once there are so many."""
        while len(found := _statuses(self._seen)) < count:
            data = self.socket.recv(65536)
            assert data, f"closed after {found}"
            self._seen += data
        return found


def _statuses(seen: bytes) -> list[int]:
    """Return the status codes of answers that came whole."""
    codes = []
    while seen:
        head, end, rest = seen.partition(b"\r\n\r\n")
        length = re.search(rb"\ncontent-length: (\d+)", head)
        body_bytes = int(length[1]) if length else 0
        if not end or len(rest) < body_bytes:
            break
        codes.append(int(head.split()[1]))
        seen = rest[body_bytes:]
    return codes


def post(body: bytes = EVENT, *more: str, version: str = "1.1", length: int | None = None) -> bytes:
    """Return the bytes of a request that posts an event."""
    size = len(body) if length is None else length
    lines = [f"Content-Length: {size}", *more] if size >= 0 else [*more]
    fields = "".join(f"{line}\r\n" for line in lines)
    return f"POST /api/event HTTP/{version}\r\n{HEAD}{fields}\r\n".encode() + body


def get(path: str) -> bytes:
    """Return the bytes of a request for a page."""
    return f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode()


def event(path: str) -> bytes:
    """Return the body of a pageview."""
    return json.dumps(pageview(path)).encode()


def answers(server: Server, *pieces: bytes | str, after: int) -> list[int]:
    """Send bytes in pieces on a connection of their own; return all answers until it is closed.

    We hang up after so many of them: who does so sooner gets none that takes time.
    """
    with Line(server) as line:
        for piece in pieces:
            line.send(piece)
            time.sleep(0.02)  # only makes it likelier that they arrive one by one
        line.until(after)
        line.socket.shutdown(socket.SHUT_WR)
        return _statuses(line.until_closed())


def test_the_limits_are_sane() -> None:
    """Browsers stay well below the head's; a proxy closes an idle connection before us."""
    assert MAX_HEAD_BYTES == 16 * 1024
    assert 5 <= REQUEST_TIMEOUT_S <= 30
    assert 60 < IDLE_TIMEOUT_S <= 120
    assert 1 <= SHUTDOWN_TIMEOUT_S <= 10


@pytest.mark.parametrize("size_bytes", [17_000, 60_000, 1_000_000])
@pytest.mark.parametrize("piece_bytes", [4_000, 1_000_000], ids=["in pieces", "at once"])
@pytest.mark.parametrize("kind", ["one header", "many headers", "url", "no end"])
def test_a_head_that_is_too_large_is_refused(
    here: Installation, server: Server, size_bytes: int, piece_bytes: int, kind: str
) -> None:
    """431 or a closed connection, however it comes; what it asked for is not done."""
    path = f"/head-{size_bytes}-{piece_bytes}-{kind.replace(' ', '-')}"
    filling = "x" * size_bytes
    request = {
        "one header": post(event(path), f"X-Filling: {filling}"),
        "many headers": post(event(path), *[f"X-{n}: {'x' * 90}" for n in range(size_bytes // 99)]),
        "url": post(event(path)).replace(b"/api/event", f"/api/event?{filling}".encode()),
        "no end": f"GET / HTTP/1.1\r\nX-Filling: {filling}".encode(),
    }[kind]
    with Line(server) as line:
        for start in range(0, len(request), piece_bytes):
            line.send(request[start : start + piece_bytes])
        statuses = _statuses(line.until_closed())
    assert statuses in ([], [431])
    assert counted(here, path) == 0


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_head_just_within_the_limit_is_read(
    here: Installation, server: Server, before: int
) -> None:
    """Also one that follows others on the same connection."""
    path = f"/large-head-{before}"
    filling = f"Cookie: {'a=b; ' * 3000}"
    with Line(server) as line:
        for number in range(before + 1):
            line.send(post(event(path), filling))
            assert line.until(number + 1)[-1] == 202
    assert counted(here, path) == before + 1


def test_pipelined_requests_are_answered_in_order(here: Installation, server: Server) -> None:
    """Whatever each of them takes."""
    requests = [
        (get("/healthz"), 200),
        (post(b"{"), 400),
        (get("/nowhere"), 404),
        (post(event("/pipelined")), 202),
        (get("/api/event"), 405),
        (post(b"x" * 8192), 400),
        (post(event("/pipelined")), 202),
        (get("/opt-out"), 200),
    ]
    with Line(server) as line:
        line.send(b"".join(request for request, _ in requests))
        assert line.until(len(requests)) == [status for _, status in requests]
    assert counted(here, "/pipelined") == 2


@pytest.mark.parametrize("cut_bytes", [1, 50, 150])
def test_many_pipelined_requests_are_no_large_head(server: Server, cut_bytes: int) -> None:
    """Though together they are larger, and the last of them is still to come."""
    count = 250
    requests = get("/api/event") * count
    assert len(requests) > 2 * MAX_HEAD_BYTES
    with Line(server) as line:
        line.send(requests[:-cut_bytes])
        line.until(count - 1)
        line.send(requests[-cut_bytes:])
        assert line.until(count) == [405] * count


@pytest.mark.parametrize(
    ("framed", "status"),
    [
        (b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT), 202),
        (b"".join(b"1\r\n%c\r\n" % byte for byte in EVENT) + b"0\r\n\r\n", 202),
        (b"2000\r\n" + EVENT + b" " * (8192 - len(EVENT)) + b"\r\n0\r\n\r\n", 202),
        (b"2001\r\n" + EVENT + b" " * (8193 - len(EVENT)) + b"\r\n0\r\n\r\n", 413),
        (b"800\r\n" + b" " * 2048 + b"\r\n" + b"1801\r\n" + b" " * 6145 + b"\r\n0\r\n\r\n", 413),
        (b"0\r\n\r\n", 400),
        (b"x\r\n\r\n", 400),
    ],
    ids=["one", "bytes", "8192", "8193", "two", "empty", "nonsense"],
)
def test_a_body_may_come_in_chunks(server: Server, framed: bytes, status: int) -> None:
    """With the same limit."""
    request = post(b"", "Transfer-Encoding: chunked", length=-1)
    assert answers(server, request + framed, after=1) == [status]
    assert answers(server, request, framed, after=1) == [status]


def test_a_body_beyond_the_limit_is_refused(server: Server) -> None:
    """And the connection closed, as there is no telling what follows."""
    assert answers(server, post(b"x" * 8193) + get("/healthz"), after=1) == [413]
    assert answers(server, post(b"x" * 8192) + get("/healthz"), after=2) == [400, 200]


def test_a_huge_body_is_not_taken_in(server: Server) -> None:
    """The answer comes after the first 8 KiB, or the connection breaks."""
    with Line(server) as line:
        line.send(post(b"", length=100_000_000))
        for _ in range(200):
            line.send(b" " * 100_000)
        assert _statuses(line.until_closed()) in ([413], [])


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (post(event("/lie"), length=10), [400, 400]),  # and one to the rest of it
        (post(event("/lie"), length=0), [400, 400]),
        (post(event("/lie"), length=-1), [400, 400]),
        (post(event("/lie"), "Content-Length: 5"), [400]),
        (post(event("/lie"), "Transfer-Encoding: chunked"), [400]),
        (post(event("/lie"), "Transfer-Encoding: chunked, identity", length=-1), [400]),
        (post(event("/lie"), "Content-Length: -5", length=-1), [400]),
        (post(event("/lie"), "Content-Length: 1e2", length=-1), [400]),
        (post(event("/lie"), "Content-Length: 99999999999999999999", length=-1), [400]),
    ],
    ids=["short", "zero", "none", "two", "both", "odd coding", "negative", "float", "overflow"],
)
def test_a_length_that_lies_is_caught(
    here: Installation, server: Server, request_: bytes, statuses: list[int]
) -> None:
    """Bytes that nobody announced are no event, and no second request that is obeyed."""
    assert answers(server, request_, after=len(statuses)) == statuses
    assert counted(here, "/lie") == 0


@pytest.mark.parametrize(
    "request_",
    [
        post(event("/broken-off"), length=len(event("/broken-off")) + 1),
        post(b"", "Transfer-Encoding: chunked", length=-1)
        + b"%x\r\n%b\r\n" % (len(event("/broken-off")), event("/broken-off")),
    ],
    ids=["length", "chunks"],
)
def test_a_body_that_breaks_off_is_no_event(
    here: Installation, server: Server, request_: bytes
) -> None:
    """Not even when what came of it reads like one."""
    with Line(server) as line:
        line.send(request_)
        line.send(b"")
    with Line(server) as line:  # whose answer comes after the other's end was noticed
        line.send(post(event("/after")))
        line.until(1)
    wait_until(lambda: counted(here, "/after") > 0)
    assert counted(here, "/broken-off") == 0


def test_an_event_whose_sender_hangs_up_at_once_counts(here: Installation, server: Server) -> None:
    """A browser that is closed sends its last event so."""
    for _ in range(20):
        with Line(server) as line:
            line.send(post(event("/hung-up")))
    wait_until(lambda: counted(here, "/hung-up") == 20, "20 events")


def test_a_client_that_asks_first_is_told_to_go_on(here: Installation, server: Server) -> None:
    """Expect: 100-continue, as curl sends it."""
    with Line(server) as line:
        line.send(post(b"", "Expect: 100-continue", length=len(event("/expected"))))
        assert line.socket.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.send(event("/expected"))
        assert line.until(1) == [202]
    assert counted(here, "/expected") == 1


def test_an_old_client_is_answered(here: Installation, server: Server) -> None:
    """HTTP/1.0: once, and the connection is closed."""
    with Line(server) as line:
        line.send(post(event("/old"), version="1.0"))
        seen = line.until_closed()
    assert _statuses(seen) == [202]
    assert b"connection: close" in seen
    assert counted(here, "/old") == 1
    assert answers(server, b"GET /healthz HTTP/1.0\r\n\r\n", after=1) == [200]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n", b"\r\n\r\n\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(server: Server, sent: bytes) -> None:
    """400 or a closed connection; and the server goes on."""
    assert answers(server, sent, after=0) in ([400], [])
    assert server.ask("GET", "/healthz").status == 200


def test_nobody_gets_another_protocol(server: Server) -> None:
    """A request to upgrade is answered as if it had not asked."""
    asked = get("/healthz").replace(
        b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    with Line(server) as line:
        line.send(asked)
        assert line.until(1) == [200]


def test_answers_do_not_say_what_serves(server: Server) -> None:
    """No name, no version."""
    for method, path in (("GET", "/healthz"), ("GET", "/nowhere"), ("POST", "/api/event")):
        answer = server.ask(method, path, headers={"Host": SITE})
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        assert b"uvicorn" not in answer.body.lower()


def test_two_hundred_idle_connections_hinder_nobody(here: Installation, server: Server) -> None:
    """Neither those that said nothing nor those that began a request."""
    with contextlib.ExitStack() as stack:
        for number in range(200):
            line = stack.enter_context(Line(server))
            if number % 2:
                line.send("POST /api/event HTTP/1.1\r\nHo")
        before = counted(here, "/busy")
        with server.visitor() as visitor:
            for _ in range(50):
                assert visitor.post(pageview("/busy")).status == 202
        assert counted(here, "/busy") == before + 50


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


def test_there_is_no_access_log(here: Installation, server: Server) -> None:
    """Nothing of a request is written, whatever became of it."""
    with Line(server) as line:
        line.send(get(f"/healthz?{CANARY}"))
        line.send(get(f"/{CANARY}"))
        line.send(post(event(f"/{CANARY}")))
        line.send(post(f'{{"{CANARY}"'.encode()))
        line.until(4)
    answers(server, f"nonsense {CANARY}\r\n\r\n", after=1)
    answers(server, f"GET / HTTP/1.1\r\nX: {CANARY * 2000}\r\n\r\n", after=1)
    said = server.said()
    assert CANARY not in said
    assert "127.0.0.1:" not in said.replace(f"http://127.0.0.1:{server.port}/", "")
    assert "GET" not in said
    assert counted(here, f"/{CANARY}") == 1


def test_a_half_sent_body_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Neither does an idle connection; what was acknowledged is on disk."""
    with installation(tmp_path) as here:
        register(here)
        with here.serving(program=program(here, SHORT_S)) as server:
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
        assert counted(here, "/last") == 1
        assert counted(here, "/over-a-socket") == 0


def test_a_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Whoever watches what happens now is cut off; nothing is complained about."""
    with installation(tmp_path) as here:
        register(here)
        patient = program(here, {"SHUTDOWN_TIMEOUT_S": 2 * STOP_DEADLINE_S}, "serve")
        with here.serving(program=patient) as server:
            cookie = f"gatecount-login={server.login}"
            with Line(server) as line:
                request = f"GET /sites/{SITE}/now/events HTTP/1.1\r\nHost: localhost\r\n"
                line.send(f"{request}Cookie: {cookie}\r\n\r\n")
                assert b"text/event-stream" in line.socket.recv(65536)
                assert server.terminate() == 0  # within half of what it would wait for a request
            assert "Cancelled" not in server.said()
