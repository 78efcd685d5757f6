"""uvicorn, with the limits it lacks: nobody can hold a connection or memory for free.

uvicorn has no time-out for headers or bodies and takes headers of any size. One sweep a second
closes what is overdue, which also spares the hot road a timer per request.
"""

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FrameType, MappingProxyType
from typing import Any, ClassVar

import uvicorn
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_LOG = logging.getLogger("gatecount.server")
# Chrome and Firefox stay well under 8 KiB; proxies commonly allow 16 or 32.
MAX_HEAD_BYTES = 16 * 1024
REQUEST_TIMEOUT_S = 15.0  # from a request's first byte to its last
# Requests of one connection that wait for their turn: each takes 2 KB, and needs but 20 bytes.
# Browsers and proxies send none.
MAX_PIPELINED = 256
READ_TIMEOUT_S = 30.0  # for taking in more of an answer
IDLE_TIMEOUT_S = 75.0  # longer than proxies keep a connection, so that they close it
SHUTDOWN_TIMEOUT_S = 5
_BACKLOG = 4096
_MOST_FILES = 65_536
FILES_KEPT_FREE = 256  # of those that may be open: for chunks, databases, answers to the keeper
_SHED_SHARE = 16  # one connection in so many is closed when there are too many
_SHED_EVERY_S = 0.01  # in which fewer come in than files are kept free
# With the defaults, collections of many live objects made the slowest requests wait 70 ms.
_GC_THRESHOLDS = (50_000, 50, 1_000)
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


# By path, what answers a request by its head alone; None from it is for the application to answer.
FirstLooks = Mapping[bytes, Callable[[Any], Response | None]]


