"""The witness of all these tests notices what must not happen."""

import shutil

import pytest

from collector import journal
from tests.crash.nursery import Nursery
from tests.crash.witness import Witness
from tests.serving import SITE, Installation, Server, around_today, wait_until

DAYS = around_today()


def posted(server: Server, witness: Witness, count: int) -> None:
    """Post events and wait until they are shown."""
    with server.visitor() as visitor:
        assert {witness.post(visitor, SITE) for _ in range(count)} == {202}
    witness.check(server, SITE, *DAYS)


def test_a_witness_notices_an_event_that_counts_twice_or_was_not_sent(
    nurse: Nursery, here: Installation
) -> None:
    """Here because a chunk is there twice, under two names, and because another one sent it."""
    witness = Witness()
    here.add_site()
    with nurse.serving(here) as server:
        posted(server, witness, 3)
        with pytest.raises(AssertionError, match="never sent"):
            Witness().look(server, SITE, *DAYS)
        (chunk,) = journal.chunks(here.data / "journal")
        shutil.copy(chunk, chunk.with_name(f"again{journal.SUFFIX}"))
        with pytest.raises(AssertionError, match="counted twice"):
            wait_until(lambda: not witness.look(server, SITE, *DAYS))


def test_a_witness_notices_an_event_that_is_shown_no_more(
    nurse: Nursery, here: Installation
) -> None:
    """Here because somebody threw away chunk and live store."""
    witness = Witness()
    here.add_site()
    with nurse.serving(here) as server:
        posted(server, witness, 3)
        server.kill()
    shutil.rmtree(here.data / "journal")
    for file in here.data.glob("live*"):
        file.unlink()
    with nurse.serving(here) as server:
        with pytest.raises(AssertionError, match="shown before"):
            witness.look(server, SITE, *DAYS)
        with pytest.raises(AssertionError, match="3 pageviews"):
            Witness(acknowledged=witness.acknowledged).check(server, SITE, *DAYS, deadline_s=0.1)
