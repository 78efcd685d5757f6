"""kill -9 under load: what was acknowledged counts once, and nothing counts twice."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.crash.nursery import Nursery
from tests.crash.witness import Witness, chance, repeating
from tests.serving import SITE, Installation, Server, around_today, wait_until

KILLS = 16
LATEST_S = 0.4  # after the load began: some turns of the keeper, many of the journal
EVENTS_A_KILL = 6  # and more where there is time for more
CONNECTIONS = 3
WORKERS = 2
DAYS = around_today()


def die(
    server: Server,
    witness: Witness,
    shown_by: Server,
    moment_s: float,
    enough: int = 0,
    kill: Callable[[Server], None] = Server.kill,
) -> None:
    """Kill a server under load, which began some time before with the first acknowledged event.

    On a slow machine later than that: not before there were as many events in all as is enough.
    """
    with server.visitor() as first:
        assert witness.post(first, SITE) == 202
    with repeating(
        witness.reading(shown_by, SITE, *DAYS),
        *(witness.posting(server, SITE) for _ in range(CONNECTIONS)),
    ):
        time.sleep(moment_s)
        wait_until(lambda: witness.count() >= enough, f"{enough} events")
        kill(server)


def test_kills_at_any_moment_lose_and_repeat_nothing(nurse: Nursery, here: Installation) -> None:
    """One data directory through many kills under load, and some while a server starts."""
    rng, witness = chance(1), Witness()
    here.add_site()
    for number in range(1, KILLS + 1):
        with nurse.serving(here) as server:
            witness.check(server, SITE, *DAYS)
            die(server, witness, server, rng.uniform(0.0, LATEST_S), EVENTS_A_KILL * number)
            assert "unreadable" not in server.said()
        if rng.random() < 0.3:  # the next one is loading what the killed has left
            with nurse.born(here):
                time.sleep(rng.uniform(0.0, 0.3))
    with nurse.serving(here) as server:
        witness.check(server, SITE, *DAYS)
        shown = witness.look(server, SITE, *DAYS)
        assert witness.total(server, SITE, *DAYS) == len(shown)
    assert len(witness.acknowledged[SITE]) >= EVENTS_A_KILL * KILLS


def workers_of(server: Server) -> list[int]:
    """Return the processes of a server's group other than its leader, which may have ended."""
    leader, found = server.process.pid, []
    for path in Path("/proc").glob("[0-9]*"):
        number = int(path.name)
        try:
            if number != leader and os.getpgid(number) == leader:
                found.append(number)
        except ProcessLookupError:  # it ended meanwhile
            continue
    return found


def kill_one(server: Server) -> None:
    """Kill one worker."""
    os.kill(min(workers_of(server)), signal.SIGKILL)


def kill_supervisor(server: Server) -> None:
    """Kill the supervisor alone, and see the workers end."""
    assert len(workers_of(server)) == WORKERS
    server.process.kill()
    server.process.wait()
    wait_until(lambda: not workers_of(server), "the end of all workers")


def test_killed_workers_lose_and_repeat_nothing(nurse: Nursery, here: Installation) -> None:
    """One of the processes that only take events, and, once replaced, whom they belong to.

    The one that loads what they took sees it happen.
    """
    rng, witness = chance(2), Witness()
    here.add_site()
    with nurse.serving(here) as server:
        with here.serving("--workers", str(WORKERS), command="ingest") as ingest:
            wait_until(lambda: len(workers_of(ingest)) == WORKERS, "all workers")
            first = workers_of(ingest)
            die(ingest, witness, server, rng.uniform(0.0, LATEST_S), kill=kill_one)
            wait_until(lambda: len({*workers_of(ingest)} - {*first}) == 1, "a new worker")
            die(ingest, witness, server, rng.uniform(0.0, LATEST_S), kill=kill_supervisor)
        witness.check(server, SITE, *DAYS)
        shown = witness.look(server, SITE, *DAYS)
        assert witness.total(server, SITE, *DAYS) == len(shown)
