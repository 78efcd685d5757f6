"""A service that is killed again and again under load: what was sent is stored, exactly.

    PYTHONPATH=. .venv/bin/python tests/bench/soak.py [--minutes 20] [--rate N] [--every 20 40]

`serve`, and beside it `ingest --workers 2`, take events at half the rate that they can, in a time
of their own that passes 200 times as fast, so that days are sealed. Meanwhile dashboards are open
and one backup follows the other. Every 20 to 40 s one of all these processes, by chance, gets
SIGKILL; what is a service is started again after a second, as systemd does.

In the end every page has to have as many pageviews as were acknowledged, and at most those more
that nobody got an answer to; and the memory of a kind of process must not have grown.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.control import Control
from tests.bench.crowd import Crowd, Report
from tests.crash.nursery import Clock
from tests.crash.witness import NO_ANSWER
from tests.people import admit, token_of
from tests.serving import ROOT, Installation, Server, installation, own_port, wait_until

# It is midnight there at 18:30, 19:00 and 20:00 UTC.
SITES = {
    "soak.example.com": "Asia/Kolkata",
    "soak.example.net": "Asia/Karachi",
    "soak.example.org": "Asia/Dubai",
}
BEGINS_AT = datetime(2026, 11, 24, 18, 20, tzinfo=UTC)
SPEED = 200.0
WORKERS = 2
CLIENTS = 48
_RESTART_AFTER_S = 1.0
_BACKUP_AFTER_S = 5.0
_TICK_S = 0.2
_READ_EVERY_S = 0.7
_SAMPLE_EVERY_S = 1.0
_WARM_S = 5.0  # before that, a process still grows
_CATCH_UP_DEADLINE_S = 300.0
# Of the second half's highest to the first half's: so much more, and what a young process may take.
_GROWTH, _GROWTH_MIB = 1.1, 32.0
_SEALED = " day_sealed "
_GROWTH_TOLD_FROM_S = 300.0  # in a shorter time everything is young
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how much, and how often one is killed."""

    seconds: float
    every_s: tuple[float, float]
    rate: float | None = None  # events a second; None for half of the peak
    seed: int = 1


