"""How much of its rate ingest keeps while a day is being sealed and heavy questions are answered.

    python tests/bench/beside.py [--events 1000000] [--days 60] [--seconds 25] [--sealed 100000]

Builds a made-up history, and serves it beside a process that only takes events, both on one core;
the load comes from another. Each is loaded twice: undisturbed, then while a day of another site is
loaded and sealed and filtered questions about the whole history follow each other. What is wanted:
0.70 of the undisturbed rate, and 99 of 100 answers within 100 ms. Days are sealed every 20 s: less
than 25 s may see none.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from collector.control import Control
from collector.journal import SUFFIX, line
from tests.bench.ingest import SITE, Run, Server, free_port, requests
from tests.house import event
from tests.people import key_of

KEEPS, P99_MS = 0.70, 100.0
HISTORY = "harbour-courier.example"  # the larger of the made-up sites
SEALED = "sealed.example"
_WARM_S = 1.0  # of each load, in which nothing is measured
_QUESTIONS: list[dict[str, object]] = [
    {
        "metrics": ["visitors", "pageviews", "time_on_page"],
        "dimensions": ["event:page"],
        "filters": [["contains", "event:page", ["/news", "/guide"]]],
    },
    {
        "metrics": ["visitors", "visits", "bounce_rate"],
        "dimensions": ["visit:source", "visit:country"],
        "filters": [["has_done", ["is", "event:name", ["Share"]]]],
    },
    {
        "metrics": ["visitors", "views_per_visit"],
        "dimensions": ["time:week", "visit:browser"],
        "filters": [["matches", "event:page", ["-[0-9]*7$"]]],
    },
]


@dataclass
class Disturbance:
    """What went on beside a load."""

    server: Server
    key: str
    log: Path
    seconds: list[float] = field(default_factory=list)  # of each question
    failed: int = 0
    sealed: int = 0  # days

    @contextlib.contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """Ask one question after the other for a while."""
        until_s = time.monotonic() + seconds
        before = self._days_sealed()
        thread = threading.Thread(target=self._ask, args=(until_s,))
        thread.start()
        yield
        thread.join()
        self.sealed = self._days_sealed() - before

    def _days_sealed(self) -> int:
        return self.log.read_text(encoding="utf-8").count("day_sealed")

    def _ask(self, until_s: float) -> None:
        for question in itertools.cycle(_QUESTIONS):
            begun_s = time.monotonic()
            if begun_s >= until_s:
                return
            self.failed += self._status(question) != http.client.OK
            self.seconds.append(time.monotonic() - begun_s)

    def _status(self, question: dict[str, object]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        body = json.dumps({"site_id": HISTORY, "date_range": "all", **question})
        headers = {"Authorization": f"Bearer {self.key}"}
        with contextlib.closing(connection):
            connection.request("POST", "/api/v2/query", body, headers)
            return connection.getresponse().status


def _build(data: Path, events: int, days: int) -> None:
    command = [sys.executable, "-m", "collector", "--data", str(data), "demo"]
    numbers = ["--events", str(events), "--days", str(days), "--sites", "1"]
    subprocess.run([*command, *numbers], check=True, stdout=subprocess.DEVNULL)


def _past_day(site: int, days_ago: int, count: int, file: Path) -> None:
    """Write a chunk, as a process leaves it, of a day that is to be sealed."""
    rng = random.Random(days_ago)
    noon = datetime.now(UTC).replace(hour=12, minute=0) - timedelta(days=days_ago)
    with file.open("wb") as chunk:
        for _ in range(count):
            at = noon + timedelta(seconds=rng.randrange(-43_000, 43_000))
            token, path = rng.randrange(count // 4), f"/{rng.randrange(2_000)}"
            chunk.write(line(event(site, at, token, path=path, country=rng.choice(("DE", "FR")))))


def _servers(data: Path, folder: Path) -> dict[str, Server]:
    """Start `serve`, and `ingest` beside it."""
    os.environ |= {"GATECOUNT_FLOOD_LIMIT": "1000000"}
    started = {}
    for name in ("serve", "ingest"):
        port = free_port()
        command = [sys.executable, "-m", "collector", "--data", str(data), name]
        started[name] = Server([*command, "--port", str(port)], port, folder / f"{name}.log")
    return started


def _table(runs: dict[str, list[Run]], beside: dict[str, Disturbance]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in (
        "server", "beside it", "requests/s", "kept", "p50 ms", "p99 ms", "failed", "days sealed",
        "questions", "longest s", "",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, (alone, disturbed) in runs.items():
        kept, what = disturbed.rate / alone.rate, beside[name]
        held = kept >= KEEPS and disturbed.p99_ms < P99_MS and not disturbed.failed
        table.add_row(name, "nothing", *_shown(alone, ""), "", "", "", "")
        table.add_row(
            name,
            "all of it",
            *_shown(disturbed, f"{kept:.2f}"),
            str(what.sealed),
            f"{len(what.seconds)} ({what.failed} failed)",
            f"{max(what.seconds, default=0):.1f}",
            "held" if held else "NOT HELD",
        )
    return table


def _shown(run: Run, kept: str) -> list[str]:
    return [f"{run.rate:,.0f}", kept, f"{run.p50_ms:.1f}", f"{run.p99_ms:.1f}", str(run.failed)]


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--sealed", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=64)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatecount-bench-") as place:
        folder = Path(place)
        data = folder / "data"
        _build(data, asked.events, asked.days)
        with contextlib.closing(Control.open(data / "control.sqlite")) as control:
            control.add_site(SITE, "UTC", datetime.now(UTC))
            sealed = control.add_site(SEALED, "UTC", datetime.now(UTC)).id
            key = key_of(control)
        texts = requests(100_000, random.Random(7))
        servers = _servers(data, folder)
        runs: dict[str, list[Run]] = {}
        beside: dict[str, Disturbance] = {}
        try:
            for days_ago, (name, server) in enumerate(servers.items(), 2):
                chunk = folder / f"past-{days_ago}"
                _past_day(sealed, days_ago, asked.sealed, chunk)
                beside[name] = Disturbance(servers["serve"], key, folder / "serve.log")
                alone = server.measure(texts, asked.seconds, asked.connections)
                chunk.rename(data / "journal" / f"{days_ago:06}-past{SUFFIX}")
                with beside[name].lasting(_WARM_S + asked.seconds):
                    disturbed = server.measure(texts, asked.seconds, asked.connections)
                runs[name] = [alone, disturbed]
        finally:
            for server in servers.values():
                server.stop()
        Console(width=140).print(_table(runs, beside))


if __name__ == "__main__":
    main()
