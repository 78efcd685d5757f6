"""How fast events are taken, against a bare uvicorn app in the same run.

    python tests/bench/ingest.py [--seconds 5] [--rounds 3] [--connections 64] [--against CLONE]

The servers take turns on one core, the load comes from another. `ingest` and `serve` acknowledge
durably; before each bare run the loader's backlog is drained, so that nothing runs beside it.

`ingest x2` is two workers on both cores, which they share with the load, each with as many
connections as the one has: what counts there is not the rate, but that an event costs at most 1.1
times the processor time that it costs one worker.

With a clone of another commit, `ingest` of that one takes turns with ours, and the last column is
how many events we take for each of its: by the clock, and by the processor time of an event, which
says the same on a busy machine.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SERVER_CORE = 0
LOAD_CORE = 1
SITE = "bench.example"
HERE = Path(__file__).parents[2]
THEIRS = "ingest of the other"
PAIR = "ingest x2"
_WARM_S = 1.0  # of a load, before anything is measured
_PAIR_COSTS = 1.1  # at most, of what an event costs one worker
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_BARE = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    nothing = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 202, "headers": nothing})
    await send({"type": "http.response.body", "body": b""})
"""
USER_AGENTS = [
    *(
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{v}.0.0.0 Safari/537.36"
        for v in range(120, 145)
    ),
    *(
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_{v} like Mac OS X) AppleWebKit/605.1.15"
        f" (KHTML, like Gecko) Version/17.{v} Mobile/15E148 Safari/604.1"
        for v in range(1, 8)
    ),
    *(
        f"Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"
        for v in range(115, 140)
    ),
]
_REFERRERS = [
    "",
    "",
    "",
    "https://www.google.com/",
    "https://t.co/abc",
    "https://news.ycombinator.com/",
]


