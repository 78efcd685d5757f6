"""HTTP/1.1 as it comes over a connection: uvicorn's protocol, with the limits it lacks.

uvicorn has no time-out for headers or bodies and takes headers of any size. What is overdue is
closed by a sweep once a second (`server.py`), which spares the hot road a timer per request.

Two kinds of requests do without uvicorn's task and messages for each of them: those of which the
head says enough, and events.
"""

import asyncio
import logging
import os
import re
import select
from functools import lru_cache, partial
from typing import ClassVar

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from collector.serving.shortcuts import ShortCuts, Taker

_LOG = logging.getLogger("gatecount.connection")
# Chrome and Firefox stay well under 8 KiB; proxies commonly allow 16 or 32.
MAX_HEAD_BYTES = 16 * 1024
REQUEST_TIMEOUT_S = 15.0  # from a request's first byte to its last
# Requests of one connection that wait for their turn: each takes 2 KB, and needs but 20 bytes.
# Browsers and proxies send none.
MAX_PIPELINED = 256
READ_TIMEOUT_S = 30.0  # for taking in more of an answer
IDLE_TIMEOUT_S = 75.0  # longer than proxies keep a connection, so that they close it
MOST_FILES = 65_536
_SHED_SHARE = 16  # one connection in so many is closed when there are too many
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d{1,6})(?=\r\n|$)", re.IGNORECASE)
_FAILED = Response("Internal Server Error", 500, {"connection": "close"}, "text/plain")


class _RefusedError(Exception):
    """Stops the parser."""


class _Exchange:
    """A request that a taker answers, in the place of uvicorn's cycle of messages."""

    __slots__ = ("body", "disconnected", "is_whole", "keep_alive", "response_complete", "taker")
    chunked_encoding = False
    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self, taker: Taker, *, keep_alive: bool) -> None:
        self.taker = taker
        self.keep_alive = keep_alive
        self.body = b""
        self.is_whole = False
        self.response_complete = False
        self.disconnected = False


