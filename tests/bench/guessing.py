"""What guessing passwords costs those who are counted: 1,000 tries a second beside a full load.

    PYTHONPATH=. python tests/bench/guessing.py [--seconds 10] [--rounds 3] [--tries 1000]

`serve`, which has the dashboard, and `ingest` beside it take turns under a full load of events,
with nobody who guesses and with somebody who guesses at the dashboard of `serve`. Servers are on
one core, loads on the other. The right password is among those that are tried: not at first, for
then anybody would be in, but from when guessing is slowed down.

"Kept of a core" is by processor time, of both servers until all is loaded: it holds on a busy
machine, too.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop
from rich.console import Console
from rich.table import Table

from collector.accounts import ALL_SITES, Accounts, Role
from collector.control import Control
from collector.passwords import Passwords
from tests.bench.ingest import LOAD_CORE, SITE, Run, Server, free_port, requests

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

KEEPS = 0.90
Measured = tuple[Run, float]  # and the processor time of both servers, until all was loaded
EMAIL, PASSWORD = "owner@example.com", "wooden-lantern-over-harbour"
_CONNECTIONS = 32
_OFTEN = 50  # turns a second in which tries are sent


@dataclass
class Guesses:
    """What became of the tries of one run."""

    tries: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def opened(self) -> int:
        """How many opened a login."""
        return self.answers["303"]


def _try(password: str, email: str) -> bytes:
    body = f"email={email}&password={password}".encode()
    head = (
        "POST /login HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5\r\nAccept: */*\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Guesser(asyncio.Protocol):
    """One connection; says which answers came."""

    def __init__(self, found: Guesses) -> None:
        self._found = found
        self.is_free = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):
            self._found.answers[data[9:12].decode()] += 1
            self.is_free = True

    def send(self, text: bytes) -> None:
        self.is_free = False
        self.transport.write(text)


def _guess(port: int, seconds: float, rate: int, pipe: "Connection") -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    rng = random.Random(11)

    async def run() -> None:
        found = Guesses()
        loop = asyncio.get_running_loop()
        lines = [
            (await loop.create_connection(lambda: _Guesser(found), "127.0.0.1", port))[1]
            for _ in range(_CONNECTIONS)
        ]
        begun = time.perf_counter()
        while (gone := time.perf_counter() - begun) < seconds:
            free = [line for line in lines if line.is_free]
            for line in free[: max(0, int(gone * rate) - found.tries)]:
                # Once the form is shut, the right password is tried as often as any other.
                is_right = found.answers["429"] and rng.random() < 0.5
                line.send(_try(PASSWORD if is_right else f"guess-{found.tries}", EMAIL))
                found.tries += 1
            await asyncio.sleep(1 / _OFTEN / 10)
        found.seconds = time.perf_counter() - begun
        pipe.send(found)

    uvloop.run(run())


@contextlib.contextmanager
def guessing(port: int, seconds: float, rate: int, into: list[Guesses]) -> Iterator[None]:
    """Guess for a while at a port; rate 0 guesses nothing."""
    if not rate:
        yield
        return
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_guess, args=(port, seconds, rate, sending))
    process.start()
    yield
    into.append(receiving.recv())
    process.join()


def _servers(data: Path, folder: Path) -> dict[str, Server]:
    os.environ["GATECOUNT_FLOOD_LIMIT"] = "1000000"
    started = {}
    for name in ("serve", "ingest"):
        port = free_port()
        command = [sys.executable, "-m", "collector", "--data", str(data), name]
        started[name] = Server([*command, "--port", str(port)], port, folder / f"{name}.log")
    return started


def _prepare(data: Path) -> None:
    """Make a site, and an account whose password costs what it costs."""
    data.mkdir()
    with contextlib.closing(Control.open(data / "control.sqlite")) as control:
        now = datetime.now(UTC)
        control.add_site(SITE, "UTC", now)
        accounts = Accounts(control)
        user = accounts.add(EMAIL, Passwords().hash(PASSWORD), now)
        accounts.give(user, ALL_SITES, Role.OWNER)


def _alone(server: Server, seconds: float, rate: int) -> tuple[float, Guesses]:
    """Return how much of its core guessing takes when nothing else goes on."""
    found: list[Guesses] = []
    server.drain()
    before_s = server.cpu_s()
    with guessing(server.port, seconds, rate, found):
        pass
    return (server.cpu_s() - before_s) / found[0].seconds, found[0]


def _shown(runs: dict[str, dict[int, list[Measured]]], rate: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in (
        "server", "tries/s", "events/s", "kept", "of a core", "kept of a core", "p99 ms", "failed",
        "",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, of in runs.items():
        rates = {each: _median(run.rate for run, _ in found) for each, found in of.items()}
        shares = {each: _median(run.requests / s for run, s in found) for each, found in of.items()}
        for each, found in of.items():
            kept = shares[each] / shares[0]
            table.add_row(
                name,
                f"{rate if each else 0:,}",
                f"{rates[each]:,.0f}",
                f"{rates[each] / rates[0]:.2f}",
                f"{shares[each]:,.0f}",
                f"{kept:.2f}",
                f"{_median(run.p99_ms for run, _ in found):.1f}",
                str(sum(run.failed for run, _ in found)),
                "" if not each else "held" if kept >= KEEPS else "NOT HELD",
            )
    return table


def _median(numbers: Iterable[float]) -> float:
    return statistics.median(numbers)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=1_000)
    parser.add_argument("--connections", type=int, default=64)
    asked = parser.parse_args()
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as place:
        folder = Path(place)
        _prepare(folder / "data")
        texts = requests(50_000, random.Random(7))
        servers = _servers(folder / "data", folder)
        found: list[Guesses] = []
        runs: dict[str, dict[int, list[Measured]]] = {name: {0: [], 1: []} for name in servers}
        try:
            found.append(_alone(servers["serve"], 1, asked.tries)[1])  # shuts the form
            share, alone = _alone(servers["serve"], asked.seconds, asked.tries)
            found.append(alone)
            console.print(
                f"{alone.tries / alone.seconds:,.0f} tries a second alone take {share:.1%} of a"
                f" core; answers: {dict(alone.answers)}"
            )
            for _ in range(asked.rounds):
                for name, server in servers.items():
                    for with_tries, of in runs[name].items():
                        tries = asked.tries * with_tries
                        port = servers["serve"].port
                        before_s = sum(each.cpu_s() for each in servers.values())
                        with guessing(port, asked.seconds + 1, tries, found):
                            run = server.measure(texts, asked.seconds, asked.connections)
                        for each in servers.values():
                            each.drain()
                        spent_s = sum(each.cpu_s() for each in servers.values()) - before_s
                        of.append((run, spent_s))
        finally:
            for server in servers.values():
                server.stop()
        console.print(_shown(runs, asked.tries))
        answers = sum((each.answers for each in found), Counter[str]())
        opened = sum(each.opened for each in found)
        console.print(f"{sum(answers.values()):,} tries: {dict(answers)}; {opened} opened a login")


if __name__ == "__main__":
    main()
