"""What visitors take back is gone, however events and erasures come to be loaded, or loaded again.

The model is two lines of plain Python: an event counts unless an erasure of its visitor and day is
no earlier. Where the two stand in the journal, and when they are loaded, does not matter.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.journal import Erasure, Event
from tests import oracle
from tests.chance import examples
from tests.house import LIVE_EVENTS, LIVE_VISITS, House, at_us, event, house
from tests.marks import check_marks

EVENING = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)  # the second day begins in the middle
STEPS = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 10, 29, 31, 45))
NAMES = ("pageview", "pageview", "engagement", "sign up", "erase", "erase")
DELAYS = (0, 0, 0, 1, 5, 20)
MICROSECOND = timedelta(microseconds=1)
SEALABLE = datetime(2026, 12, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """What one visitor does next, and in which order that comes to be loaded."""

    site: int
    visitor: int
    after: timedelta  # since anybody's last step
    name: str  # of an event, or "erase"
    delay: int  # how many later steps overtake it on the way to the journal
    process: int  # whose chunk it goes to
    then: str  # "", "load" or "finish"


steps = st.builds(
    Step,
    site=st.integers(0, 1),
    visitor=st.integers(0, 2),
    after=st.sampled_from(STEPS),
    name=st.sampled_from(NAMES),
    delay=st.sampled_from(DELAYS),
    process=st.integers(0, 2),
    then=st.sampled_from([*[""] * 6, "load", "load", "finish"]),
)


def records(plan: list[Step], sites: list[int]) -> list[Event | Erasure]:
    """Return the journal's record of each step; no two are of the same moment."""
    now = EVENING
    made: list[Event | Erasure] = []
    for number, step in enumerate(plan):
        now += step.after + MICROSECOND
        token = 2**64 - 1 - step.visitor  # the visitors of two sites share one
        found = event(
            sites[step.site], now, token=token, name=step.name, path=f"/of-step-{number}/"
        )
        if step.name == "erase":
            made.append(Erasure(found.site, found.date, token, found.at_us))
        else:
            made.append(found)
    return made


def left(made: list[Event | Erasure]) -> list[Event]:
    """Return the events that nobody took back."""
    erasures = [each for each in made if isinstance(each, Erasure)]
    return [
        each
        for each in made
        if isinstance(each, Event)
        and not any(
            (e.site, e.date, e.token) == (each.site, each.date, each.token)
            and e.at_us >= each.at_us
            for e in erasures
        )
    ]


def check_live(here: House, sites: list[int], expected: list[Event]) -> None:
    """Compare events and visits of the live store with those of the model."""
    found = here.rows(
        "SELECT site, date::VARCHAR, token, at_us, path"
        f" FROM {LIVE_EVENTS}"
        " WHERE site IN (SELECT unnest($sites))",
        sites=sites,
    )
    assert sorted(found) == sorted((e.site, e.date, e.token, e.at_us, e.path) for e in expected)
    visits = here.rows(
        "SELECT site, date::VARCHAR, token, started_at_us, duration_s, pageviews, events,"
        f" is_bounce, entry_page, exit_page FROM {LIVE_VISITS}"
        " WHERE site IN (SELECT unnest($sites))",
        sites=sites,
    )
    assert sorted(visits) == sorted(
        (*v.visitor, v.first.at_us, v.duration_s, len(v.pageviews), len(v.actions), v.is_bounce,
         v.entry_page, v.exit_page)
        for v in oracle.visits(expected)
    )  # fmt: skip


def live_through(
    here: House, sites: list[int], plan: list[Step], made: list[Event | Erasure]
) -> None:
    """Write each step to the journal in the order of arrival; load and look in between."""
    written: list[Event | Erasure] = []
    for place in sorted(range(len(plan)), key=lambda place: (place + plan[place].delay, place)):
        here.append(str(plan[place].process), made[place])
        written.append(made[place])
        if plan[place].then == "load":
            here.loader.load()
            check_live(here, sites, left(written))
        elif plan[place].then == "finish":
            here.finish()
    here.finish()
    here.loader.load()
    check_live(here, sites, left(made))
    check_marks(here)


@pytest.fixture(name="standing", scope="module")
def open_house(ram_of_module: Path) -> Iterator[House]:
    """Open a data directory for all examples, each of which has sites of its own."""
    with house(ram_of_module) as here:
        yield here


@examples(16, of_any_size=True)
@given(st.lists(steps, min_size=6, max_size=50))
def test_what_was_taken_back_is_gone_in_any_order(standing: House, plan: list[Step]) -> None:
    """However it comes to be loaded: before the events, after them, or out of another chunk."""
    first = len(standing.control.sites())
    sites = [standing.site(f"example{first + number}.com") for number in range(2)]
    live_through(standing, sites, plan, records(plan, sites))


def test_what_was_taken_back_does_not_come_back(ram: Path) -> None:
    """When the live store is made again from the journal, and once the days are sealed."""
    chance = random.Random(3)
    plan = [
        Step(
            site=chance.randrange(2),
            visitor=chance.randrange(3),
            after=chance.choice(STEPS),
            name=chance.choice(NAMES),
            delay=chance.choice(DELAYS),
            process=chance.randrange(3),
            then="load" if chance.random() < 0.05 else "",
        )
        for _ in range(120)
    ]
    with house(ram) as here:
        sites = [here.site(f"example{number}.com") for number in range(2)]
        made = records(plan, sites)
        expected = left(made)
        assert 20 < len(expected) < len([e for e in made if isinstance(e, Event)]) - 20
        live_through(here, sites, plan, made)
    for file in ram.glob("live.duckdb*"):
        file.unlink()
    with house(ram) as again:
        again.loader.load()
        check_live(again, sites, expected)
        again.sealer.seal_due(SEALABLE)
        check_sealed(again, expected, made)


def check_sealed(here: House, expected: list[Event], made: list[Event | Erasure]) -> None:
    """Compare the archive with the model, and look for what is left of the rest."""
    found = here.rows(
        "SELECT site, date::VARCHAR, name, path FROM archive.events"
        " JOIN archive.pages USING (site, page)"
    )
    actions = [e for e in expected if e.name != "engagement"]
    assert sorted(found) == sorted((e.site, e.date, e.name, e.path) for e in actions)
    assert here.rows("SELECT count(*) FROM live.erasures") == [(0,)]
    assert not list(here.journal.iterdir())
    on_disk = here.bytes_on_disk()
    kept = {e.path for e in expected}
    gone = {e.path for e in made if isinstance(e, Event)} - kept
    assert not [path for path in gone if path.encode() in on_disk]


def test_the_model_tells_what_was_taken_back_from_what_was_not() -> None:
    """By visitor, site, day and moment."""
    first, second = (event(1, EVENING + n * MICROSECOND, token=7) for n in (1, 2))
    others = [event(1, EVENING, token=8), event(2, EVENING, token=7)]
    now_us = at_us(EVENING)
    erasures = [Erasure(1, "2026-11-24", 7, now_us + 1), Erasure(1, "2026-11-25", 7, now_us + 9)]
    assert left([first, second, *others, *erasures]) == [second, *others]
