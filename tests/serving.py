"""A real collector for tests: processes of ours on a free port of 127.0.0.1, always stopped.

    with installation(tmp_path) as here:
        here.add_site()
        with here.serving() as server:
            assert server.post(pageview("/news")).status == 202
            server.wait_for_pageviews(1)

What they do not know is a browser: see tests/browser/ for one.
"""

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from collector.control import Control, Site
from tests.people import admit, key_of, token_of

ROOT = Path(__file__).parents[1]
SITE = "example.com"
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = "192.0.2.17"  # who posts, unless a test says otherwise
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
    " Safari/537.36"
)
BROWSER_HEADERS: Mapping[str, str] = {
    "Host": SITE,
    "Content-Type": "text/plain",
    "User-Agent": USER_AGENT,
    "X-Forwarded-For": ADDRESS,
}
# Generous: they cost nothing but where something is broken, and a busy machine is no fault.
START_DEADLINE_S = 90.0
_COMMAND_DEADLINE_S = 240.0  # one that does all its work before it ends
STOP_DEADLINE_S = 60.0
DEADLINE_S = 60.0
REQUEST_TIMEOUT_S = 60.0
_POLL_EVERY_S = 0.02
ASK_EVERY_S = 0.1  # where each look costs a server as much, which has something to do meanwhile
_LISTENING = re.compile(r"(?:Dashboard|Taking events on) +http://127\.0\.0\.1:(\d+)/")
_GATECOUNT = (sys.executable, "-m", "collector")


def wait_until(
    is_so: Callable[[], bool],
    what: str = "it",
    deadline_s: float = DEADLINE_S,
    every_s: float = _POLL_EVERY_S,
) -> None:
    """Return once a condition holds, which is looked at again and again.

    Raises:
        AssertionError: it did not in time.
    """
    give_up_at = time.monotonic() + deadline_s
    while not is_so():
        assert time.monotonic() < give_up_at, f"{what} did not happen within {deadline_s:g} s"
        time.sleep(every_s)


def own_port() -> int:
    """Return a free port that stays free while nobody listens there.

    The system hands out no such port by itself, to other tests for instance.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def pageview(path: str, site: str = SITE, **more: object) -> dict[str, Any]:
    """Return the body of a pageview; `more` are further keys of the wire format."""
    return {"n": "pageview", "u": f"https://{site}{path}", **more}


def around_today() -> tuple[date, date]:
    """Return days that hold all a test does, should it run at midnight."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=1), today + timedelta(days=1)


