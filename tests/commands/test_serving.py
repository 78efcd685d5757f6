"""`serve` and `ingest`, by processes that run for real."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector import config as options
from collector.control import Control
from collector.terminal import how_to_call
from tests.commands.terminal import Command, told
from tests.serving import (
    DEADLINE_S,
    SITE,
    START_DEADLINE_S,
    Installation,
    Server,
    installation,
    pageview,
    wait_until,
)

SECOND = "example.org"

# Sealing and purging turn more often than usual.
_OFTEN = "from collector import keeper, __main__; keeper._SEAL_EVERY_S = 0.2; __main__.main()"


def often(here: Installation, *command: str) -> Sequence[str]:
    """Return a command that looks after the stores five times a second."""
    return (sys.executable, "-c", _OFTEN, "--data", str(here.data), *command, "--port", "0")


@dataclass(frozen=True)
class Running:
    """A `serve` for all tests, and how long it took to acknowledge its first event."""

    here: Installation
    server: Server
    first_202_s: float

    def counts(self, path: str, site: str = SITE, server: Server | None = None) -> bool:
        """Post a pageview, and tell whether it is in the journal."""
        before = self.server.journalled(path)
        headers = {"Host": site}
        answer = (server or self.server).post(pageview(path, site), headers)
        assert answer.status == 202
        return self.server.journalled(path) > before

    def wait_for(self, path: str, pageviews: int) -> None:
        """Return once the dashboard's numbers have so many pageviews of a page."""

        def found() -> int:
            rows = self.server.query(dimensions=["event:page"])
            return sum(row["metrics"][0] for row in rows if row["dimensions"] == [path])

        wait_until(lambda: found() == pageviews, f"{pageviews} pageviews of {path}")

    def control(self) -> contextlib.closing[Control]:
        """Open the control database beside the server."""
        return contextlib.closing(Control.open(self.here.data / "control.sqlite"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run `serve` on a directory with one site."""
    with installation(tmp_path_factory.mktemp("cli")) as here:
        here.add_site()
        begun_s = time.monotonic()
        with here.serving(program=often(here, "serve")) as server:
            assert server.post(pageview("/first")).status == 202
            yield Running(here, server, time.monotonic() - begun_s)


def test_a_server_is_soon_ready(running: Running) -> None:
    """From the start of the process to the first event on disk."""
    print(f"start to first 202: {running.first_202_s:.2f} s")
    assert running.server.journalled("/first") == 1
    assert running.first_202_s < START_DEADLINE_S


def test_the_address_is_shown_and_how_to_make_the_first_account(running: Running) -> None:
    """But not how to add a site where there is one."""
    said = running.server.said()
    assert said.startswith(f"Dashboard  http://127.0.0.1:{running.server.port}/\n")
    assert f"\nSet up     http://127.0.0.1:{running.server.port}/links/" in said
    assert "No site yet" not in said


def test_files_are_private_and_memory_is_not_dumped(running: Running) -> None:
    """For nobody but the user that runs it."""
    paths = [running.here.data, *running.here.data.rglob("*"), *running.here.key_dir.rglob("*")]
    assert len(paths) > 8
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    limits = Path(f"/proc/{running.server.process.pid}/limits").read_text(encoding="utf-8")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_a_site_that_is_added_counts_at_once(running: Running, gatecount: Command) -> None:
    """Within about a second; the server is not restarted."""
    assert gatecount("--data", str(running.here.data), "site", "add", SECOND).exit_code == 0
    begun_s = time.monotonic()
    wait_until(lambda: running.counts("/added", SECOND), "counting of a new site")
    print(f"site add to counted: {time.monotonic() - begun_s:.2f} s")
    running.server.wait_for_pageviews(1, SECOND)


def test_a_site_that_is_removed_counts_no_more(running: Running, gatecount: Command) -> None:
    """Its numbers are deleted, and nobody can ask for them any more."""
    running.here.add_site("example.net")
    wait_until(lambda: running.counts("/doomed", "example.net"), "counting of a new site")
    running.server.wait_for_pageviews(1, "example.net")
    command = ["--data", str(running.here.data), "site", "remove", "example.net", "--yes"]
    assert gatecount(*command).exit_code == 0
    wait_until(lambda: not running.counts("/doomed", "example.net"), "the end of counting")
    with running.control() as control:
        wait_until(lambda: not control.removed(), "the deletion of its numbers")
    headers = {"Authorization": f"Bearer {running.server.key}", "Content-Type": "application/json"}
    query = {"site_id": "example.net", "metrics": ["pageviews"], "date_range": "day"}
    answer = running.server.ask("POST", "/api/v2/query", json.dumps(query).encode(), headers)
    assert answer.status >= 400


def test_a_second_server_on_the_same_data_is_refused(running: Running, gatecount: Command) -> None:
    """It says so, and the first goes on."""
    data = running.here.data
    keys = str(running.here.key_dir)
    message = told(gatecount("--data", str(data), "serve", "--port", "0", "--key-dir", keys))
    assert message == (f"{data} is in use by another gatecount. One `serve` at a time can have it.")
    assert running.counts("/still-here")


def children(process_id: int) -> set[int]:
    """Return the processes that a process started."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[1]) == process_id and fields[0] != "Z":
                found.add(int(status.parent.name))
    return found


@pytest.fixture(scope="module")
def beside(running: Running) -> Iterator[Server]:
    """Run `ingest` with two workers on the same data; they end with the command."""
    with running.here.serving("--workers", "2", command="ingest") as ingest:
        yield ingest
        workers = children(ingest.process.pid)
        assert len(workers) == 2
        ingest.terminate()
        assert not [number for number in workers if Path(f"/proc/{number}").exists()]


def test_ingest_takes_events_beside_serve(running: Running, beside: Server) -> None:
    """They show in its numbers; the same visitor has the same token in both."""
    for server in (beside, running.server, beside):
        assert running.counts("/beside", server=server)
    running.wait_for("/beside", 3)
    rows = running.server.query(metrics=["visitors"])
    assert rows[0]["metrics"] == [1]
    assert beside.ask("GET", "/", headers={"Host": SITE}).status == 404
    assert "Traceback" not in beside.said()


def test_ingest_has_as_many_workers_as_asked_for(running: Running, beside: Server) -> None:
    """Each on a core of its own, where there are enough. One that ends is replaced."""
    first = children(beside.process.pid)
    assert len(first) == 2
    cores = os.sched_getaffinity(0)

    def have_settled() -> bool:
        theirs = [os.sched_getaffinity(worker) for worker in children(beside.process.pid)]
        return [*map(len, theirs)] == [1, 1] and len(set().union(*theirs)) == min(2, len(cores))

    wait_until(have_settled, "a core for each")
    os.kill(min(first), signal.SIGKILL)
    wait_until(
        lambda: len(now := children(beside.process.pid)) == 2 and now != first, "a new worker"
    )
    assert running.counts("/replaced", server=beside)


def test_workers_that_cannot_start_are_not_started_for_ever(tmp_path: Path) -> None:
    """The command ends as one alone would, with the same message."""
    with installation(tmp_path) as here:
        nowhere = str(tmp_path / "missing" / "keys")
        with pytest.raises(subprocess.CalledProcessError) as caught:
            here.gatecount("ingest", "--port", "0", "--workers", "2", "--key-dir", nowhere)
        assert caught.value.returncode == 1
        assert f"gatecount: key_dir: {nowhere} cannot be made" in caught.value.output


def test_the_first_start_shows_a_link_that_makes_an_account(tmp_path: Path) -> None:
    """It is good once; without a site, the start says how to add one."""
    with installation(tmp_path) as here:
        with here.serving() as server:
            said = server.said()
            link = re.search(r"\nSet up +http://127.0.0.1:\d+(/links/[\w-]{43}) ", said)
            assert link
            add = f"gatecount --data {here.data} site add example.com"
            assert f"No site yet. In another terminal: {add}\n" in said
            headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
            form = b"email=editor%40example.com&password=lanterns+over+the+harbour"
            begun_s = time.monotonic()
            assert server.ask("POST", link[1], form, headers).status == 303
            print(f"making an account: {time.monotonic() - begun_s:.2f} s")
            assert server.ask("POST", link[1], form, headers).status == 404
            assert server.ask("POST", "/login", form, headers).status == 303
            server.process.send_signal(signal.SIGINT)
            server.process.wait(DEADLINE_S)
            assert "Traceback" not in server.said()
        here.add_site()
        with here.serving() as server:
            assert "Set up" not in server.said()
            assert "No site yet" not in server.said()
        kept = b"".join(path.read_bytes() for path in here.data.rglob("*") if path.is_file())
        assert link[1].removeprefix("/links/").encode() not in kept
        assert b"lanterns over the harbour" not in kept


def test_a_hint_can_be_typed_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone the program is in its own directory alone."""
    monkeypatch.chdir(tmp_path)
    config = options.load(None, {}, {}).config
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv/bin/gatecount"), "serve"])
    assert how_to_call(config) == ".venv/bin/gatecount"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/gatecount", "serve"])
    assert how_to_call(config) == "gatecount"
    elsewhere = options.load(None, {}, {"data": "/srv/my data"}).config
    assert how_to_call(elsewhere) == "gatecount --data '/srv/my data'"
