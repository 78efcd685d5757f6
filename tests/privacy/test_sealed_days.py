"""What is sealed holds no token, no time finer than the hour, and no order of arrival."""

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.house import event, house
from tests.privacy.canaries import Canary, Needle, needles
from tests.privacy.places import files, leaks, rows

if TYPE_CHECKING:
    from collector.journal import Event

DAY = datetime(2026, 11, 24, tzinfo=UTC)
LATER = DAY + timedelta(days=2)
VISITORS = 400
# Of 400 visitors in a random order: six standard deviations, once in 500 million.
_CHANCE = 0.3
_TOKEN_BYTES = 8
_MINUTE = timedelta(minutes=1)

Rows = Counter[frozenset[tuple[object, ...]]]


class _Day:
    """A day's events: the same each time, but for what sealing must make alike.

    These are the tokens, the order of arrival, and where within its hour a visit lies: `seed` sets
    them. `leak` names what a property of an event tells of them all the same.
    """

    def __init__(self, seed: int, leak: str = "", visitors: int = VISITORS) -> None:
        chance = random.Random(seed)
        self.tokens = [chance.getrandbits(64) for _ in range(visitors)]
        self.by_token = sorted(range(visitors), key=self.tokens.__getitem__)
        self.arrival = chance.sample(range(visitors), visitors)
        within_hour = [chance.randrange(40 * 60 * 1000) for _ in range(visitors)]
        self.events: list[Event] = []
        for visitor in self.arrival:
            begin = DAY + timedelta(hours=visitor % 24, milliseconds=within_hour[visitor])
            for step, name in enumerate(("pageview", "engagement", "Sign-up", "pageview")):
                at = begin + step * _MINUTE
                props = {"at": at.isoformat(), "token": str(self.tokens[visitor])}
                self.events.append(
                    event(
                        1,
                        at,
                        self.tokens[visitor],
                        name,
                        f"/a/{visitor}" if name != "Sign-up" else "/b",
                        country="DE" if visitor % 3 else "FR",
                        engaged_s=7 if name == "engagement" else 0,
                        props={leak: props[leak]} if leak and name == "Sign-up" else {},
                    )
                )

    def sought(self) -> list[Needle]:
        """Return every form of some of its tokens."""
        return [
            needle
            for token in self.tokens[:20]
            for needle in needles(Canary("token", {}, {"": token.to_bytes(_TOKEN_BYTES, "big")}))
        ]


def _sealed(folder: Path, day: _Day) -> Path:
    folder.mkdir()
    with house(folder) as here:
        here.site()
        here.load(*day.events)
        assert here.sealer.seal_due(LATER) == 1
    return folder


def _shown(folder: Path) -> dict[str, Rows]:
    """Return what the archive says of each visitor, without their random number."""
    with duckdb.connect(folder / "archive.duckdb") as connection:
        return {table: _by_visitor(connection, table) for table in ("visits", "events")}


def _by_visitor(connection: duckdb.DuckDBPyConnection, table: str) -> Rows:
    said: dict[int, set[tuple[object, ...]]] = {}
    found = connection.execute(
        f"SELECT visitor, COLUMNS(* EXCLUDE (visitor))::VARCHAR FROM {table}"
    )
    for visitor, *values in found.fetchall():
        said.setdefault(visitor, set()).add(tuple(values))
    return Counter(map(frozenset, said.values()))


@pytest.fixture(name="day", scope="module")
def make_day() -> _Day:
    """Return a day that tests only read."""
    return _Day(1)


@pytest.fixture(name="sealed", scope="module")
def seal(ram_of_module: Path, day: _Day) -> Path:
    """Seal it once for all; tests that change the archive copy it."""
    return _sealed(ram_of_module / "sealed", day)


def test_two_days_that_differ_within_the_hour_are_sealed_alike(
    ram: Path, day: _Day, sealed: Path
) -> None:
    """Other tokens, another order, other minutes: afterwards one cannot be told from the other."""
    other = _Day(2)
    assert day.arrival != other.arrival
    assert {e.at_us for e in day.events}.isdisjoint(e.at_us for e in other.events)
    shown = _shown(sealed)
    assert sum(shown["visits"].values()) == VISITORS
    assert shown == _shown(_sealed(ram / "other", other))


@pytest.mark.parametrize("leak", ["at", "token"])
def test_a_time_or_token_that_outlived_sealing_would_be_noticed(ram: Path, leak: str) -> None:
    """In whatever column it went on."""
    days = [_Day(seed, leak, visitors=24) for seed in (1, 2)]
    one, other = (_shown(_sealed(ram / str(n), day)) for n, day in enumerate(days))
    assert one["visits"] == other["visits"]
    assert one["events"] != other["events"]


