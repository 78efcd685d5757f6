"""Hundreds of thousands of made-up requests over every route: no 5xx, no end, no growth of memory.

    PYTHONPATH=. python tests/bench/fuzz.py [--requests 200000] [--seed 1] [--connections 8]

Prints how often each status was answered by each route, every request that was answered with 5xx or
not at all though it should have been, and the memory of the server along the way. It must not grow
by more than a tenth from the second quarter to the last: in the first, caches are filled.
"""

import argparse
import asyncio
import contextlib
import random
import re
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from collector import compose
from collector import config as options
from collector.control import Control
from tests.fuzzing import SITE, Fuzzer, Request
from tests.people import admit, key_of, token_of
from tests.serving import Installation, Server, installation, pageview

_LOGIN_EVERY = 20  # requests: a logout among them ends it
_LOOK_EVERY = 1_000
_HEAVY = 0.05
_ANSWER_WITHIN_S = 180.0  # it is an answer that never comes that is to be found
# Of the last quarter's memory to the second's; by the median, since 64 MiB come and go with each
# password that is checked.
_GROWTH = 1.1
# Answers that a question takes too long, a limit is reached, or (/readyz) the loader has not moved:
# 503 by design.
_BUSY = re.compile(rb"took longer|being answered|too much memory|^not ready", re.IGNORECASE)


@dataclass
class Run:
    """What came of all requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    by_route: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    broken: list[tuple[str, Request]] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    done: int = 0
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """Return what must not be."""
        found = [f"{len(self.broken)} broken"] if self.broken else []
        if quarter := len(self.memory_mib) // 4:
            then = statistics.median(self.memory_mib[quarter : 2 * quarter])
            now = statistics.median(self.memory_mib[-quarter:])
            if now > _GROWTH * then:
                found.append(f"memory grew from {then:.0f} to {now:.0f} MiB")
        return found


def resident_mib(server: Server) -> float:
    """Return the memory a server occupies."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def answer(port: int, request: Request) -> tuple[int, bytes]:
    """Send a request on a connection of its own; return status and the beginning of the body.

    Status 0: the connection was closed without an answer, as for what is no HTTP.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(request.encoded())
        head = await reader.readuntil(b"\r\n\r\n")
        has_body = request.method != "HEAD" and b"text/event-stream" not in head
        return int(head.split()[1]), await _body(reader, head) if has_body else b""
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, b""
    finally:
        writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return await reader.readexactly(int(length[1])) if length else b""


class Campaign:
    """Sends requests of one fuzzer to one server."""

    def __init__(self, server: Server, control: Control, fuzzer: Fuzzer) -> None:
        self._server = server
        self._control = control
        self._fuzzer = fuzzer
        self.run = Run()

    def log_in(self) -> None:
        """Give the fuzzer a login that holds."""
        user = admit(self._control)
        token = token_of(self._control, user)
        self._fuzzer.login = f"__Host-gatecount-login={token}; gatecount-login={token}"

    async def learn(self) -> None:
        """Look at every page that needs no more than a site's name."""
        for method, path in self._fuzzer.targets:
            if method == "GET" and "{" not in path.replace("{domain}", ""):
                target = path.replace("{domain}", SITE)
                headers = (
                    ("Host", SITE), ("Cookie", self._fuzzer.login), ("X-Forwarded-Proto", "https")
                )  # fmt: skip
                asking = answer(self._server.port, Request("GET", target, headers, b""))
                status, body = await asyncio.wait_for(asking, _ANSWER_WITHIN_S)
                if status == 200:
                    self._fuzzer.learn(body.decode("utf-8", "replace"))

    async def one(self) -> None:
        """Send one request and note what came of it."""
        if self.run.done % _LOGIN_EVERY == 0:
            self.log_in()
        self.run.done += 1
        route, request = self._fuzzer.request()
        try:
            status, body = await asyncio.wait_for(
                answer(self._server.port, request), _ANSWER_WITHIN_S
            )
        except TimeoutError:
            status, body = -1, b""
        self.run.statuses[status] += 1
        self.run.by_route[route][status] += 1
        if (status >= 500 and not (status == 503 and _BUSY.search(body))) or status < 0:
            self.run.broken.append((str(status), request))

    async def all(self, count: int, connections: int, within_s: float, progress: Progress) -> None:
        """Send so many, several at a time, or what can be sent in time."""
        begun_s = time.monotonic()
        ends_at_s = begun_s + within_s
        bar = progress.add_task("Asking", total=count)

        async def some() -> None:
            while self.run.done < count and time.monotonic() < ends_at_s:
                await self.one()
                progress.update(bar, completed=self.run.done)
                if self.run.done % _LOOK_EVERY == 0:
                    self.run.memory_mib.append(resident_mib(self._server))

        await asyncio.gather(*(some() for _ in range(connections)))
        self.run.seconds = time.monotonic() - begun_s


def _fuzzer(here: Installation, control: Control, seed: int) -> Fuzzer:
    """Return a fuzzer of the application's routes."""
    flags = {"data": str(here.data), "key_dir": str(here.key_dir)}
    with compose.collector_and_dashboard(options.load(None, {}, flags).config) as composed:
        routes = composed.app.routes  # type: ignore[attr-defined]
    control.add_site(SITE, "Europe/Berlin", datetime.now(UTC))
    admit(control)
    return Fuzzer(random.Random(seed), routes, "", key_of(control), heavy=_HEAVY)


def _show(run: Run, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    statuses = sorted(run.statuses)
    for column in ("route", *map(str, statuses)):
        table.add_column(column, justify="left" if column == "route" else "right")
    for route in sorted(run.by_route):
        table.add_row(
            route,
            *(
                f"{run.by_route[route][s] or '':,}" if run.by_route[route][s] else ""
                for s in statuses
            ),
        )
    table.add_row("all", *(f"{run.statuses[s]:,}" for s in statuses))
    console.print(table)
    looks = run.memory_mib[:: max(1, len(run.memory_mib) // 40)]
    console.print("memory (MiB): " + " ".join(f"{mib:.0f}" for mib in looks))
    for status, request in run.broken[:20]:
        console.print(status, repr(request)[:600], markup=False)
    console.print(
        f"{run.done:,} requests in {run.seconds:.0f} s: {', '.join(run.faults()) or 'held'}"
    )


def main() -> None:
    """Send all requests and print what came of them; exit code 1 if something must not be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--connections", type=int, default=8)
    asked = parser.parse_args()
    console = Console(width=160)
    with (
        tempfile.TemporaryDirectory(prefix="gatecount-bench-") as folder,
        installation(Path(folder)) as here,
    ):
        here.data.mkdir()
        with contextlib.closing(Control.open(here.data / "control.sqlite")) as control:
            fuzzer = _fuzzer(here, control, asked.seed)
            with here.serving() as server:
                campaign = Campaign(server, control, fuzzer)
                for number in range(60):
                    server.post({**pageview(f"/page-{number % 7}"), "p": {"author": "x"}})
                campaign.log_in()
                server.wait_for_pageviews(60)
                asyncio.run(campaign.learn())
                with Progress(console=console) as progress:
                    asyncio.run(
                        campaign.all(
                            asked.requests, asked.connections, asked.minutes * 60, progress
                        )
                    )
                campaign.run.memory_mib.append(resident_mib(server))
                assert server.process.poll() is None, server.said()
                assert server.ask("GET", "/healthz").status == 200
                said = server.said()
        _show(campaign.run, console)
        console.print(said[-3_000:], markup=False)
        if campaign.run.faults():
            raise SystemExit(1)


if __name__ == "__main__":
    main()
