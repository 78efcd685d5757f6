"""kill -9 between an erasure and what follows from it: what was taken back does not come back."""

import time
from datetime import UTC, datetime
from itertools import count

from tests.crash.nursery import Clock, Nursery
from tests.crash.witness import chance
from tests.serving import BROWSER_HEADERS, Installation, Server, pageview, wait_until

KILLS = 5
LATEST_S = 0.25  # after the last answer: the keeper turns every tenth of a second
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_numbers = count()


def visit(server: Server, address: str) -> set[str]:
    """Open a few pages that nobody else opens; return them."""
    pages = {f"/{next(_numbers)}" for _ in range(3)}
    with server.visitor({"X-Forwarded-For": address}) as visitor:
        assert {visitor.post(pageview(page)).status for page in pages} == {202}
    return pages


def erase(server: Server, address: str) -> None:
    """Have somebody take back what they contributed."""
    headers = {**BROWSER_HEADERS, "X-Forwarded-For": address}
    assert server.ask("POST", "/erase", b"", headers).status == 200


def shown(server: Server) -> set[str]:
    """Return the pages of today that readers are shown, each once."""
    rows = server.query(
        dimensions=["event:page"], metrics=["pageviews", "visits"], date_range="day"
    )
    assert all(row["metrics"] == [1, 1] for row in rows)
    return {row["dimensions"][0] for row in rows}


def test_what_was_taken_back_stays_away_through_kills(nurse: Nursery, here: Installation) -> None:
    """Erased before or after the kill, in the same chunk or a later one; and loaded again."""
    clock, rng = Clock(here.folder / "clock"), chance(5)
    clock.turn(NOON)
    here.add_site()
    kept: set[str] = set()
    undecided: set[str] = set()  # pages of the visitor of the last round, who may still erase them
    for number in range(KILLS):
        who, before = f"192.0.2.{number}", f"192.0.2.{number - 1}"
        with nurse.serving(here, clock) as server:
            if rng.random() < 0.5:
                erase(server, before)  # in another chunk than the events
            else:
                kept |= undecided
            kept |= visit(server, "198.51.100.1")
            undecided = visit(server, who)
            time.sleep(rng.uniform(0, LATEST_S) * rng.randrange(2))  # some of it is loaded
            if rng.random() < 0.5:
                erase(server, who)
                undecided = visit(server, who)  # and is counted again
            time.sleep(rng.uniform(0, LATEST_S))
            server.kill()
    kept |= undecided
    with nurse.serving(here, clock) as server:
        wait_until(lambda: shown(server) == kept, "what nobody took back")
    for file in here.data.glob("live.duckdb*"):
        file.unlink()
    with nurse.serving(here, clock) as server:
        wait_until(lambda: shown(server) == kept, "the same, out of the journal again")
