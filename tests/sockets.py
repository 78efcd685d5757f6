"""What is said to a real server over a socket, in bytes, and what comes back."""

import contextlib
import json
import re
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.serving import SITE, USER_AGENT, Installation, Server, installation, pageview

_MAIN = "from collector import __main__; __main__.main()"
_SOCKET_TIMEOUT_S = 60.0
HEAD = f"Host: {SITE}\r\nUser-Agent: {USER_AGENT}\r\n"
EVENT = json.dumps(pageview("/over-a-socket")).encode()


@contextlib.contextmanager
def ingesting(folder: Path, **constants: float) -> Iterator[Server]:
    """Run `gatecount ingest` for one site, with other constants in its server."""
    with installation(folder) as here:
        here.add_site()
        with here.serving(program=program(here, constants)) as server:
            yield server


def program(
    here: Installation, constants: Mapping[str, float], command: str = "ingest"
) -> Sequence[str]:
    """Return `gatecount ingest`, or another, with other constants in its server."""
    lines = [f"connection.{n} = server.{n} = {value!r}" for n, value in constants.items()]
    code = "; ".join(
        ["from collector import server", "from collector.serving import connection", *lines, _MAIN]
    )
    return (sys.executable, "-c", code, "--data", str(here.data), command, "--port", "0")


class Line:
    """One connection, spoken to in bytes."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), _SOCKET_TIMEOUT_S)
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
        while len(found := statuses(self._seen)) < count:
            data = self.socket.recv(65536)
            assert data, f"closed after {found}"
            self._seen += data
        return found


def statuses(seen: bytes) -> list[int]:
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
