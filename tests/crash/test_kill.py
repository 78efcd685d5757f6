"""kill -9 under load: what was acknowledged counts once, and nothing counts twice."""

import time

from tests.crash.nursery import Nursery
from tests.crash.witness import Witness, around_today, chance, register, repeating
from tests.serving import SITE, Installation, Server

KILLS = 16
LATEST_S = 0.4  # after the load began: some turns of the keeper, many of the journal
CONNECTIONS = 3
WORKERS = 2
DAYS = around_today()


def die(server: Server, witness: Witness, shown_by: Server, moment_s: float) -> None:
    """Kill a server under load, which began some time before with the first acknowledged event."""
    with server.visitor() as first:
        assert witness.post(first, SITE) == 202
    with repeating(
        witness.reading(shown_by, SITE, *DAYS),
        *(witness.posting(server, SITE) for _ in range(CONNECTIONS)),
    ):
        time.sleep(moment_s)
        server.kill()


def test_kills_at_any_moment_lose_and_repeat_nothing(nurse: Nursery, here: Installation) -> None:
    """One data directory through many kills under load, and some while a server starts."""
    rng, witness = chance(1), Witness()
    register(here, {SITE: "UTC"})
    for _ in range(KILLS):
        with nurse.serving(here) as server:
            witness.check(server, SITE, *DAYS)
            die(server, witness, server, rng.uniform(0.0, LATEST_S))
            assert "unreadable" not in server.said()
        if rng.random() < 0.3:  # the next one is loading what the killed has left
            with nurse.born(here):
                time.sleep(rng.uniform(0.0, 0.3))
    with nurse.serving(here) as server:
        witness.check(server, SITE, *DAYS)
        shown = witness.look(server, SITE, *DAYS)
        assert witness.total(server, SITE, *DAYS) == len(shown)
    assert len(witness.acknowledged[SITE]) > 5 * KILLS


def test_killed_workers_lose_and_repeat_nothing(nurse: Nursery, here: Installation) -> None:
    """Processes that only take events die, while the one that loads them sees it happen."""
    rng, witness = chance(2), Witness()
    register(here, {SITE: "UTC"})
    with nurse.serving(here) as server:
        with here.serving("--workers", str(WORKERS), command="ingest") as workers:
            die(workers, witness, server, rng.uniform(0.0, LATEST_S))
        witness.check(server, SITE, *DAYS)
        shown = witness.look(server, SITE, *DAYS)
        assert witness.total(server, SITE, *DAYS) == len(shown)