class _RefusedError(Exception):
    """Stops the parser."""


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit on a head's size and a deadline for whatever is awaited."""

    first_looks: FirstLooks = MappingProxyType({})
    holding: ClassVar[list["LimitedProtocol"]] = []  # an answer for their next tick
    most_connections = _MOST_FILES
    shed = 0  # since that was last told
    _shed_again_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for a first request; those who wait longest go if there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._in_head = True
        self._head_bytes = 0  # of reads that held nothing but the head in progress
        self._may_be_large = self._is_too_large = False
        self._answer: Response | None = None  # to a request that goes no further
        self._held: Response | None = None  # the same, until it is time to give it
        self.unread_due_s: float | None = None
        self._wait(REQUEST_TIMEOUT_S)
        if len(self.connections) > self.most_connections:
            self._shed()

    def _shed(self) -> None:
        """Close some of the connections on which we wait for others, the longest waits first.

        Where a process has no file left to open, nobody is let in, and a chunk cannot be begun.
        """
        now_s = self.loop.time()
        if now_s < LimitedProtocol._shed_again_s:  # those closed just now are still being counted
            return
        LimitedProtocol._shed_again_s = now_s + _SHED_EVERY_S
        ours = (one for one in self.connections if isinstance(one, LimitedProtocol))
        waiting = sorted((one for one in ours if one.due_s is not None), key=_waits_since_s)
        for one in waiting[: len(waiting) // _SHED_SHARE + 1]:
            one.transport.abort()
            LimitedProtocol.shed += 1

    def is_overdue(self, now_s: float) -> bool:
        """Tell whether what the other end should do by now is not done."""
        return any(due_s is not None and due_s < now_s for due_s in (self.due_s, self.unread_due_s))

    def _wait(self, seconds: float) -> None:
        self.waits_since_s = self.loop.time()
        self.due_s: float | None = self.waits_since_s + seconds

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a head that grows too large is refused, however it comes."""
        was_in_head, self._head_ended = self._in_head, False
        self._may_be_large = self._head_bytes + len(data) > MAX_HEAD_BYTES
        super().data_received(data)
        if was_in_head and not self._head_ended:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Start the clock of a request."""
        super().on_message_begin()
        self._head_bytes = 0
        self._wait(REQUEST_TIMEOUT_S)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head, self._head_ended = False, True
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            raise _RefusedError
        # Counted only if the bytes read allow it, which also hold other pipelined requests.
        if self._may_be_large and self._size_of_head_bytes() > MAX_HEAD_BYTES:
            self._is_too_large = True
            raise _RefusedError
        self.send_held()
        self._answer = self._at_first_look() if self.url in self.first_looks else None
        if self._answer is None:
            super().on_headers_complete()

    def _at_first_look(self) -> Response | None:
        """Return the answer to a request that goes no further, which costs half of the long way.

        On which those go who send more before they have taken in an answer: there they wait.
        """
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.expect_100_continue or self.transport.get_write_buffer_size():
            return None
        self._keeps_alive = (
            self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        )
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["path"] = self.url.decode("ascii")
        return self.first_looks[self.url](self.scope)

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body, if it is for anybody."""
        if self._answer is None:
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; the parser stopped at a head that is too large as well."""
        if self._is_too_large:
            self._refuse_head()
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def on_message_complete(self) -> None:
        """Stop the clock: from here on it is us who take time."""
        self._in_head = True
        self._head_bytes = 0
        self.due_s = None
        if self._answer is None:
            super().on_message_complete()
        else:  # who floods us needs the more connections, and is answered all at once
            self._held = self._answer
            self.holding.append(self)

    def send_held(self) -> None:
        """Give the answer that was held back, if there is one."""
        answer, self._held = self._held, None
        if answer is None or self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        date = tuple(self.server_state.default_headers)
        self.transport.write(_encoded(answer, date, keeps_alive=self._keeps_alive))
        if self._keeps_alive:
            self._wait(IDLE_TIMEOUT_S)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request, without a timer of its own."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:  # no more is read before all of it is answered
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self.flow.resume_reading()
        if self.due_s is None:  # else the rest of a body is still to come
            self._wait(IDLE_TIMEOUT_S)

    def pause_writing(self) -> None:
        """Wait for a client that takes in what it asked for, but not for ever."""
        super().pause_writing()
        self.unread_due_s = self.loop.time() + READ_TIMEOUT_S

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        self.unread_due_s = None

    def shutdown(self) -> None:
        """End at a shutdown; a stream has no end of its own, and its browser comes again."""
        super().shutdown()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.chunked_encoding:
            self.transport.close()

    def _size_of_head_bytes(self) -> int:
        fields = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        return len(self.url) + fields

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()


@lru_cache(maxsize=8)  # the same every time, but for the date
def _encoded(
    answer: Response, date: tuple[tuple[bytes, bytes], ...], *, keeps_alive: bool
) -> bytes:
    """Return an answer as it goes over the wire."""
    closing = () if keeps_alive else ((b"connection", b"close"),)
    lines = (b"%b: %b\r\n" % header for header in (*answer.raw_headers, *closing, *date))
    return b"".join((STATUS_LINE[answer.status_code], *lines, b"\r\n", bytes(answer.body)))


def _waits_since_s(connection: LimitedProtocol) -> float:
    return connection.waits_since_s


class Server(uvicorn.Server):
    """Closes overdue connections once a second, and ends by returning."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Stop; at a second Ctrl-C at once.

        uvicorn's own raises the signal once more at the end, which would leave files open.
        """
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Give answers that were held back, at uvicorn's ticks of 0.1 s; sweep on every tenth."""
        for one in LimitedProtocol.holding:
            one.send_held()
        LimitedProtocol.holding.clear()
        if counter % 10 == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, LimitedProtocol) and connection.is_overdue(now_s):
                    _hang_up(connection.transport)
            if LimitedProtocol.shed:
                _LOG.warning("connections_shed", extra={"count": LimitedProtocol.shed})
                LimitedProtocol.shed = 0
        return await super().on_tick(counter)


def _hang_up(transport: asyncio.Transport) -> None:
    """Close a connection; what its client does not take in would keep it open for ever."""
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; raise OSError with the address in it when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, TypeError) as error:  # the latter of a name that cannot be encoded
        bound.close()
        why = error.strerror if isinstance(error, OSError) else "no host name"
        raise OSError(getattr(error, "errno", 0), f"{host}:{port}: {why}") from None
    bound.set_inheritable(True)
    return bound


def _allowed_connections() -> int:
    """Let this process open as many files as it may; return how many can be connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(1, most - FILES_KEPT_FREE)


def serve(
    app: Any,  # noqa: ANN401 - any ASGI application
    bound: socket.socket,
    first_looks: FirstLooks = MappingProxyType({}),
) -> bool:
    """Serve an application on a bound socket until a signal; False when it could not start."""
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    server = Server(config)
    LimitedProtocol.first_looks = first_looks
    LimitedProtocol.most_connections = _allowed_connections()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    server.run(sockets=[bound])
    return server.started
