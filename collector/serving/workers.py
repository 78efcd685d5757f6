"""The processes of `gatecount ingest --workers N`: replaced when they end, and never left alone.

A supervisor that is killed cannot end its workers; they would keep port and chunks with nobody to
replace or stop them. So each asks the kernel to be told of its end.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOG = logging.getLogger("gatecount.workers")

CANNOT_START = 1  # the exit code of a process that has told its operator why
_CHECK_EVERY_S = 0.25
_STEADY_S = 10.0  # whoever lived as long is replaced at once
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def pause_s(lived_s: float, last_pause_s: float) -> float:
    """Return how long to wait before a worker is replaced: the longer, the more often it ends."""
    if lived_s >= _STEADY_S:
        return 0.0
    return min(max(2 * last_pause_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)


@dataclass(slots=True)
class _Place:
    """Where one worker works after the other."""

    number: int  # from 1
    worker: subprocess.Popen[bytes] | None = None
    begun_s: float = 0.0
    pause_s: float = 0.0
    due_s: float = field(default=0.0)  # when the next one is to begin


class Supervisor:
    """Keeps a number of worker processes on one listening socket until a signal comes.

    Args:
        command: what a worker is; the number of its place is added.
        descriptor: of the socket, which all inherit.
    """

    def __init__(self, command: Sequence[str], descriptor: int, workers: int) -> None:
        self._command = command
        self._descriptor = descriptor
        self._places = [_Place(number + 1) for number in range(workers)]
        self._stopping = threading.Event()

    def run(self) -> bool:
        """Supervise until SIGTERM or SIGINT; False at once when a worker could not start.

        It has said why, and the next could not either.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        try:
            while not self._stopping.is_set():
                if not all(self._is_kept(place, time.monotonic()) for place in self._places):
                    return False
                self._stopping.wait(_CHECK_EVERY_S)
        finally:
            self._end()
        return True

    def _is_kept(self, place: _Place, now_s: float) -> bool:
        """See to it that there is a worker, or will be; False when it could not start."""
        worker = place.worker
        if worker is not None and (code := worker.poll()) is not None:
            if code == CANNOT_START:
                return False
            _LOG.warning("worker_ended", extra={"seconds": round(now_s - place.begun_s)})
            place.worker = None
            place.pause_s = pause_s(now_s - place.begun_s, place.pause_s)
            place.due_s = now_s + place.pause_s
        if place.worker is None and now_s >= place.due_s:
            command = [*self._command, "--place", str(place.number)]
            place.worker = subprocess.Popen(command, pass_fds=(self._descriptor,))  # noqa: S603 - ours
            place.begun_s = now_s
        return True

    def _end(self) -> None:
        workers = [place.worker for place in self._places if place.worker is not None]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def end_with(supervisor: int) -> None:
    """Let this process end, as by SIGTERM, once the process that started it has: prctl(2).

    Raises:
        SystemExit: it has already.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor:  # it ended before anybody could be told of it
        raise SystemExit


def keep_to_a_core(place: int) -> None:
    """Let this process run on one core, another one for each place while there are enough.

    Its two threads take turns with the interpreter, and on two cores each turn wakes the other one:
    two workers took 5,600 events a second so, and 8,000 with a core each (tests/bench/ingest.py).
    """
    with contextlib.suppress(OSError):  # where the system does not allow it, it is as before
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[-place % len(cores)]})
