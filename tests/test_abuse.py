"""Abuse over a socket: whoever attacks gets little for it, and events of others go on."""

import contextlib
import json
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import server as limits
from tests.serving import DEADLINE_S, SITE, USER_AGENT, Server, pageview, wait_until
from tests.sockets import Line, get, ingesting, post

MOST_CONNECTIONS = 60
MOST_FILES = MOST_CONNECTIONS + limits.FILES_KEPT_FREE


@pytest.fixture(name="server", scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server that may open few files, and in which nothing but a slow reader is overdue."""
    constants = {"MOST_FILES": MOST_FILES, "READ_TIMEOUT_S": 1.0, "REQUEST_TIMEOUT_S": 60.0}
    with ingesting(tmp_path_factory.mktemp("abuse"), **constants) as server:
        yield server


def honest(server: Server, path: str) -> None:
    """Post ten events on one connection, and one on another: all are answered and counted."""
    with server.visitor() as visitor:
        for _ in range(10):
            assert visitor.post(pageview(path)).status == 202
    assert server.post(pageview(path)).status == 202
    wait_until(lambda: server.journalled(path) == 11)


def test_more_connections_than_there_can_be_hinder_nobody(server: Server) -> None:
    """Those on which nothing happened for longest go; whoever is at work stays."""
    with contextlib.ExitStack() as stack, server.visitor() as busy:
        lines = [stack.enter_context(Line(server)) for _ in range(MOST_CONNECTIONS)]
        for line in lines[::2]:
            line.send(get("/healthz"))
            line.until(1)
        for number in range(3 * MOST_CONNECTIONS):
            lines.append(stack.enter_context(Line(server)))
            if number % 10 == 0:
                assert busy.post(pageview("/busy")).status == 202
        honest(server, "/among-idle-ones")
        assert all(map(_is_closed, lines[:MOST_CONNECTIONS]))
        assert not _is_closed(lines[-1])
        assert sum(not _is_closed(line) for line in lines) < MOST_CONNECTIONS
    wait_until(lambda: "connections_shed count=" in server.said())
    assert server.journalled("/busy") == 18


def _is_closed(line: Line) -> bool:
    line.socket.setblocking(False)  # noqa: FBT003 - the socket's own signature
    try:
        while line.socket.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


def test_who_does_not_take_in_the_answers_is_hung_up_on(server: Server) -> None:
    """Though the program has done with them: they would stay in its memory."""
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        greedy.connect(("127.0.0.1", server.port))
        greedy.settimeout(DEADLINE_S)
        with pytest.raises(ConnectionError):
            _ask_for_ever(greedy, get("/visitors.css"))
        honest(server, "/beside-a-slow-reader")
    assert server.process.poll() is None


def _ask_for_ever(greedy: socket.socket, request: bytes) -> None:
    while True:  # until the server reads no further, and hangs up
        greedy.sendall(request)


def test_what_waits_for_its_turn_takes_no_memory(server: Server) -> None:
    """Requests that are sent ahead are read once those before them are answered, and not many."""
    before_mib = resident_mib(server)
    request = f"GET /visitors.css HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            line = stack.enter_context(Line(server))
            line.send(request * 5_000)
        honest(server, "/beside-many-requests")
        assert _is_closed(line)
    assert resident_mib(server) < before_mib + 20


def resident_mib(server: Server) -> float:
    """Return the memory a server occupies."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def ranges() -> bytes:
    """Return a request for thousands of overlapping parts of the style sheet."""
    asked = ",".join(f"{n}-" for n in range(2_000))
    return f"GET /visitors.css HTTP/1.1\r\nHost: {SITE}\r\nRange: bytes={asked}\r\n\r\n".encode()


def multipart(path: str, parts: int = 1_000) -> bytes:
    """Return a form of many parts, which nobody reads as one."""
    part = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'
    body = part * parts + b"--x--\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {SITE}\r\nUser-Agent: {USER_AGENT}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


ATTACKS: dict[str, tuple[bytes, set[int]]] = {
    "ranges": (ranges(), {200}),
    "multipart event": (multipart("/api/event"), {413}),
    "small multipart event": (multipart("/api/event", 5), {400}),
    "multipart opt-out": (multipart("/opt-out", 20), {303}),
    "many headers": (
        get("/healthz").replace(b"\r\n\r\n", b"\r\n" + b"a:b\r\n" * 4_000 + b"\r\n"), {431}
    ),
    "deep JSON": (post(b"[" * 8_000), {400}),
    "many properties": (
        post(json.dumps(pageview("/", p={str(n): "x" for n in range(31)})).encode()), {400}
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_request_that_is_to_cost_much_is_answered_at_once(server: Server, kind: str) -> None:
    """Ranges are not offered, forms not taken apart; and the next visitor is served."""
    request, statuses = ATTACKS[kind]
    for _ in range(20):
        with Line(server) as line:
            line.send(request)
            assert line.until(1)[0] in statuses
    honest(server, f"/after-{kind.replace(' ', '-')}")


def test_the_limit_of_open_files_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """To what the system allows, and some are kept for what is not a connection."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: raised.append(both))
    for soft, hard, most in (
        (1_024, 20_000, 20_000),
        (1_024, 1_000_000, 65_536),
        (1_024, resource.RLIM_INFINITY, 65_536),
        (20_000, 20_000, 20_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 65_536),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, both=(soft, hard): both)
        assert limits._allowed_connections() == most - limits.FILES_KEPT_FREE  # noqa: SLF001
    assert raised == [
        (20_000, 20_000), (65_536, 1_000_000), (65_536, resource.RLIM_INFINITY)
    ]  # fmt: skip
