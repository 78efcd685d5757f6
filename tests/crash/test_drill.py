"""The restore drill: a data directory is lost, and comes back as it was when it was backed up."""

import shutil
from datetime import UTC, date, datetime, timedelta

from collector.seal import SEAL_AFTER
from tests.crash.nursery import Clock, Nursery
from tests.crash.witness import Witness, repeating
from tests.serving import SITE, Installation, Server, wait_until

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
THE_DAY = (NOON.date(), NOON.date())
BOTH_DAYS = (NOON.date(), NOON.date() + timedelta(days=1))
CONNECTIONS = 3
_METRICS = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]


def numbers(server: Server, *days: date) -> list[dict[str, object]]:
    """Return what readers are shown of a site by page."""
    said = [day.isoformat() for day in days]
    return server.query(dimensions=["event:page"], metrics=_METRICS, date_range=said)


def test_what_is_lost_comes_back_as_of_the_backup(nurse: Nursery, here: Installation) -> None:
    """Backed up under load: the sealed day to the last number, and of the day that is not over
    all that was acknowledged before, and nothing that was sent after.
    """
    witness, clock, target = Witness(), Clock(here.folder / "clock"), here.folder / "backup"
    clock.turn(NOON)
    here.add_site()
    with nurse.serving(here, clock) as server:
        with server.visitor() as visitor:
            assert {witness.post(visitor, SITE) for _ in range(20)} == {202}
        clock.turn(NOON + timedelta(hours=12) + SEAL_AFTER, speed=60.0)
        wait_until(lambda: "day_sealed" in server.said(), "the sealing of the first day")
        clock.turn(clock.now())
        sealed = numbers(server, *THE_DAY)
        with repeating(*(witness.posting(server, SITE) for _ in range(CONNECTIONS))):
            wait_until(lambda: witness.count() > 200, "some load")
            before = set(witness.acknowledged[SITE])
            said = here.gatecount("backup", str(target), "--unsealed")
            sent = set(witness.sent[SITE])
            wait_until(lambda: witness.count() > len(sent) + 100, "what is to be lost")
        assert "chunks of the journal" in said
    shutil.rmtree(here.data)
    assert f"Restored to {here.data}" in here.gatecount("restore", str(target))
    lost = Witness(sent=witness.sent)
    lost.acknowledged[SITE] = before
    with nurse.serving(here, clock) as server:
        lost.check(server, SITE, *BOTH_DAYS)
        assert lost.look(server, SITE, *BOTH_DAYS) <= sent
        assert numbers(server, *THE_DAY) == sealed
        assert len(sealed) == 20