@dataclass
class Outcome:
    """What it came to; a soak is passed when `faults` is empty."""

    sent: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    refused: int = 0
    stored: int = 0
    rate: float = 0.0
    sealed_days: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    backups: int = 0
    questions: int = 0
    too_busy: int = 0  # questions that were not answered in time
    memory_mib: dict[str, tuple[float, float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Service:
    """A command of ours that is started again whenever it ended."""

    def __init__(self, here: Installation, command: str, *flags: str, **environment: str) -> None:
        self.port = own_port()
        self._start: Callable[[], Server] = lambda: here.launch(
            *flags, "--port", str(self.port), command=command, **environment
        )
        self.server = self._start()
        self.logs = [self.server.output]
        self._ended_s: float | None = None

    def tend(self, now_s: float) -> None:
        """Start it again a second after it ended."""
        if self.server.process.poll() is None:
            return
        if self._ended_s is None:
            self._ended_s = now_s
        elif now_s >= self._ended_s + _RESTART_AFTER_S:
            self._ended_s = None
            self.server = self._start()
            self.logs.append(self.server.output)

    def kill(self) -> None:
        """End it, and all that it started."""
        self.server.kill()

    def said(self) -> str:
        """Return all that it logged in all its lives."""
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in self.logs)


class Backups:
    """One backup after the other; a broken one must not look like a whole one."""

    def __init__(self, here: Installation, **environment: str) -> None:
        self._here = here
        self._environment = environment
        self._begin_s = 0.0
        self.process: subprocess.Popen[str] | None = None
        self.made: list[Path] = []
        self.faults: list[str] = []
        self._numbers = iter(range(1_000_000))

    def tend(self, now_s: float) -> None:
        """Begin one when the last is made."""
        if self.process is None and now_s >= self._begin_s:
            command = (sys.executable, "-m", "collector")
            self._target = self._here.folder / f"backup-{next(self._numbers)}"
            self.process = subprocess.Popen(
                [*command, "--data", str(self._here.data), "backup", str(self._target)],
                env=self._here.environment(**self._environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        elif self.process is not None and self.process.poll() is not None:
            self._look(self.process)
            self.process, self._begin_s = None, now_s + _BACKUP_AFTER_S

    def kill(self) -> None:
        """End the one that is being made."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def _look(self, ended: subprocess.Popen[str]) -> None:
        said = ended.communicate()[0]
        if ended.returncode == 0:
            self.made.append(self._target)
        elif ended.returncode != -signal.SIGKILL and "no server ever ran" not in said:
            self.faults.append(f"backup: exit code {ended.returncode}: {said.strip()[-300:]}")
        elif (self._target / "backup.json").exists():
            self.faults.append("a backup that was killed looks like a whole one")


class Readers:
    """Dashboards that are open: pages and questions, and streams of what happens just now."""

    def __init__(self, serve: Service, token: str) -> None:
        self._serve = serve
        self._headers = {"Cookie": f"gatecount-login={token}"}
        self._stopping = threading.Event()
        self.answers: Counter[int] = Counter()
        self.events = 0  # that came by streams
        loops = (self._read, self._read, self._watch)
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close them."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _read(self) -> None:
        for number in range(1_000_000):
            if self._stopping.wait(_READ_EVERY_S):
                return
            with contextlib.suppress(*NO_ANSWER):
                site = [*SITES][number % len(SITES)]
                views = ("", "?period=7d", "?f=is,browser,Chrome", "/by/page?period=7d")
                path = f"/sites/{site}{views[number // 3 % len(views)]}"
                self.answers[_get(self._serve.port, path, self._headers)] += 1

    def _watch(self) -> None:
        while not self._stopping.wait(0.5):
            connection = http.client.HTTPConnection("127.0.0.1", self._serve.port, timeout=20)
            with contextlib.suppress(*NO_ANSWER), contextlib.closing(connection):
                path = f"/sites/{next(iter(SITES))}/now/events"
                connection.request("GET", path, headers=self._headers)
                answer = connection.getresponse()
                while not self._stopping.is_set() and (line := answer.readline()):
                    self.events += line.startswith(b"data:")


def _get(port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def _children(process_id: int) -> list[int]:
    try:
        text = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in text.split()]


def _resident_mib(process_id: int) -> float:
    try:
        return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * _PAGE_KIB / 1024
    except (OSError, IndexError):  # it ended
        return 0.0


@dataclass
class Soak:
    """All that runs, and the one that kills."""

    plan: Plan
    serve: Service
    ingest: Service
    backups: Backups
    kills: Counter[str] = field(default_factory=Counter)
    memory: defaultdict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _seen_s: dict[int, float] = field(default_factory=dict)

    def processes(self) -> dict[str, list[int]]:
        """Return what runs now, by kind."""
        found = {"serve": [self.serve.server.process.pid]}
        supervisor = self.ingest.server.process.pid
        found |= {"supervisor": [supervisor], "worker": _children(supervisor)}
        if self.backups.process is not None:
            found["backup"] = [self.backups.process.pid]
        return found

    def run(self) -> None:
        """Tend, watch and kill for as long as planned."""
        rng = random.Random(self.plan.seed)
        begun_s = now_s = time.monotonic()
        kill_s = begun_s + rng.uniform(*self.plan.every_s)
        sample_s = begun_s
        while now_s < begun_s + self.plan.seconds:
            self.tend(now_s)
            if now_s >= kill_s:
                self._kill(rng)
                kill_s = now_s + rng.uniform(*self.plan.every_s)
            if now_s >= sample_s:
                self._sample(now_s - begun_s)
                sample_s = now_s + _SAMPLE_EVERY_S
            time.sleep(_TICK_S)
            now_s = time.monotonic()

    def tend(self, now_s: float) -> None:
        """Have everything run that should."""
        for one in (self.serve, self.ingest, self.backups):
            one.tend(now_s)

    def _kill(self, rng: random.Random) -> None:
        running = [(kind, one) for kind, ones in self.processes().items() for one in ones]
        kind, process_id = rng.choice(running)
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.kill(process_id, signal.SIGKILL)
            self.kills[kind] += 1

    def _sample(self, at_s: float) -> None:
        for kind, ones in self.processes().items():
            for one in ones if kind != "backup" else ():  # which needs what the archive needs
                since_s = self._seen_s.setdefault(one, at_s)
                if at_s - since_s >= _WARM_S and (mib := _resident_mib(one)):
                    self.memory[kind].append((at_s, mib))

    def grown(self) -> dict[str, tuple[float, float]]:
        """Return the highest memory of each kind of process in the first half and the second."""
        middle_s = self.plan.seconds / 2
        halves = {
            kind: (
                max((mib for at_s, mib in samples if at_s < middle_s), default=0.0),
                max((mib for at_s, mib in samples if at_s >= middle_s), default=0.0),
            )
            for kind, samples in self.memory.items()
        }
        return {kind: both for kind, both in halves.items() if all(both)}


def soak(plan: Plan, folder: Path) -> Outcome:
    """Run a soak in an empty folder, and find out what it came to."""
    with installation(folder) as here:
        clock = Clock(here.folder / "clock")
        clock.turn(BEGINS_AT)
        for domain, timezone in SITES.items():
            here.add_site(domain, timezone)
        moved = {
            "MOVED_CLOCK": str(clock.file),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'crash' / 'moved'}",
            "GATECOUNT_FLOOD_LIMIT": "1000000",
        }
        with contextlib.ExitStack() as stack:
            serve = Service(here, "serve", **moved)
            stack.callback(serve.kill)
            ingest = Service(here, "ingest", "--workers", str(WORKERS), **moved)
            stack.callback(ingest.kill)
            for service in (serve, ingest):
                service.server.wait_for_health()
            # Not before: it would be past midnight everywhere until a busy machine has them ready,
            # and no day be over before its deadline.
            clock.turn(clock.now(), SPEED)
            backups = Backups(here)
            stack.callback(backups.kill)
            with contextlib.closing(Control.open(here.data / "control.sqlite")) as control:
                readers = Readers(serve, token_of(control, admit(control), clock.now()))
            crowd = Crowd((ingest.port, serve.port), [*SITES], plan.rate, CLIENTS)
            running = Soak(plan, serve, ingest, backups)
            running.run()
            report = crowd.stop()
            readers.stop()
            stored = _stored(running, report, clock)
        return _outcome(running, report, readers, stored)


def _stored(running: Soak, report: Report, clock: Clock) -> dict[tuple[str, str], int]:
    """Return the pageviews by site and page, once all that was acknowledged is there.

    And a day is sealed, which may be late: on a busy machine, a clock this fast seems to jump. And
    a backup is made, which may have been killed each time.
    """
    found: dict[tuple[str, str], int] = {}

    def are_all_there() -> bool:
        running.tend(time.monotonic())
        try:
            found.update(_asked(running.serve.server, clock))
        except (*NO_ANSWER, AssertionError):  # it is being started, or still busy
            return False
        stored = (found.get(key, 0) >= page.acknowledged for key, page in report.pages.items())
        return all(stored) and _SEALED in running.serve.said() and bool(running.backups.made)

    with contextlib.suppress(AssertionError):  # what is missing is told below
        wait_until(are_all_there, "all events", _CATCH_UP_DEADLINE_S)
    return found


def _asked(server: Server, clock: Clock) -> Iterator[tuple[tuple[str, str], int]]:
    days = [BEGINS_AT.date().isoformat(), (clock.now().date() + timedelta(days=1)).isoformat()]
    for site in SITES:
        rows = server.query(site_id=site, dimensions=["event:page"], date_range=days)
        yield from (((site, row["dimensions"][0]), int(row["metrics"][0])) for row in rows)


def _outcome(
    running: Soak, report: Report, readers: Readers, stored: dict[tuple[str, str], int]
) -> Outcome:
    said = running.serve.said()
    outcome = Outcome(
        acknowledged=report.total("acknowledged"),
        unanswered=report.total("unanswered"),
        refused=report.total("refused"),
        stored=sum(stored.values()),
        rate=report.rate,
        sealed_days=said.count(_SEALED),
        kills=dict(running.kills),
        backups=len(running.backups.made),
        questions=readers.answers[http.client.OK],
        too_busy=readers.answers[http.client.SERVICE_UNAVAILABLE],
        memory_mib=running.grown(),
        faults=[*running.backups.faults],
    )
    outcome.sent = outcome.acknowledged + outcome.unanswered + outcome.refused
    outcome.faults += _differences(report, stored)
    outcome.faults += [
        f"{count} pages of the dashboard answered {status}"
        for status, count in readers.answers.items()
        if status not in {http.client.OK, http.client.SERVICE_UNAVAILABLE}
    ]
    outcome.faults += [
        f"the memory of {kind} grew from {first:.0f} to {second:.0f} MiB"
        for kind, (first, second) in outcome.memory_mib.items()
        if second > _GROWTH * first + _GROWTH_MIB and running.plan.seconds >= _GROWTH_TOLD_FROM_S
    ]
    outcome.faults += [
        f"{event} in a log"
        for event in ("Traceback", "journal_damaged", "keeper_failed", "unreadable", "chore_failed")
        if event in said + running.ingest.said()
    ]
    return outcome


def _differences(report: Report, stored: dict[tuple[str, str], int]) -> list[str]:
    found = []
    for key in {*report.pages, *stored}:
        page, count = report.pages.get(key), stored.get(key, 0)
        if page is None:
            found.append(f"{key}: {count} stored that nobody sent")
        elif count < page.acknowledged:
            found.append(f"{key}: {page.acknowledged - count} of {page.acknowledged} are lost")
        elif count > page.acknowledged + page.unanswered:
            found.append(f"{key}: {count - page.acknowledged - page.unanswered} counted twice")
    return found


def main() -> None:
    """Run a soak and print what it came to; exit code 1 if it was not passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--every", type=float, nargs=2, default=(20, 40))
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outcome", type=Path, help="a file to write it to")
    asked = parser.parse_args()
    plan = Plan(asked.minutes * 60, (asked.every[0], asked.every[1]), asked.rate, asked.seed)
    with tempfile.TemporaryDirectory(prefix="gatecount-soak-") as folder:
        outcome = soak(plan, Path(folder))
    told = json.dumps(asdict(outcome), indent=2)
    print(told)
    if asked.outcome:
        fresh = asked.outcome.with_suffix(".new")
        fresh.write_text(told, encoding="utf-8")
        fresh.rename(asked.outcome)
    if outcome.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
