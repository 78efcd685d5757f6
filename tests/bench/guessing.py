"""What guessing passwords comes to: what it costs those who are counted, and whom it lets in.

    PYTHONPATH=. python tests/bench/guessing.py [--seconds 4] [--rounds 2] [--tries 1000]

Tries come at 1,000 a second on 200 connections that are kept open; on fewer they would be fewer,
since who is sent away waits for it up to a tenth of a second. They are the passwords that are tried
first, for the account of an owner, whose password is not among them.

`serve`, which has the dashboard, and `ingest` beside it take turns under a full load of events,
with nobody who guesses and with somebody who guesses at `serve`. All servers are on one core, all
loads on the other. Rates by the clock say what is left where everything has to share one core. Then
`ingest` has that core to itself, as where there are cores enough, and `serve` goes to the other.
"us an event" is the processor time of the process that takes the events, for `serve` with all that
it does for tries: it holds on a busy machine, too. Loading is left out, which goes by turns.
"idle" is the share of the time in which the servers' core waited for the loads or a disk, "loads"
how much of theirs events and tries together took to send: where the one is near 0 and the other
not near 1, the rate is the servers'.

Then the owner logs in beside the guessing, in a browser that was used for it before and in one that
was not; there it is tried again, once a second, also when the guessing is over.
"""

import argparse
import asyncio
import contextlib
import http.client
import itertools
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
from urllib.parse import urlencode

import uvloop
from rich.console import Console
from rich.table import Table

from collector.control import Control
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.logins import Logins
from collector.people.passwords import Passwords
from dashboard.access.shield import DEVICE_COOKIE
from tests.bench.ingest import HERE, LOAD_CORE, SERVER_CORE, SITE, Run, Server, free_port, requests

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

KEEPS = 0.90
_APART = "ingest, apart"
EMAIL, PASSWORD = "owner@example.com", "wooden-lantern-over-harbour"
_GUESSED = HERE / "collector" / "lists" / "common_passwords.txt"
_CONNECTIONS = 200  # kept open
_EVERY_S = 0.002  # tries are sent
_OWNER_TRIES_S = 12.0
_OWNER_WAITS_S = 90.0
_OPENED, _SENT_AWAY = "303", "429"


@dataclass
class Guesses:
    """What became of the tries of one run."""

    tries: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0  # that they took to send
    answers: Counter[str] = field(default_factory=Counter)


def _form(password: str) -> bytes:
    return urlencode({"email": EMAIL, "password": password}).encode()


def _try(password: str) -> bytes:
    body = _form(password)
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
    guesses = map(_try, itertools.cycle(_GUESSED.read_text(encoding="utf-8").splitlines()))

    async def run() -> None:
        found = Guesses()
        loop = asyncio.get_running_loop()
        lines = [
            (await loop.create_connection(lambda: _Guesser(found), "127.0.0.1", port))[1]
            for _ in range(_CONNECTIONS)
        ]
        pipe.send(found)
        begun = time.perf_counter()
        while (gone := time.perf_counter() - begun) < seconds:
            free = [line for line in lines if line.is_free]
            for line in free[: max(0, int(gone * rate) - found.tries)]:
                line.send(next(guesses))
                found.tries += 1
            await asyncio.sleep(_EVERY_S)
        found.seconds = time.perf_counter() - begun
        found.cpu_s = time.process_time()
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
    receiving.recv()  # all connections are open
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


def _prepare(data: Path) -> str:
    """Make a site, and an account whose password costs what it costs; return a known browser."""
    data.mkdir()
    with contextlib.closing(Control.open(data / "control.sqlite")) as control:
        now = datetime.now(UTC)
        control.add_site(SITE, "UTC", now)
        accounts = Accounts(control)
        user = accounts.add(EMAIL, Passwords().hash(PASSWORD), now)
        accounts.give(user, ALL_SITES, Role.OWNER)
        return Logins(control).remember_device(user, now)


