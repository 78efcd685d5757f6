"""What is left for honest visitors while others attack.

    PYTHONPATH=. python tests/bench/abuse.py [--seconds 6] [--connections 10000] [--only NAME]

`gatecount serve` runs on one core; honest events and the attack come from another, so that an
attack also costs the honest ones what it takes to send. Before each attack the same events are
measured undisturbed; the table says what was left, and how much memory the server takes after it.
"page ms" is how long somebody who is logged in waits for a dashboard, once a second. One server
lives through all of it.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from collector.control import Control
from collector.settings.shares import Shares
from tests.bench.ingest import LOAD_CORE, SITE, Server, free_port, requests
from tests.people import admit, token_of

HONEST_CONNECTIONS = 8
HONEST_PAUSE_S = 0.005  # between an answer and the next event: visitors do not saturate a server
_WARM_S = 4.0  # of an attack, before anything is measured
_LOOK_EVERY_S = 1.0
_HEAD = f"Host: {SITE}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/139.0\r\n"

Attack = Callable[[int, float], Awaitable[None]]  # (port, until when by perf_counter)


@dataclass(frozen=True, slots=True)
class Honest:
    """How honest events fared."""

    rate: float  # a second
    p99_ms: float
    failed: int
    page_ms: float


async def _honest(port: int, texts: Iterator[bytes], ends_at: float, took_s: list[float]) -> int:
    """Post one event after the other; return how many were not acknowledged."""
    failed = 0
    reader = writer = None
    while time.perf_counter() < ends_at:
        begun = time.perf_counter()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(next(texts))
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            failed += not answer.startswith(b"HTTP/1.1 202")
        except (OSError, EOFError, TimeoutError):
            failed += 1
            writer = None
        took_s.append(time.perf_counter() - begun)
        await asyncio.sleep(HONEST_PAUSE_S)
    if writer is not None:
        writer.close()
    return failed


async def _answered(port: int, request: bytes) -> bytes:
    """Send a request on a connection of its own; return the answer's head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        await reader.readexactly(int(length or 0))
        return head
    finally:
        writer.close()


async def _read(port: int, page: bytes, ends_at: float, took_s: list[float]) -> int:
    """Look at a dashboard once a second; return how often there was none."""
    failed = 0
    while time.perf_counter() < ends_at:
        begun = time.perf_counter()
        failed += not (await _answered(port, page)).startswith(b"HTTP/1.1 200")
        took_s.append(time.perf_counter() - begun)
        await asyncio.sleep(_LOOK_EVERY_S)
    return failed


async def measured(port: int, texts: list[bytes], page: bytes, seconds: float) -> Honest:
    """Return how honest events, and who looks at `page`, fare for a while."""
    took_s: list[float] = []
    looks_s: list[float] = []
    ends_at = time.perf_counter() + seconds
    feed = itertools.cycle(texts)
    failed = await asyncio.gather(
        *(_honest(port, feed, ends_at, took_s) for _ in range(HONEST_CONNECTIONS)),
        _read(port, page, ends_at, looks_s),
    )
    p99_s = statistics.quantiles(took_s, n=100)[98]
    look_s = statistics.median(looks_s)
    return Honest(len(took_s) / seconds, p99_s * 1000, sum(failed), look_s * 1000)


async def _hold(port: int, ends_at: float, begun: bytes, dripped: bytes, count: int) -> None:
    """Keep connections open, each with a little more every second; whoever is cut comes again."""

    async def one(number: int) -> None:
        await asyncio.sleep(number / count)
        while time.perf_counter() < ends_at:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(begun)
                while time.perf_counter() < ends_at and not writer.is_closing():
                    await asyncio.sleep(1)
                    writer.write(dripped)
                writer.close()

    await asyncio.gather(*map(one, range(count)))


async def _repeat(port: int, ends_at: float, text: Callable[[], bytes], count: int) -> None:
    """Send one request after the other on so many connections."""

    async def one() -> None:
        while time.perf_counter() < ends_at:
            with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while time.perf_counter() < ends_at and not writer.is_closing():
                    writer.write(text())
                    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                    if reader.at_eof():
                        break
                writer.close()
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one() for _ in range(count)))


async def _look(port: int, ends_at: float, page: bytes, count: int) -> None:
    """Ask for a page again and again, as so many browsers do."""

    async def one() -> None:
        while time.perf_counter() < ends_at:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                await asyncio.wait_for(_answered(port, page), 10)
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one() for _ in range(count)))


async def _devour(port: int, ends_at: float, request: bytes, count: int) -> None:
    """Send requests ahead on so many connections, and take in no answer."""

    async def one() -> None:
        while time.perf_counter() < ends_at:
            # uvloop's RuntimeError: the server has hung up between two looks.
            with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
                while time.perf_counter() < ends_at:
                    writer.write(request * 20)
                    await asyncio.wait_for(writer.drain(), 5)
                    await asyncio.sleep(0.01)
                writer.close()
                del reader

    await asyncio.gather(*(one() for _ in range(count)))