@dataclass(frozen=True, slots=True)
class Run:
    """What one server did in one run."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    resident_mib: float
    failed: int
    drained_s: float = 0.0
    idle: float = 0.0  # the share of the time in which the servers' core had nothing to do
    load: float = 0.0  # the share of a core that the load took to send

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def requests(count: int, rng: random.Random) -> list[bytes]:
    """Return pageviews as a proxy would pass them on: about five by each visitor."""
    built = []
    for _ in range(count // 5):
        address = ".".join(str(rng.randint(1, 223)) for _ in range(4))
        user_agent = rng.choice(USER_AGENTS)
        referrer = rng.choice(_REFERRERS)
        for _ in range(5):
            page = int(rng.paretovariate(0.7)) % 20_000
            event = {
                "n": "pageview",
                "u": f"https://{SITE}/section-{page % 17}/a-story-called-{page:x}",
                "r": referrer,
                "s": "lg",
            }
            body = json.dumps(event).encode()
            built.append(
                (
                    f"POST /api/event HTTP/1.1\r\nHost: {SITE}\r\nUser-Agent: {user_agent}\r\n"
                    f"X-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n"
                    "Accept: */*\r\nAccept-Language: en-GB,en;q=0.9\r\n"
                    "Accept-Encoding: gzip, br\r\n"
                    f"Content-Type: text/plain;charset=UTF-8\r\nOrigin: https://{SITE}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n"
                ).encode()
                + body
            )
            referrer = f"https://{SITE}/"
    rng.shuffle(built)
    return built


class _Client(asyncio.Protocol):
    """Posts one request after the other on one connection."""

    def __init__(self, feed: "_Feed") -> None:
        self._feed = feed
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._post()

    def data_received(self, data: bytes) -> None:
        feed = self._feed
        now = time.perf_counter()
        if now > feed.counts_from:
            feed.latencies.append(now - self._begun)
            feed.failed += not data.startswith(b"HTTP/1.1 202")
        if now < feed.ends_at:
            self._post()
        else:
            self._transport.close()
            feed.open -= 1
            if not feed.open:
                feed.is_over.set()

    def _post(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(next(self._feed.requests))


class _Feed:
    def __init__(self, texts: list[bytes], warm_s: float, seconds: float, connections: int) -> None:
        self.requests = itertools.cycle(texts)
        self.latencies: list[float] = []
        self.failed = 0
        self.open = connections
        self.is_over = asyncio.Event()
        self.counts_from = time.perf_counter() + warm_s
        self.ends_at = self.counts_from + seconds


def _load(
    port: int, texts: list[bytes], seconds: float, connections: int, pipe: "Connection"
) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})

    async def run() -> None:
        feed = _Feed(texts, _WARM_S, seconds, connections)
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: _Client(feed), "127.0.0.1", port)
        await feed.is_over.wait()
        took_s = time.process_time()
        ranked = sorted(feed.latencies)
        pipe.send(
            (
                len(ranked), feed.failed, ranked[len(ranked) // 2],
                ranked[int(len(ranked) * 0.99)], took_s / (seconds + _WARM_S),
            )
        )  # fmt: skip

    uvloop.run(run())


class Server:
    """A server process pinned to the servers' core, or to both; with workers, if it has any."""

    def __init__(
        self,
        command: list[str],
        port: int,
        log: Path,
        cwd: Path = HERE,
        cores: Sequence[int] = (SERVER_CORE,),
    ) -> None:
        self.port = port
        self._log = log.open("wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), *command],
            stdout=self._log,
            stderr=self._log,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(cwd)},
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit(f"no server on port {self.port}: {Path(self._log.name).read_text()}")

    def cpu_s(self) -> float:
        """Return the processor time it has used."""
        ticks = 0
        for process in self._processes():
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS_A_SECOND

    def loop_s(self) -> float:
        """Return the processor time that its event loop has used, which is its first thread."""
        own = Path(f"/proc/{self.process.pid}")
        fields = (own / "task" / own.name / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def resident_mib(self) -> float:
        """Return the memory it occupies, in MiB; of several processes all together."""
        return sum(
            int(line.split()[1]) / 1024
            for process in self._processes()
            for line in (process / "status").read_text().splitlines()
            if line.startswith("VmRSS")
        )

    def _processes(self) -> list[Path]:
        """Return where the kernel tells of it, and of its workers."""
        own = Path(f"/proc/{self.process.pid}")
        children = (own / "task" / own.name / "children").read_text().split()
        return [own, *(own.with_name(child) for child in children)]

    def drain(self) -> float:
        """Wait until the process has nothing to do; return how long that took."""
        begun = time.monotonic()
        while True:
            before = self.cpu_s()
            time.sleep(0.5)
            if self.cpu_s() - before <= 0.03:
                return time.monotonic() - begun - 0.5

    def measure(self, texts: list[bytes], seconds: float, connections: int) -> Run:
        """Load it for a while, then let it drain."""
        receiving, sending = multiprocessing.Pipe(duplex=False)
        load = multiprocessing.Process(
            target=_load, args=(self.port, texts, seconds, connections, sending)
        )
        load.start()
        time.sleep(_WARM_S)
        cpu_s, idle_s, begun = self.cpu_s(), _idle_s(), time.monotonic()
        count, failed, p50_s, p99_s, share = receiving.recv()
        cpu_s, idle_s = self.cpu_s() - cpu_s, _idle_s() - idle_s
        idle = idle_s / (time.monotonic() - begun)
        load.join()
        drained_s = self.drain()
        return Run(
            requests=count,
            seconds=seconds,
            p50_ms=p50_s * 1000,
            p99_ms=p99_s * 1000,
            cpu_s=cpu_s,
            resident_mib=self.resident_mib(),
            failed=failed,
            drained_s=drained_s,
            idle=idle,
            load=share,
        )

    def stop(self) -> None:
        """Stop it as an operator would."""
        self.process.terminate()
        self.process.wait(15)
        self._log.close()


def _idle_s() -> float:
    """Return for how long the servers' core had nothing to do, or waited for a disk."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{SERVER_CORE}":
            return (int(ticks[3]) + int(ticks[4])) / _TICKS_A_SECOND
    raise SystemExit(f"there is no core {SERVER_CORE}")


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _servers(folder: Path, against: Path | None) -> dict[str, Server]:
    os.environ["GATECOUNT_FLOOD_LIMIT"] = "1000000"
    servers = {"bare": _bare(folder), "ingest": _ours("ingest", folder, HERE)}
    if against:
        servers[THEIRS] = _ours("ingest", folder / "theirs", against.resolve())
    else:
        servers["serve"] = _ours("serve", folder, HERE)
        both = (SERVER_CORE, LOAD_CORE)
        servers[PAIR] = _ours("ingest", folder / "pair", HERE, ("--workers", "2"), both)
    return servers


def _bare(folder: Path) -> Server:
    (folder / "bare.py").write_text(_BARE)
    port = free_port()
    bare = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "bare:app"]
    bare += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    return Server([*bare, "--no-access-log", "--port", str(port)], port, folder / "bare.log")


def _ours(
    command: str,
    folder: Path,
    clone: Path,
    flags: Sequence[str] = (),
    cores: Sequence[int] = (SERVER_CORE,),
) -> Server:
    """Start what a clone has, on a data directory that it made itself."""
    data = folder / command
    data.mkdir(parents=True)
    program = [sys.executable, "-m", "collector", "--data", str(data)]
    subprocess.run(
        [*program, "site", "add", SITE],
        check=True,
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone)},
        stdout=subprocess.DEVNULL,
    )
    port = free_port()
    started = [*program, command, "--port", str(port), *flags]
    return Server(started, port, folder / f"{command}.log", clone, cores)


def _cost(done: list[Run]) -> float:
    """Return the processor seconds of 100,000 events."""
    return statistics.median(run.cpu_s / run.requests * 1e5 for run in done)


def _table(runs: dict[str, list[Run]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in (
        "server", "requests/s", "of bare", "p50 ms", "p99 ms", "CPU s/100k", "RSS MiB", "drained s",
        "failed", *(["of the other"] if THEIRS in runs else []),
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, done in runs.items():
        ratios = [run.rate / bare.rate for run, bare in zip(done, runs["bare"], strict=True)]
        table.add_row(
            name,
            f"{statistics.median(run.rate for run in done):,.0f}",
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            f"{statistics.median(run.p50_ms for run in done):.1f}",
            f"{statistics.median(run.p99_ms for run in done):.1f}",
            f"{_cost(done):.2f}",
            f"{max(run.resident_mib for run in done):.0f}",
            f"{max(run.drained_s for run in done):.1f}",
            str(sum(run.failed for run in done)),
            *([_against(done, runs[THEIRS])] if THEIRS in runs and name == "ingest" else []),
        )
    return table


def _against(ours: list[Run], theirs: list[Run]) -> str:
    """Return how many events we take for each of theirs, by the clock and by processor time."""
    pairs = list(zip(ours, theirs, strict=True))
    rate = statistics.median(one.rate / other.rate for one, other in pairs)
    cost = statistics.median(
        (other.cpu_s / other.requests) / (one.cpu_s / one.requests) for one, other in pairs
    )
    return f"{rate:.3f}, {cost:.3f}"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--against", type=Path, metavar="CLONE")
    asked = parser.parse_args()
    texts = requests(100_000, random.Random(7))
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as folder:
        servers = _servers(Path(folder), asked.against)
        runs: dict[str, list[Run]] = {name: [] for name in servers}
        try:
            for _ in range(asked.rounds):
                for name, server in servers.items():
                    connections = asked.connections * (2 if name == PAIR else 1)
                    runs[name].append(server.measure(texts, asked.seconds, connections))
        finally:
            for server in servers.values():
                server.stop()
        Console(width=120).print(_table(runs))
        if PAIR in runs:
            ratio = _cost(runs[PAIR]) / _cost(runs["ingest"])
            said = "held" if ratio <= _PAIR_COSTS else "NOT HELD"
            print(f"an event costs two workers {ratio:.2f} times what it costs one: {said}")


if __name__ == "__main__":
    main()
