"""HTTP as it comes over a socket: how large a request may be, and which is none."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from collector.serving.connection import MAX_HEAD_BYTES
from tests.serving import SITE, Server, pageview, wait_until
from tests.sockets import EVENT, Line, event, get, ingesting, post, statuses

CANARY = "canary7f3a"


@pytest.fixture(name="server", scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server for all tests."""
    with ingesting(tmp_path_factory.mktemp("server")) as server:
        yield server


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
        return statuses(line.until_closed())


@pytest.mark.parametrize("size_bytes", [17_000, 60_000, 1_000_000])
@pytest.mark.parametrize("piece_bytes", [4_000, 1_000_000], ids=["in pieces", "at once"])
@pytest.mark.parametrize("kind", ["one header", "many headers", "url", "no end"])
def test_a_head_that_is_too_large_is_refused(
    server: Server, size_bytes: int, piece_bytes: int, kind: str
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
        found = statuses(line.until_closed())
    assert found in ([], [431])
    assert server.journalled(path) == 0


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_head_just_within_the_limit_is_read(server: Server, before: int) -> None:
    """Also one that follows others on the same connection."""
    path = f"/large-head-{before}"
    filling = f"Cookie: {'a=b; ' * 3000}"
    with Line(server) as line:
        for number in range(before + 1):
            line.send(post(event(path), filling))
            assert line.until(number + 1)[-1] == 202
    assert server.journalled(path) == before + 1


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
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
    assert server.journalled("/pipelined") == 2


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
        assert statuses(line.until_closed()) in ([413], [])


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
def test_a_length_that_lies_is_caught(server: Server, request_: bytes, statuses: list[int]) -> None:
    """Bytes that nobody announced are no event, and no second request that is obeyed."""
    assert answers(server, request_, after=len(statuses)) == statuses
    assert server.journalled("/lie") == 0


@pytest.mark.parametrize(
    "request_",
    [
        post(event("/broken-off"), length=len(event("/broken-off")) + 1),
        post(b"", "Transfer-Encoding: chunked", length=-1)
        + b"%x\r\n%b\r\n" % (len(event("/broken-off")), event("/broken-off")),
    ],
    ids=["length", "chunks"],
)
def test_a_body_that_breaks_off_is_no_event(server: Server, request_: bytes) -> None:
    """Not even when what came of it reads like one."""
    with Line(server) as line:
        line.send(request_)
        line.send(b"")
    with Line(server) as line:  # whose answer comes after the other's end was noticed
        line.send(post(event("/after")))
        line.until(1)
    wait_until(lambda: server.journalled("/after") > 0)
    assert server.journalled("/broken-off") == 0


def test_an_event_whose_sender_hangs_up_at_once_counts(server: Server) -> None:
    """A browser that is closed sends its last event so."""
    for _ in range(20):
        with Line(server) as line:
            line.send(post(event("/hung-up")))
    wait_until(lambda: server.journalled("/hung-up") == 20, "20 events")


def test_a_client_that_asks_first_is_told_to_go_on(server: Server) -> None:
    """Expect: 100-continue, as curl sends it."""
    with Line(server) as line:
        line.send(post(b"", "Expect: 100-continue", length=len(event("/expected"))))
        assert line.socket.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.send(event("/expected"))
        assert line.until(1) == [202]
    assert server.journalled("/expected") == 1


def test_an_old_client_is_answered(server: Server) -> None:
    """HTTP/1.0: once, and the connection is closed."""
    with Line(server) as line:
        line.send(post(event("/old"), version="1.0"))
        seen = line.until_closed()
    assert statuses(seen) == [202]
    assert b"connection: close" in seen
    assert server.journalled("/old") == 1
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


def test_two_hundred_idle_connections_hinder_nobody(server: Server) -> None:
    """Neither those that said nothing nor those that began a request."""
    with contextlib.ExitStack() as stack:
        for number in range(200):
            line = stack.enter_context(Line(server))
            if number % 2:
                line.send("POST /api/event HTTP/1.1\r\nHo")
        before = server.journalled("/busy")
        with server.visitor() as visitor:
            for _ in range(50):
                assert visitor.post(pageview("/busy")).status == 202
        assert server.journalled("/busy") == before + 50


def test_there_is_no_access_log(server: Server) -> None:
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
    assert server.journalled(f"/{CANARY}") == 1