def test_no_token_is_left_anywhere_once_the_day_is_sealed(ram: Path, day: _Day) -> None:
    """Before, they are in the journal and in the live store, where the same search finds them."""
    with house(ram) as here:
        here.site()
        here.load(*day.events)
    unsealed = {leak.place for leak in leaks((*files(ram), *rows(ram)), day.sought())}
    assert unsealed >= {"journal/000001.jsonl", "live.duckdb: main.events"}
    with house(ram) as here:
        assert here.sealer.seal_due(LATER) == 1
    assert leaks((*files(ram), *rows(ram)), day.sought()) == []


def test_a_token_in_the_archive_would_be_found(ram: Path, day: _Day, sealed: Path) -> None:
    """As a number in a column, which a search of the file's bytes may miss."""
    path = Path(shutil.copy(sealed / "archive.duckdb", ram))
    with duckdb.connect(path) as connection:
        connection.execute("ALTER TABLE visits ADD COLUMN token UBIGINT")
        connection.execute("UPDATE visits SET token = $1 WHERE visitor = 7", [day.tokens[0]])
    found = leaks(rows(ram), day.sought())
    assert ("token", "as a number", "archive.duckdb: main.visits") in found


def _positions(archive: Path, table: str, page: str) -> dict[int, int]:
    """Return where each visitor's first row lies in a table, by the number in their page's path."""
    with duckdb.connect(archive) as connection:
        lies = connection.execute(
            f"SELECT path[4:]::INTEGER, min(t.rowid) FROM {table} t"
            f" JOIN pages p ON p.site = t.site AND p.page = t.{page} WHERE path[:3] = '/a/'"
            " GROUP BY ALL"
        ).fetchall()
    return dict(lies)


def _is_told_by(order: Sequence[int], positions: dict[int, int]) -> bool:
    """Tell whether an order of the visitors shows in where their rows lie (Spearman's rho)."""
    lies = sorted(positions, key=positions.__getitem__)
    rank = {visitor: place for place, visitor in enumerate(order)}
    differences = sum((rank[visitor] - place) ** 2 for place, visitor in enumerate(lies))
    rho = 1 - 6 * differences / (VISITORS * (VISITORS**2 - 1))
    return abs(rho) > _CHANCE


@pytest.mark.parametrize(("table", "page"), [("visits", "entry_page"), ("events", "page")])
def test_rows_lie_in_an_order_that_says_nothing_of_arrival(
    ram: Path, day: _Day, sealed: Path, table: str, page: str
) -> None:
    """Nor of the tokens; and sealing the same day again gives another order."""
    positions = _positions(sealed / "archive.duckdb", table, page)
    assert len(positions) == VISITORS
    assert not _is_told_by(day.arrival, positions)
    assert not _is_told_by(day.by_token, positions)
    if table == "visits":  # while events lie page by page
        again = _positions(_sealed(ram / "again", day) / "archive.duckdb", table, page)
        assert not _is_told_by(sorted(positions, key=positions.__getitem__), again)


def test_rows_lie_in_the_order_of_what_they_say_and_of_the_visitors_numbers(sealed: Path) -> None:
    """So their places say no more than they do."""
    orders = {
        "visits": "mark > 1, visitor, visit",
        "events": "name <> 'pageview', name, page, arrival, visitor",
    }
    with duckdb.connect(sealed / "archive.duckdb") as connection:
        for table, order in orders.items():
            found = connection.execute(f"SELECT visitor, ({order}) FROM {table} ORDER BY rowid")
            visitors, lies = zip(*found.fetchall(), strict=True)
            assert list(lies) == sorted(lies)
            assert set(visitors) == set(range(1, VISITORS + 1))


@pytest.mark.parametrize("told", ["arrival", "by_token"])
def test_an_order_that_tells_would_be_noticed(
    ram: Path, day: _Day, sealed: Path, told: str
) -> None:
    """Even when it is only roughly kept."""
    order: list[int] = getattr(day, told)
    chance = random.Random(8)
    roughly = [(visitor, place + chance.randrange(VISITORS)) for place, visitor in enumerate(order)]
    archive = Path(shutil.copy(sealed / "archive.duckdb", ram))
    with duckdb.connect(archive) as connection:
        connection.execute(
            "CREATE TABLE places AS SELECT unnest($1) AS visitor, unnest($2) AS place",
            [list(values) for values in zip(*roughly, strict=True)],
        )
        connection.execute(
            "CREATE TABLE again AS SELECT v.* FROM visits v"
            " JOIN pages e ON e.site = v.site AND e.page = v.entry_page"
            " JOIN places p ON p.visitor = e.path[4:]::INTEGER ORDER BY place"
        )
    assert _is_told_by(order, _positions(archive, "again", "entry_page"))