def _alone(server: Server, seconds: float, rate: int) -> tuple[float, Guesses]:
    """Return how much of its core guessing takes when nothing else goes on."""
    found: list[Guesses] = []
    server.drain()
    before_s = server.cpu_s()
    with guessing(server.port, seconds, rate, found):
        pass
    return (server.cpu_s() - before_s) / found[0].seconds, found[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, and the processor time that its server's event loop took for it."""

    run: Run
    loop_s: float
    guesser: float  # of a core

    @property
    def cost_us(self) -> float:
        """What an event costs."""
        return self.loop_s / self.run.requests * 1e6


def _shown(runs: dict[str, dict[int, list[Measured]]], rate: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in (
        "server", "tries/s", "events/s", "kept", "us an event", "kept", "idle", "loads", "p99 ms",
        "failed", "",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, of in runs.items():
        rates = {each: _median(one.run.rate for one in found) for each, found in of.items()}
        costs = {each: _median(one.cost_us for one in found) for each, found in of.items()}
        for each, found in of.items():
            kept = costs[0] / costs[each]
            table.add_row(
                name,
                f"{rate if each else 0:,}",
                f"{rates[each]:,.0f}",
                f"{rates[each] / rates[0]:.2f}",
                f"{costs[each]:.0f}",
                f"{kept:.2f}",
                f"{_median(one.run.idle for one in found):.2f}",
                f"{_median(one.run.load + one.guesser for one in found):.2f}",
                f"{_median(one.run.p99_ms for one in found):.1f}",
                str(sum(one.run.failed for one in found)),
                "" if not each else "held" if kept >= KEEPS else "NOT HELD",
            )
    return table


def _median(numbers: Iterable[float]) -> float:
    return statistics.median(numbers)


def _costs(
    servers: dict[str, Server], asked: argparse.Namespace, found: list[Guesses]
) -> dict[str, dict[int, list[Measured]]]:
    texts = requests(50_000, random.Random(7))
    taking = {**servers, _APART: servers["ingest"]}
    runs: dict[str, dict[int, list[Measured]]] = {name: {0: [], 1: []} for name in taking}
    for _ in range(asked.rounds):
        for name, server in taking.items():
            _keep_to(servers["serve"], LOAD_CORE if name == _APART else SERVER_CORE)
            for with_tries, of in runs[name].items():
                rate, port = asked.tries * with_tries, servers["serve"].port
                guesses: list[Guesses] = []
                with guessing(port, asked.seconds + 1, rate, guesses):
                    before_s = server.loop_s()
                    run = server.measure(texts, asked.seconds, asked.connections)
                # The load's first second is not among its requests, but costs as much.
                loop_s = (server.loop_s() - before_s) * asked.seconds / (asked.seconds + 1)
                found += guesses
                of.append(Measured(run, loop_s, sum(g.cpu_s / g.seconds for g in guesses)))
                for each in servers.values():
                    each.drain()
    return runs


def _keep_to(server: Server, core: int) -> None:
    """Let all threads of a server run on one core."""
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _log_in(port: int, device: str = "") -> str:
    """Log in with the right password; return the status."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if device:
        headers["Cookie"] = f"{DEVICE_COOKIE}={device}"
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/login", _form(PASSWORD), headers)
        return str(connection.getresponse().status)


def _owner(port: int, rate: int, device: str, found: list[Guesses], console: Console) -> None:
    """Tell how the owner fares beside the guessing."""
    took_s, known, strange = [], Counter[str](), Counter[str]()
    with guessing(port, _OWNER_TRIES_S, rate, found):
        ends_at = time.monotonic() + _OWNER_TRIES_S - 1
        while time.monotonic() < ends_at:
            begun = time.monotonic()
            known[_log_in(port, device)] += 1
            took_s.append(time.monotonic() - begun)
            strange[_log_in(port)] += 1
            time.sleep(1)
    console.print(
        f"the owner, beside it: where known {dict(known)}, in {_median(took_s):.2f} s; in a new"
        f" browser {dict(strange)}"
    )
    over = time.monotonic()
    while _log_in(port) == _SENT_AWAY and time.monotonic() < over + _OWNER_WAITS_S:
        time.sleep(1)
    console.print(f"and let in there {time.monotonic() - over:.0f} s after the guessing was over")


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=2, help="0: only what becomes of tries")
    parser.add_argument("--tries", type=int, default=1_000)
    parser.add_argument("--connections", type=int, default=64)
    asked = parser.parse_args()
    console = Console(width=140)
    found: list[Guesses] = []
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as place:
        folder = Path(place)
        device = _prepare(folder / "data")
        servers = _servers(folder / "data", folder)
        try:
            found.append(_alone(servers["serve"], 1, asked.tries)[1])  # shuts the form
            share, alone = _alone(servers["serve"], asked.seconds, asked.tries)
            found.append(alone)
            console.print(
                f"{alone.tries / alone.seconds:,.0f} tries a second alone take {share:.1%} of a"
                " core"
            )
            if asked.rounds:
                console.print(_shown(_costs(servers, asked, found), asked.tries))
            _owner(servers["serve"].port, asked.tries, device, found, console)
        finally:
            for server in servers.values():
                server.stop()
    answers = sum((each.answers for each in found), Counter[str]())
    console.print(f"{answers.total():,} tries: {dict(answers)}; {answers[_OPENED]} opened a login")


if __name__ == "__main__":
    main()