def _request(method: str, path: str, more: str = "", body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\n{_HEAD}{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _made_up(rng: random.Random) -> Callable[[], bytes]:
    """Return what makes up pages, properties and visitors, as a botnet would send them."""

    def event() -> bytes:
        address = ".".join(str(rng.randint(1, 223)) for _ in range(4))
        posted = {
            "n": f"event-{rng.getrandbits(40)}",
            "u": f"https://{SITE}/{rng.getrandbits(60)}/{'x' * 500}"
            f"?utm_source={rng.getrandbits(40)}",
            "p": {f"k{rng.getrandbits(30)}": str(rng.getrandbits(60)) for _ in range(20)},
        }
        body = json.dumps(posted).encode()
        return _request("POST", "/api/event", f"X-Forwarded-For: {address}\r\n", body)

    return event


def _multipart(path: str) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'
    body = part * 130 + b"--x--\r\n"
    return _request("POST", path, "Content-Type: multipart/form-data; boundary=x\r\n", body)


def attacks(connections: int) -> dict[str, Attack]:
    """Return every attack by its name."""
    slow_head = b"POST /api/event HTTP/1.1\r\nX-Slow: "
    slow_body = f"POST /api/event HTTP/1.1\r\n{_HEAD}Content-Length: 8000\r\n\r\n".encode()
    ranges = ",".join(f"{n}-" for n in range(2_000))
    ranged = _request("GET", "/visitors.css", f"Range: bytes={ranges}\r\n")
    long_head = _request("GET", "/healthz", "X-Long: " + "x" * 200_000 + "\r\n")
    style, rng = _request("GET", "/visitors.css"), random.Random(5)
    made_up = _made_up(rng)
    by_https = "X-Forwarded-Proto: https\r\n"  # over plain HTTP no password is looked at
    by_form = f"{by_https}Sec-Fetch-Site: same-origin\r\n"
    public = _request("GET", f"/public/{SITE}", "X-Forwarded-For: 192.0.2.1\r\n")
    guess = _request("POST", "/login", by_form, b"email=a%40example.com&password=guessed")
    return {
        "nothing": lambda _port, ends_at: asyncio.sleep(ends_at - time.perf_counter()),
        f"{connections:,} idle connections": lambda port, ends_at: _hold(
            port, ends_at, b"", b"", connections
        ),
        "1,000 slow heads": lambda port, ends_at: _hold(port, ends_at, slow_head, b"x", 1_000),
        "1,000 slow bodies": lambda port, ends_at: _hold(port, ends_at, slow_body, b" ", 1_000),
        "50 take in no answer": lambda port, ends_at: _devour(port, ends_at, style, 50),
        "heads of 200 KB": lambda port, ends_at: _repeat(port, ends_at, lambda: long_head, 8),
        "2,000 ranges": lambda port, ends_at: _repeat(port, ends_at, lambda: ranged, 8),
        "multipart events": lambda port, ends_at: _repeat(
            port, ends_at, lambda: _multipart("/api/event"), 8
        ),
        "multipart logins": lambda port, ends_at: _repeat(
            port, ends_at, lambda: _multipart("/login"), 8
        ),
        "guessed logins": lambda port, ends_at: _repeat(port, ends_at, lambda: guess, 8),
        "a public page": lambda port, ends_at: _look(port, ends_at, public, 8),
        "made-up pages and properties": lambda port, ends_at: _repeat(port, ends_at, made_up, 8),
    }


def _attack(port: int, name: str, connections: int, seconds: float) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    os.nice(5)  # what an attack costs to send, honest visitors do not pay
    uvloop.run(attacks(connections)[name](port, time.perf_counter() + seconds))  # type: ignore[arg-type]


def _server(folder: Path) -> tuple[Server, bytes]:
    """Return the server, and how somebody who is logged in asks it for a dashboard."""
    with contextlib.closing(Control.open(folder / "control.sqlite")) as control:
        site = control.add_site(SITE, "UTC", datetime.now(UTC))
        Shares(control).publish(site.id, is_public=True)
        cookie = f"__Host-gatecount-login={token_of(control, admit(control))}"
    os.environ["GATECOUNT_FLOOD_LIMIT"] = "1000000"
    port = free_port()
    command = [sys.executable, "-m", "collector", "--data", str(folder), "serve"]
    headers = f"X-Forwarded-Proto: https\r\nCookie: {cookie}\r\n"
    page = _request("GET", f"/sites/{SITE}", headers)
    return Server([*command, "--port", str(port)], port, folder / "serve.log"), page


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--only", default="", help="a part of the attacks' names")
    asked = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    texts = requests(20_000, random.Random(7))
    table = Table(box=None, pad_edge=False)
    for column in (
        "attack", "events/s before", "during", "p99 ms before", "during", "page ms before",
        "during", "failed", "RSS MiB",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column == "attack" else "right")
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as folder:
        server, page = _server(Path(folder))

        def fare(seconds: float) -> Honest:
            return uvloop.run(measured(server.port, texts, page, seconds))

        try:
            fare(2)
            for name in attacks(asked.connections):
                if asked.only not in name:
                    continue
                before = fare(asked.seconds)
                lasts_s = asked.seconds + _WARM_S
                attack = multiprocessing.Process(
                    target=_attack, args=(server.port, name, asked.connections, lasts_s)
                )
                attack.start()
                time.sleep(_WARM_S)
                during = fare(asked.seconds)
                attack.join()
                table.add_row(
                    name, f"{before.rate:,.0f}", f"{during.rate:,.0f}", f"{before.p99_ms:.0f}",
                    f"{during.p99_ms:.0f}", f"{before.page_ms:.0f}", f"{during.page_ms:.0f}",
                    str(before.failed + during.failed), f"{server.resident_mib():.0f}",
                )  # fmt: skip
        finally:
            server.stop()
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