def zone_at_noon() -> str:
    """Return a time zone in which it is about noon: there no day ends while tests run."""
    behind_h = datetime.now(UTC).hour - 12
    return f"Etc/GMT{behind_h:+d}" if behind_h else "UTC"  # POSIX counts to the west


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the body, read as JSON."""
        return json.loads(self.body)


class Visitor:
    """One kept-alive connection that posts events; not for several threads."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self._headers = {**BROWSER_HEADERS, **(headers or {})}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_TIMEOUT_S)

    def post(self, event: Mapping[str, object] | bytes, path: str = "/api/event") -> Answer:
        """Post an event, or bytes as they are.

        Raises:
            OSError, http.client.HTTPException: there was no answer.
        """
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._connection.request("POST", path, body, self._headers)
        return _answer(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Connect at the first event."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()


def _answer(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


@dataclass(frozen=True)
class Server:
    """A running process (or a supervisor and its workers), leader of a process group of its own.

    `output` is the file that standard output and standard error go to.
    """

    process: subprocess.Popen[bytes]
    output: Path
    data: Path

    @cached_property
    def key(self) -> str:
        """A key to the API that may do everything, and with it an account that owns all sites."""
        with contextlib.closing(Control.open(self.data / "control.sqlite")) as control:
            return key_of(control)

    @cached_property
    def login(self) -> str:
        """The token of a login of that account, for the cookie `gatecount-login`."""
        with contextlib.closing(Control.open(self.data / "control.sqlite")) as control:
            return token_of(control, admit(control))

    @cached_property
    def port(self) -> int:
        """The port it listens on, as soon as it says so.

        Raises:
            AssertionError: it ended, or did not say it in time.
        """
        wait_until(self._has_greeted, "a greeting", START_DEADLINE_S)
        found = _LISTENING.search(self.said())
        assert found
        return int(found[1])

    @property
    def url(self) -> str:
        """The server's address, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Answer:
        """Send one request with exactly these headers (and what HTTP itself needs)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            return _answer(connection)
        finally:
            connection.close()

    def visitor(self, headers: Mapping[str, str] | None = None) -> Visitor:
        """Return a connection for many events; `headers` go on top of a browser's."""
        return Visitor(self.port, headers)

    def post(
        self, event: Mapping[str, object] | bytes, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post one event on a connection of its own."""
        with self.visitor(headers) as visitor:
            return visitor.post(event)

    def query(self, **query: object) -> list[dict[str, Any]]:
        """Ask the API; return the rows (`dimensions`, `metrics`), of all a test did by default."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        days = [day.isoformat() for day in around_today()]
        wanted = {"site_id": SITE, "metrics": ["pageviews"], "date_range": days, **query}
        answer = self.ask("POST", "/api/v2/query", json.dumps(wanted).encode(), headers)
        assert answer.status == 200, answer
        rows: list[dict[str, Any]] = answer.json()["results"]
        return rows

    def pageviews(self, site: str = SITE) -> int:
        """Return the pageviews of a site."""
        return int(self.query(site_id=site)[0]["metrics"][0])

    def wait_for_pageviews(self, count: int, site: str = SITE) -> None:
        """Return once the pageviews of a site are exactly `count`."""
        is_so = f"{count} pageviews"
        wait_until(lambda: self.pageviews(site) == count, is_so, every_s=ASK_EVERY_S)

    def wait_for_health(self) -> None:
        """Return once /healthz answers.

        Raises:
            AssertionError: it ended, or did not answer in time; with what it said.
        """
        wait_until(self._is_healthy, "/healthz", START_DEADLINE_S)

    def journalled(self, path: str) -> int:
        """Return how many events of a page are in the journal, also once it has ended."""
        wanted = f'"path":"{path}"'.encode()
        return sum(chunk.read_bytes().count(wanted) for chunk in (self.data / "journal").glob("*"))

    def _has_greeted(self) -> bool:
        self._must_run()
        return _LISTENING.search(self.said()) is not None

    def _is_healthy(self) -> bool:
        self._must_run()
        try:
            return self.ask("GET", "/healthz", timeout_s=2).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _must_run(self) -> None:
        assert self.process.poll() is None, f"it ended: {self.said()}"

    def said(self) -> str:
        """Return all that was written to standard output and standard error so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def terminate(self, deadline_s: float = STOP_DEADLINE_S) -> int:
        """Send SIGTERM and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it went on.
        """
        self.process.terminate()
        return self.process.wait(deadline_s)

    def kill(self) -> None:
        """SIGKILL the whole group, and wait."""
        with contextlib.suppress(ProcessLookupError):  # its leader and all others ended
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_DEADLINE_S)


@dataclass(frozen=True, slots=True)
class Installation:
    """A data directory, a key directory in RAM, and what runs on them.

    Nothing of the caller's configuration reaches it; temporary files go to `temporary`.
    """

    folder: Path
    key_dir: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """Where the output of processes goes, a file each."""
        return self.folder / "logs"

    @property
    def temporary(self) -> Path:
        """What processes take for the system's folder of temporary files."""
        return self.folder / "tmp"

    def environment(self, **more: str) -> dict[str, str]:
        """Return a process's environment; `more` goes on top."""
        foreign = ("GATECOUNT_", "XDG_RUNTIME_DIR", "PYTHON", "COV_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {
            **inherited,
            "GATECOUNT_KEY_DIR": str(self.key_dir),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            **more,
        }

    def add_site(self, domain: str = SITE, timezone: str = "UTC") -> Site:
        """Register a site, long ago, without the half second that a command takes."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.closing(Control.open(self.data / "control.sqlite")) as control:
            return control.add_site(domain, timezone, _LONG_AGO)

    def gatecount(self, *arguments: str) -> str:
        """Run a command to its end; return its output.

        Raises:
            subprocess.CalledProcessError: it failed; see its `output`.
        """
        return subprocess.run(
            [*_GATECOUNT, "--data", str(self.data), *arguments],
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=_COMMAND_DEADLINE_S,
        ).stdout

    def launch(
        self,
        *flags: str,
        command: str = "serve",
        wrapper: Sequence[str] = (),
        program: Sequence[str] = (),
        **environment: str,
    ) -> Server:
        """Start a server; wait for nothing. The caller stops it: better use `serving`.

        Args:
            flags: of the command, e.g. "--public-url", "https://stats.example.com/".
            command: "serve" or "ingest".
            wrapper: a program that runs the server in its own place, e.g. strace -D, taskset.
            program: what to run instead of `gatecount --data DATA COMMAND --port 0 FLAGS`; it
                prints the line that `serve` greets with.
            environment: variables to set, e.g. GATECOUNT_FLOOD_LIMIT="1000000".
        """
        usual = [*_GATECOUNT, "--data", str(self.data), command, "--port", "0", *flags]
        output = self.logs / f"{len(list(self.logs.iterdir())):04}.log"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [*wrapper, *(program or usual)],
                env=self.environment(**environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Server(process, output, self.data)

    @contextlib.contextmanager
    def serving(
        self,
        *flags: str,
        command: str = "serve",
        wrapper: Sequence[str] = (),
        program: Sequence[str] = (),
        **environment: str,
    ) -> Iterator[Server]:
        """Run a healthy server; stop it in the end, by SIGKILL when SIGTERM does not do.

        Arguments are those of `launch`.
        """
        server = self.launch(
            *flags, command=command, wrapper=wrapper, program=program, **environment
        )
        try:
            server.wait_for_health()
            yield server
        finally:
            if server.process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):  # the next line does it
                    server.terminate()
            server.kill()


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Make an empty installation below a folder, with its keys in RAM where there is some."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - RAM on every Linux; ours is a 0700 directory
    in_ram = shared_memory if os.access(shared_memory, os.W_OK) else None
    key_dir = Path(tempfile.mkdtemp(prefix="gatecount-test-", dir=in_ram))
    here = Installation(folder, key_dir)
    for made in (here.logs, here.temporary):
        made.mkdir(parents=True, exist_ok=True)
    try:
        yield here
    finally:
        shutil.rmtree(key_dir, ignore_errors=True)
