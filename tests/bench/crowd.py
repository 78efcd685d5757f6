"""A crowd of visitors for tests/bench/soak.py: each event is sent once, and its answer noted.

A process of its own. Each connection posts one event after the other. Events of a connection are
pageviews of one page that nobody else opens, a new one after a while and whenever the connection
broke: so the report by page tells of every connection how much of what it sent is stored.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from tests.bench.ingest import USER_AGENTS

EVENTS_OF_A_PAGE = 500
PEAK_S = 10.0  # for how long it is tried how fast it can be
_VISITORS = 20_000
_AGAIN_AFTER_S = 0.1
_AT_MOST_BEHIND_S = 0.5  # what was missed while nobody answered is not made up for


@dataclass
class Page:
    """What became of the events of one page."""

    acknowledged: int = 0
    unanswered: int = 0
    refused: int = 0  # with 503: known not to be stored


@dataclass
class Report:
    """What became of all events, by site and page."""

    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    rate: float = 0.0  # events a second that were meant to be sent

    def total(self, what: str) -> int:
        """Return the sum over all pages of one of their numbers."""
        return sum(getattr(page, what) for page in self.pages.values())


class _Crowd:
    def __init__(self, ports: Sequence[int], sites: Sequence[str], rate: float | None) -> None:
        rng = random.Random(11)
        self.ports = ports
        self.sites = sites
        self.heads = itertools.cycle([_head(rng) for _ in range(_VISITORS)])
        self.report = Report(rate=rate or 0.0)
        self.answered = 0
        self.is_over = False
        self.pages = itertools.count()
        self.idle: set[asyncio.Task[None]] = set()

    def new_page(self, site: str) -> tuple[str, Page]:
        number = next(self.pages)
        path = f"/{number // 1000}/{number % 1000}"  # in one piece it would be scrubbed as an id
        return path, self.report.pages.setdefault((site, path), Page())

    def pause_s(self, clients: int) -> float:
        return clients / self.report.rate if self.report.rate else 0.0


class _Client(asyncio.Protocol):
    """One connection after the other, to the first of its ports where somebody listens."""

    def __init__(self, crowd: _Crowd, number: int, clients: int) -> None:
        self._crowd = crowd
        self._clients = clients
        self._site = crowd.sites[number % len(crowd.sites)]
        # Three of four go where a proxy sends them first.
        self._ports = crowd.ports if number % 4 else crowd.ports[::-1]
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._is_waiting = False  # for an answer
        self._settled = asyncio.Event()  # the last of them, once nothing is posted any more
        self._due_s = self._loop.time()
        self._left = 0  # of the events of a page

    async def connect(self) -> None:
        """Connect where somebody is."""
        while not self._crowd.is_over:
            for port in self._ports:
                with contextlib.suppress(OSError):
                    await self._loop.create_connection(lambda: self, "127.0.0.1", port)
                    return
            await asyncio.sleep(_AGAIN_AFTER_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a new page."""
        self._transport = cast("asyncio.Transport", transport)
        self._left = 0
        self._post()

    def data_received(self, data: bytes) -> None:
        """Note an answer, which comes in one piece: it has no body."""
        self._is_waiting = False
        self._settled.set()
        self._crowd.answered += 1
        if data.startswith(b"HTTP/1.1 202"):
            self._page.acknowledged += 1
        else:
            assert data.startswith(b"HTTP/1.1 503"), data
            self._page.refused += 1
        now_s = self._loop.time()
        pause_s = self._crowd.pause_s(self._clients)
        self._due_s = max(self._due_s + pause_s, now_s - _AT_MOST_BEHIND_S)
        if self._due_s > now_s:
            self._loop.call_at(self._due_s, self._post)
        else:
            self._post()

    def connection_lost(self, _: Exception | None) -> None:
        """Note that there was no answer, and come again."""
        self._transport = None
        if self._is_waiting:
            self._is_waiting = False
            self._settled.set()
            self._page.unanswered += 1
        self.begin()

    def begin(self) -> None:
        """Connect in the background."""
        if not self._crowd.is_over:
            task = self._loop.create_task(self.connect())
            self._crowd.idle.add(task)
            task.add_done_callback(self._crowd.idle.discard)

    async def end(self) -> None:
        """Wait for the last answer."""
        if self._is_waiting:
            await self._settled.wait()
        if self._transport:
            self._transport.close()

    def _post(self) -> None:
        if self._transport is None or self._is_waiting or self._crowd.is_over:
            return
        if not self._left:
            path, self._page = self._crowd.new_page(self._site)
            event = {"n": "pageview", "u": f"https://{self._site}{path}", "s": "lg"}
            body = json.dumps(event).encode()
            self._rest = b"Host: %b\r\nContent-Length: %d\r\n\r\n%b" % (
                self._site.encode(), len(body), body,
            )  # fmt: skip
            self._left = EVENTS_OF_A_PAGE
        self._left -= 1
        self._is_waiting = True
        self._settled.clear()
        self._transport.write(next(self._crowd.heads) + self._rest)


def _head(rng: random.Random) -> bytes:
    address = ".".join(str(rng.randint(1, 223)) for _ in range(4))
    return (
        f"POST /api/event HTTP/1.1\r\nUser-Agent: {rng.choice(USER_AGENTS)}\r\n"
        f"X-Forwarded-For: {address}\r\nContent-Type: text/plain\r\n"
    ).encode()


async def _post_until_told(crowd: _Crowd, clients: int, pipe: Connection) -> Report:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_reader(pipe.fileno(), told.set)
    everybody = [_Client(crowd, number, clients) for number in range(clients)]
    begun_s = time.monotonic()
    for client in everybody:
        client.begin()
    if not crowd.report.rate:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), PEAK_S)
        crowd.report.rate = crowd.answered / (time.monotonic() - begun_s) / 2
    await told.wait()
    crowd.is_over = True
    await asyncio.gather(*(client.end() for client in everybody))
    return crowd.report


class Crowd:
    """The process, from its start until it is told to stop.

    Args:
        ports: of servers that take events, the first preferred.
        rate: events a second; None for half of what goes when nothing is waited for.
    """

    def __init__(
        self, ports: Sequence[int], sites: Sequence[str], rate: float | None, clients: int
    ) -> None:
        self._pipe, other = multiprocessing.Pipe()
        work = (ports, sites, rate, clients, other)
        self._process = multiprocessing.Process(target=_run, args=work, daemon=True)
        self._process.start()

    def stop(self) -> Report:
        """Let it end, and return what became of all it sent."""
        self._pipe.send("stop")
        report = self._pipe.recv()
        assert isinstance(report, Report)
        self._process.join()
        return report


def _run(
    ports: Sequence[int], sites: Sequence[str], rate: float | None, clients: int, pipe: Connection
) -> None:
    async def run() -> Report:
        return await _post_until_told(_Crowd(ports, sites, rate), clients, pipe)

    pipe.send(uvloop.run(run()))
