"""A whole collector in this process: no sockets, and a clock that only tests turn."""

import asyncio
import contextlib
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from starlette.types import ASGIApp, Message

from collector import compose, journal
from collector import config as options
from collector.compose import Composed
from collector.journal import Drops, Event, Record
from tests.serving import wait_until

NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
SITE = "example.com"
PROXY = "127.0.0.1"  # trusted unless a test says otherwise
VISITOR = "192.0.2.17"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
    " Safari/537.36"
)
_LOOK_EVERY_S = 0.05
_T = TypeVar("_T")
Headers = Mapping[str, str] | Sequence[tuple[str, str]]


def pageview(path: str = "/", site: str = SITE, **more: object) -> dict[str, Any]:
    """Return the body of a pageview; `more` are further keys of the wire format."""
    return {"n": "pageview", "u": f"https://{site}{path}", **more}


@dataclass
class Clock:
    """The time by which everything goes."""

    now: datetime = NOW

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return self.now.timestamp()

    def turn(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass
class Whole:
    """A running application, asked as by a proxy on this machine."""

    folder: Path
    clock: Clock
    config: options.Config
    composed: Composed
    _runner: asyncio.Runner
    ending: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Headers = (),
        peer: str | None = PROXY,
        host: str = SITE,
    ) -> httpx.Response:
        """Send one request with these headers on top of a browser's; the last Host header wins."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        given = {name.lower() for name, _ in pairs}
        usual = {"Host": host, "User-Agent": BROWSER, "X-Forwarded-For": VISITOR}
        pairs += [(name, value) for name, value in usual.items() if name.lower() not in given]
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs]

        async def send() -> httpx.Response:
            # httpx's types know no Unix socket, ASGI does: there the client is None.
            client: Any = None if peer is None else (peer, 40_000)
            transport = httpx.ASGITransport(self.composed.app, client=client)
            request = httpx.Request(method, f"http://{SITE}{path}", headers=raw, content=content)
            async with httpx.AsyncClient(transport=transport) as browser:
                return await browser.send(request)

        return self._runner.run(send())

    def post(
        self,
        event: Mapping[str, object] | bytes,
        headers: Headers = (),
        *,
        path: str = "/api/event",
        peer: str | None = PROXY,
        host: str = SITE,
    ) -> httpx.Response:
        """Post an event, or bytes as they are."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.ask("POST", path, content=body, headers=headers, peer=peer, host=host)

    def get(self, path: str, headers: Headers = (), *, host: str = SITE) -> httpx.Response:
        """Ask for a page."""
        return self.ask("GET", path, headers=headers, host=host)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something beside the application."""
        return self._runner.run(work)

    def wait(self, seconds: float) -> None:
        """Let the application go about its chores for a while.

        All that were due by then are done, however slow the machine; other threads may not be.
        """
        self._runner.run(asyncio.sleep(seconds))

    def wait_until(self, is_so: Callable[[], bool], what: str = "it") -> None:
        """Let the application go about its chores until a condition holds.

        Raises:
            AssertionError: it did not in time.
        """

        def looked() -> bool:
            self.wait(_LOOK_EVERY_S)
            return is_so()

        wait_until(looked, what, every_s=0)

    def records(self) -> list[Record]:
        """Return what is in the journal."""
        lines: list[bytes] = []
        for chunk in journal.chunks(self.folder / "data" / "journal"):
            lines += chunk.read_bytes().splitlines()
        assert all(map(journal.is_whole, lines))
        return [msgspec.json.decode(line, type=Record) for line in lines]

    def events(self) -> list[Event]:
        """Return the events that were counted."""
        return [record for record in self.records() if isinstance(record, Event)]

    def end(self) -> None:
        """Stop as at SIGTERM: what is still to be written is written."""
        self.ending.close()

    def drops(self) -> Counter[str]:
        """Stop, and return how many events were dropped for which reason."""
        self.end()
        dropped: Counter[str] = Counter()
        for record in self.records():
            if isinstance(record, Drops):
                dropped[record.reason] += record.count
        return dropped


@contextlib.asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start an application as a server does, and stop it at the end."""
    ending = asyncio.Event()
    said: asyncio.Queue[Message] = asyncio.Queue()
    asked = [{"type": "lifespan.startup"}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await ending.wait()
        return {"type": "lifespan.shutdown"}

    async def run() -> None:
        await app({"type": "lifespan"}, receive, said.put)

    running = asyncio.create_task(run())
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        ending.set()
        await running


@contextlib.contextmanager
def application(
    folder: Path,
    flags: Mapping[str, object],
    *,
    sites: Mapping[str, str] | None = None,
    with_dashboard: bool = False,
    now: datetime = NOW,
    scraped: socket.socket | None = None,
) -> Iterator[Whole]:
    """Run an application on `folder`; `sites` are time zones by domain, else example.com alone."""
    given = {"data": str(folder / "data"), "key_dir": str(folder / "keys"), **flags}
    config = options.load(None, {}, given).config
    clock = Clock(now)
    composer = compose.collector_and_dashboard if with_dashboard else compose.collector_only
    with composer(config, clock, scraped) as composed, asyncio.Runner() as runner:
        for domain, timezone in (sites or {SITE: "UTC"}).items():
            composed.control.add_site(domain, timezone, now)
        whole = Whole(folder, clock, config, composed, runner)
        running = lifespan(composed.app)
        runner.run(running.__aenter__())
        whole.ending.callback(lambda: runner.run(running.__aexit__(None, None, None)))
        try:
            yield whole
        finally:
            whole.end()


Started = Callable[..., contextlib.AbstractContextManager[Whole]]
