"""Servers that are born warm, so that a test can afford to kill many.

Most of a start is imports and the compiling of lists, the same each time. A nursery does that once
and forks: each server is a process of its own, leader of its own group, with nothing open yet.

    with nursery() as nurse, nurse.serving(here, clock) as server:
        ...

It can also live in a time of its own, which passes as a `Clock` says. The time since boot, against
which the program checks its clock, keeps pace: nothing looks like a clock that was set.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from tests.crash.moved.sitecustomize import Moved, boot_time_s
from tests.serving import ROOT, STOP_DEADLINE_S, USER_AGENT, Installation, Server

_LOAD_EVERY_S = 0.1  # more turns of the keeper, so more moments to die at


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is for servers that share a file of three numbers: `at_s boot_s speed`.

    When the machine had been up for `boot_s` seconds it was `at_s` by the wall, and from then on
    time passes `speed` times as fast.
    """

    file: Path

    def turn(self, to: datetime, speed: float = 1.0) -> None:
        """Let it be another time, at once also for servers that run."""
        now_s = boot_time_s(time.CLOCK_BOOTTIME)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{to.timestamp()!r} {now_s!r} {speed!r}")
        fresh.rename(self.file)

    def now(self) -> datetime:
        """Return what time it is."""
        return datetime.fromtimestamp(Moved(self.file)(), UTC)


class _Born:
    """As much of `Popen` as a `Server` asks for, of a process that another one is parent of."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        return 0 if self._has_ended(0) else None

    def wait(self, timeout: float) -> int:
        """Return once it ended; how, only its parent knows."""
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired("a server", timeout)
        return 0

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)

    def close(self) -> None:
        os.close(self._descriptor)

    def _has_ended(self, timeout_s: float) -> bool:
        return bool(select.select([self._descriptor], [], [], timeout_s)[0])


@dataclass(frozen=True, slots=True)
class Nursery:
    """Bears servers of any installation."""

    _parent: subprocess.Popen[str]

    @contextlib.contextmanager
    def born(self, here: Installation, clock: Clock | None = None) -> Iterator[Server]:
        """Start a server and wait for nothing; kill it in the end.

        Args:
            here: where its files are.
            clock: the time it lives in, if not everybody's.
        """
        output = here.logs / f"{len(list(here.logs.iterdir())):04}.log"
        output.touch()
        environment = here.environment(GATECOUNT_FLOOD_LIMIT="1000000")
        wanted = [str(here.data), str(output), str(clock.file) if clock else "", environment]
        assert self._parent.stdin
        assert self._parent.stdout
        print(json.dumps(wanted), file=self._parent.stdin, flush=True)
        process = _Born(int(self._parent.stdout.readline()))
        # `Server` uses nothing of it that is not there.
        server = Server(cast("subprocess.Popen[bytes]", process), output, here.data)
        try:
            yield server
        finally:
            server.kill()
            process.close()

    @contextlib.contextmanager
    def serving(self, here: Installation, clock: Clock | None = None) -> Iterator[Server]:
        """Run a healthy server; stop it in the end. Arguments are those of `born`."""
        with self.born(here, clock) as server:
            server.wait_for_health()
            yield server
            server.terminate()


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """Warm up, then bear servers for as long as the context lasts."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.nursery"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:  # it ends when nobody can ask for more
        yield Nursery(parent)
    assert parent.wait(STOP_DEADLINE_S) == 0


def _main() -> None:
    """Bear what standard input asks for, a line each; answer with the process's id."""
    _warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _live(*json.loads(line))
        os.setpgid(pid, pid)  # it does so itself, but may be killed before it comes to that
        print(pid, flush=True)


def _warm_up() -> None:
    """Do what every start does, as far as it opens nothing."""
    import duckdb  # noqa: PLC0415 - a test needs none

    from collector import anonymise, bots, hosts, owner  # noqa: F401, PLC0415 - a test needs none

    anonymise.device(USER_AGENT)
    bots.is_bot(USER_AGENT)
    hosts.registrable_domain("example.com")
    duckdb.default_connection().close()  # which has a thread, and is opened by the import
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread does not survive a fork"


def _live(data: str, output: str, clock: str, environment: dict[str, str]) -> None:
    """Be a server to the end, which is the end of the process."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sink = os.open(output, os.O_WRONLY | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, stands_for in ((nothing, 0), (sink, 1), (sink, 2)):
            os.dup2(descriptor, stands_for)
        os.environ.clear()
        os.environ.update(environment)
        _serve(data, Moved(Path(clock)) if clock else None)
        code = 0
    finally:
        os._exit(code)


def _serve(data: str, clock: Moved | None) -> None:
    """Do as `gatecount serve --port 0` does, by another clock and with a restless keeper."""
    from collector import compose, config, keeper, log, server  # noqa: PLC0415 - a test needs none

    os.umask(0o077)
    if clock:
        time.clock_gettime = lambda _: clock()
    keeper._LOAD_EVERY_S = _LOAD_EVERY_S  # noqa: SLF001 - no option, since nobody else needs one
    options = config.load(None, os.environ, {"data": data, "port": "0"}).config
    log.set_up(options.log_level)
    bound = server.listen(options.host, options.port)
    with compose.collector_and_dashboard(options, clock or time.time) as composed:
        print(f"Dashboard  http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
        server.serve(composed.app, bound, composed.short_cuts)


if __name__ == "__main__":
    _main()
