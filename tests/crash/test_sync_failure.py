"""A sync that fails ends the process: what it was to make durable is not acknowledged."""

import contextlib
import os
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery
from tests.crash.witness import NO_ANSWER, Witness, repeating
from tests.serving import SITE, STOP_DEADLINE_S, Installation, Server, around_today, wait_until

DAYS = around_today()
CONNECTIONS = 3


def failing_sync(number: int, log: Path) -> list[str]:
    """Return what runs a server of which the sync of that number fails, in each thread.

    strace writes to a file; else it would write between the lines of the server.
    """
    inject = f"inject=fdatasync:error=EIO:when={number}"
    return [
        "strace",
        "-f",
        "-D",
        "--seccomp-bpf",
        "-o",
        str(log),
        "-e",
        "trace=fdatasync",
        "-e",
        inject,
    ]


def exit_code(server: Server) -> int:
    """Wait for the end of a server."""
    return server.process.wait(STOP_DEADLINE_S)


def test_events_are_acknowledged_only_up_to_a_failed_sync(
    nurse: Nursery, here: Installation
) -> None:
    """One after the other, each with a sync of its own, after the first one for the folder.

    Before the first of them SQLite has some of its own, in another thread.
    """
    witness, number, log = Witness(), 30, here.folder / "strace.log"
    here.add_site()
    with here.serving(wrapper=failing_sync(number, log)) as server:
        with contextlib.closing(witness.posting(server, SITE)) as steps, pytest.raises(NO_ANSWER):
            wait_until(lambda: next(steps) is not None)
        assert exit_code(server) == os.EX_IOERR
        assert "journal_sync_failed errno=5" in server.said()
    assert "(INJECTED)" in log.read_text()
    assert 0 < len(witness.acknowledged[SITE]) < number - 1
    assert len(witness.sent[SITE]) == len(witness.acknowledged[SITE]) + 1
    with nurse.serving(here) as server:
        witness.check(server, SITE, *DAYS)


def test_a_failed_sync_under_load_loses_and_repeats_nothing(
    nurse: Nursery, here: Installation
) -> None:
    """Many events wait for the sync that fails; none of them is acknowledged."""
    witness, log = Witness(), here.folder / "strace.log"
    here.add_site()
    with here.serving(wrapper=failing_sync(40, log)) as server:
        with repeating(*(witness.posting(server, SITE, 0.0) for _ in range(CONNECTIONS))):
            assert exit_code(server) == os.EX_IOERR
        assert "(INJECTED)" in log.read_text()
    assert 0 < len(witness.sent[SITE] - witness.acknowledged[SITE]) <= CONNECTIONS
    with nurse.serving(here) as server:
        witness.check(server, SITE, *DAYS)
        assert witness.total(server, SITE, *DAYS) == len(witness.look(server, SITE, *DAYS))