class Connection(HttpToolsProtocol):
    """HTTP/1.1 with a limit on a head's size and a deadline for whatever is awaited."""

    short_cuts = ShortCuts()
    holding: ClassVar[list["Connection"]] = []  # an answer for the server's next tick
    parked: ClassVar[dict[int, "Connection"]] = {}  # by descriptor; read from at ticks alone
    _of_parked = select.epoll()  # says which of them have something to read
    most_connections = MOST_FILES
    shed = 0  # since that was last told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting for a first request; those who wait longest go if there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._is_between = self._in_head = True  # two requests; its first byte and its body
        self._head_bytes = 0  # of reads that held nothing but the head in progress
        self._may_be_large = self._is_too_large = False
        self._exchange: _Exchange | None = None  # of the request in progress
        self._answer: Response | None = None  # to a request that goes no further
        self._held: Response | None = None  # the same, until it is time to give it
        self._sent_away = 0  # times running
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        self.unread_due_s: float | None = None
        self._wait(REQUEST_TIMEOUT_S)
        if len(self.connections) > self.most_connections:
            self._shed()

    def _shed(self) -> None:
        """Close some of the connections on which we wait for others, the longest waits first.

        Where a process has no file left to open, nobody is let in, and a chunk cannot be begun.
        """
        ours = (one for one in self.connections if isinstance(one, Connection))
        waiting = sorted((one for one in ours if one.due_s is not None), key=_waits_since_s)
        for one in waiting[: len(waiting) // _SHED_SHARE + 1]:
            one.transport.abort()
            self.connections.discard(one)  # at once: it is told that it is lost a moment later
            Connection.shed += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what was half sent."""
        super().connection_lost(exc)
        if self._is_parked():
            self._unpark()
        if self._exchange is not None and not self._exchange.is_whole:
            self._take(self._exchange, None)

    def is_overdue(self, now_s: float) -> bool:
        """Tell whether what the other end should do by now is not done."""
        return any(due_s is not None and due_s < now_s for due_s in (self.due_s, self.unread_due_s))

    def _wait(self, seconds: float) -> None:
        self.waits_since_s = self.loop.time()
        self.due_s: float | None = self.waits_since_s + seconds

    @classmethod
    def tick(cls) -> None:
        """Give answers that were held back, and read from those who were sent away before.

        Who floods us wakes nobody between two ticks then, and many in a row take half the time that
        they take one by one between other things. They say the same over and over: of each head
        only the first is parsed.
        """
        held, cls.holding = cls.holding, []
        for one in held:
            one.send_held()
            one._park()  # noqa: SLF001 - our own
        known: dict[tuple[str, bytes], Response] = {}
        for descriptor, _ in cls._of_parked.poll(0):
            cls.parked[descriptor]._look_again(known)  # noqa: SLF001 - our own

    def _is_parked(self) -> bool:
        return self.parked.get(self._descriptor) is self

    def _park(self) -> None:
        """Read at ticks alone from now on, if nothing else was asked for lately.

        Not after one time: proxies send what others ask for on the same connection.
        """
        is_idle = self._is_between and self.due_s is not None and not self.transport.is_closing()
        if self._sent_away > 1 and is_idle and not self._is_parked():
            self.flow.pause_reading()
            self.parked[self._descriptor] = self
            self._of_parked.register(self._descriptor, select.EPOLLIN)

    def _unpark(self) -> None:
        del self.parked[self._descriptor]
        self._of_parked.unregister(self._descriptor)

    def _look_again(self, known: dict[tuple[str, bytes], Response]) -> None:
        """Read from one who was sent away.

        Args:
            known: the answer to a head of a peer, if it is the same whatever the body; added to.
        """
        if self.transport.is_closing():
            return
        try:
            data = os.read(self._descriptor, MAX_HEAD_BYTES)
        except OSError:  # of which the event loop hears as well
            data = b""
        said = self._said(data)
        if said is not None and (answer := known.get(said)) is not None:
            self._held = answer
        else:
            self._unpark()
            self.flow.resume_reading()
            if data:
                self.data_received(data)
            if said is not None and self._held is not None and self._keeps_alive:
                known[said] = self._held
        self.send_held()

    def _said(self, data: bytes) -> tuple[str, bytes] | None:
        """Return what an answer depends on that looks at heads alone, if one may come at once."""
        if self.client is None or not self._is_between or self._is_busy():
            return None
        head = _head_of_whole(data)
        return None if head is None else (self.client[0], head)

    def data_received(self, data: bytes) -> None:
        """Parse bytes; a head that grows too large is refused, however it comes."""
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
        self._is_between = False
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
        self._exchange = self._answer = None
        if not self._is_cut_short():
            super().on_headers_complete()

    def _is_cut_short(self) -> bool:
        """Tell whether a request goes no further than here; the long way takes twice the time.

        On which those go who send more before they have taken in an answer: there they wait.
        """
        taker, look = self.short_cuts.takers.get(self.url), self.short_cuts.looks.get(self.url)
        if (taker is None and look is None) or not self._is_next():
            return False
        version, method = self.parser.get_http_version(), self.parser.get_method()
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        if taker is not None and method == b"POST":
            self._exchange = self.cycle = _Exchange(taker, keep_alive=keep_alive)  # type: ignore[assignment]
        elif look is not None:
            self._keeps_alive = keep_alive
            self.scope["method"], self.scope["path"] = method.decode(), self.url.decode()
            self._answer = look(self.scope)
        return self._exchange is not None or self._answer is not None

    def _is_next(self) -> bool:
        """Tell whether all before it is answered and taken in, and the body is on its way."""
        is_special = self.expect_100_continue or self.parser.should_upgrade()
        return not (is_special or self._is_busy())

    def _is_busy(self) -> bool:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        return is_answering or bool(self.transport.get_write_buffer_size())

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body, if it is for anybody."""
        exchange = self._exchange
        if exchange is None:
            if self._answer is None:
                super().on_body(body)
        elif not exchange.response_complete:
            exchange.body += body
            if len(exchange.body) > exchange.taker.max_body_bytes:
                exchange.is_whole = True  # nobody wants to know any more
                self._take(exchange, None)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; the parser stopped at a head that is too large as well."""
        if self._is_too_large:
            self._refuse_head()
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def on_message_complete(self) -> None:
        """Stop the clock: from here on it is us who take time."""
        self._is_between = self._in_head = True
        self._head_bytes = 0
        self.due_s = None
        self._sent_away = 0 if self._answer is None else self._sent_away + 1
        if self._answer is not None:
            # Who floods us needs the more connections, and is answered all at once.
            self._held = self._answer
            self.holding.append(self)
        elif self.cycle.response_complete:  # before there was a body, or too much of it
            self._wait(IDLE_TIMEOUT_S)
        elif self._exchange is None:
            super().on_message_complete()
        else:
            self._exchange.is_whole = True
            self._take(self._exchange, self._exchange.body)

    def _take(self, exchange: _Exchange, body: bytes | None) -> None:
        try:
            answer = exchange.taker.take(self.scope, body)
        except Exception:  # noqa: BLE001 - told, and answered as uvicorn does
            _LOG.exception("request_failed")
            answer = _FAILED
        if isinstance(answer, Response):
            self._give(exchange, answer)
        else:
            answer.add_done_callback(partial(self._give_kept, exchange))

    def _give_kept(self, exchange: _Exchange, kept: asyncio.Future[bool]) -> None:
        if not kept.cancelled():  # at a forced shutdown
            self._give(exchange, exchange.taker.kept(is_durable=kept.result()))

    def _give(self, exchange: _Exchange, answer: Response) -> None:
        exchange.response_complete = True
        if exchange.disconnected or self.transport.is_closing():
            return
        self._write(answer, keeps_alive=exchange.keep_alive)
        self.on_response_complete()

    def send_held(self) -> None:
        """Give the answer that was held back, if there is one."""
        answer, self._held = self._held, None
        if answer is None or self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        if self._write(answer, keeps_alive=self._keeps_alive):
            self._wait(IDLE_TIMEOUT_S)

    def _write(self, answer: Response, *, keeps_alive: bool) -> bool:
        """Write a whole answer; return whether the connection is kept."""
        date = tuple(self.server_state.default_headers)
        encoded, is_kept = _encoded(answer, date, keeps_alive=keeps_alive)
        self.transport.write(encoded)
        if not is_kept:
            self.transport.close()
        return is_kept

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


def _head_of_whole(data: bytes) -> bytes | None:
    """Return a request's head but for its length, if that is the length of all that follows."""
    head, _, body = data.partition(b"\r\n\r\n")
    told = _LENGTH.search(head)
    if told is None or int(told[1]) != len(body):
        return None
    return head[: told.start()] + head[told.end() :]


@lru_cache(maxsize=8)  # the same every time, but for the date
def _encoded(
    answer: Response, date: tuple[tuple[bytes, bytes], ...], *, keeps_alive: bool
) -> tuple[bytes, bool]:
    """Return an answer as it goes over the wire, and whether another may come after it."""
    closes = (b"connection", b"close")
    keeps_alive = keeps_alive and closes not in answer.raw_headers
    headers = [header for header in answer.raw_headers if header != closes]
    lines = (b"%b: %b\r\n" % header for header in (*headers, *date))
    closing = b"" if keeps_alive else b"connection: close\r\n"
    head = b"".join((STATUS_LINE[answer.status_code], *lines, closing, b"\r\n"))
    return head + bytes(answer.body), keeps_alive


def _waits_since_s(connection: Connection) -> float:
    return connection.waits_since_s
