"""A built history is what years of counting leave: sealed days with a rhythm, and nothing else."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collector import config
from collector.config import Config
from collector.control import Control
from collector.made_up import building, history
from collector.made_up.history import HistoryError, Plan
from collector.question import Dimension, Metric, Period, Query
from collector.stats import Stats
from collector.store import Store
from tests.house import SEALED_EVENTS, SEALED_VISITS, House, event, house
from tests.serving import installation

EVENTS, DAYS, SITES = 16_000, 8, 2
NOW = datetime(2026, 11, 25, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def configured(folder: Path) -> Config:
    """Return the configuration of a data directory."""
    return config.load(None, {}, {"data": str(folder)}).config


def rows(folder: Path, text: str) -> list[tuple[Any, ...]]:
    """Ask a data directory's stores."""
    with (
        closing(Store(folder, memory_limit_mib=256, threads=1)) as store,
        store.snapshot() as session,
    ):
        return session.query(text)


@pytest.fixture(scope="module")
def built(ram_of_module: Path) -> Iterator[House]:
    """Build a history by the command, and open what it made."""
    with installation(ram_of_module) as here:
        numbers = ("--events", str(EVENTS), "--days", str(DAYS), "--sites", str(SITES))
        said = here.gatecount("demo", *numbers, "--seed", "7")
        assert "Built. Look at it: gatecount --data " in said
        with house(here.data) as opened:
            yield opened


def by_day(built: House) -> list[tuple[date, int]]:
    """Return the events of each day, oldest first."""
    text = "SELECT date, sum(events)::BIGINT FROM archive.sealed GROUP BY date ORDER BY date"
    return [(day, events) for day, events in built.rows(text)]


def special(built: House) -> tuple[date, date]:
    """Return the day of the spike and that of the robots."""
    days = [day for day, _ in by_day(built)]
    return days[DAYS * 7 // 10], days[DAYS * 4 // 10]


def test_there_are_as_many_events_as_asked_for(built: House) -> None:
    """Pageviews and custom events; engagement has become part of its pageviews."""
    names = dict(built.rows("SELECT name, count(*) FROM archive.events GROUP BY name"))
    assert sum(names.values()) == pytest.approx(EVENTS, rel=0.02)
    assert names["pageview"] > EVENTS * 0.8
    assert "engagement" not in names
    assert len(names) > 5
    ((without, engaged),) = built.rows(
        "SELECT count(*) FILTER (engaged_s = 0), count(*) FILTER (engaged_s > 0 AND scroll > 0)"
        " FROM archive.events WHERE name = 'pageview'"
    )
    assert engaged / (without + engaged) == pytest.approx(0.5, abs=0.1)


def test_every_day_is_sealed_until_yesterday_and_nothing_is_left_live(built: House) -> None:
    """One row of the ledger for each site and day."""
    sealed = built.rows("SELECT site, date, day_keys FROM archive.sealed ORDER BY date, site")
    last = sealed[-1][1]
    assert datetime.now(UTC).date() - last in {DAY, 2 * DAY}  # the second if midnight just passed
    sites = sorted(site.id for site in built.control.sites())
    days = [last - n * DAY for n in reversed(range(DAYS))]
    assert sealed == [(site, day, 1) for day in days for site in sites]
    for table in ("events", "visits", "arrivals", "drops", "day_keys", "ledger", "chunk_days"):
        assert built.rows(f"SELECT count(*) FROM live.{table}") == [(0,)]
    assert built.sealer.due(datetime.now(UTC)) == []


def test_robots_came_on_one_day_only(built: House) -> None:
    """To every site; what they sent is dropped, and nothing else is."""
    _, wave = special(built)
    dropped = built.rows("SELECT date, reason, count FROM archive.drops")
    assert [(day, reason) for day, reason, _ in dropped] == [(wave, "bot")] * SITES
    assert sum(count for *_, count in dropped) > dict(by_day(built))[wave]


def test_weekends_are_quieter_and_one_day_is_a_spike(built: House) -> None:
    """Each Saturday than the Friday before, each Sunday than the Monday after."""
    events = dict(by_day(built))
    spike, _ = special(built)
    assert max(events, key=lambda day: events[day]) == spike
    usual = {day: number for day, number in events.items() if day != spike}
    quieter = [
        usual[quiet] < 0.9 * usual[busy]
        for quiet in usual
        for busy in (quiet + (-DAY if quiet.weekday() == 5 else DAY),)
        if quiet.weekday() >= 5 and busy in usual
    ]
    assert quieter
    assert all(quieter)


def test_nights_are_quiet(built: House) -> None:
    """All hours have visits."""
    hours = dict(built.rows("SELECT hour, count(*) FROM archive.visits GROUP BY hour"))
    assert sorted(hours) == list(range(24))
    assert sum(hours[hour] for hour in range(1, 5)) < sum(hours[hour] for hour in range(9, 13)) / 3


def test_visits_have_one_to_thirty_pages(built: House) -> None:
    """Many have one; some readers come twice."""
    pages = dict(built.rows("SELECT pageviews, count(*) FROM archive.visits GROUP BY pageviews"))
    assert min(pages) == 1
    assert 12 < max(pages) <= 30
    assert pages[1] / sum(pages.values()) == pytest.approx(0.47, abs=0.05)
    assert built.rows("SELECT max(visit) FROM archive.visits") == [(2,)]
    assert built.rows("SELECT max(duration_s) < 7200, min(duration_s) FROM archive.visits") == [
        (True, 0)
    ]


def test_popular_pages_are_read_more_by_far(built: House) -> None:
    """The first of them eight times as often as the twentieth."""
    views = built.rows(
        f"SELECT count(*) FROM {SEALED_EVENTS} WHERE name = 'pageview' GROUP BY path"
        " ORDER BY 1 DESC"
    )
    assert len(views) > 3000
    assert views[0][0] > 8 * views[19][0] > 0


def test_custom_events_have_their_properties(built: House) -> None:
    """And revenue where there is some."""
    kinds = built.rows(
        "SELECT name, any_value(map_keys(props)), count(DISTINCT props), count(revenue)"
        " FROM archive.events WHERE name <> 'pageview' GROUP BY name"
    )
    assert {name: keys for name, keys, *_ in kinds}["Share"] == ["to"]
    assert all(values > 1 for *_, values, _ in kinds if values)
    assert [name for name, *_, paid in kinds if paid] == ["Subscription"]
    ((props,),) = built.rows("SELECT count(props) FROM archive.events WHERE name = 'pageview'")
    assert props == 0


def test_the_dashboards_numbers_answer_over_it(built: House) -> None:
    """By every kind of dimension there are many values, or as many as there are."""
    site = built.control.sites()[0].id
    ((first, last),) = built.rows("SELECT min(date), max(date) FROM archive.sealed")
    assert Stats(built.store).first_date(site) == first
    values = {}
    for dimension in (
        Dimension.PAGE, Dimension.SOURCE, Dimension.CHANNEL, Dimension.UTM_CAMPAIGN,
        Dimension.COUNTRY, Dimension.DEVICE, Dimension.BROWSER, Dimension.SCREEN, Dimension.DAY,
    ):  # fmt: skip
        query = Query(site, (Metric.VISITS,), (dimension,), Period(first, last))
        values[dimension] = len(built.stats.report(query).rows)
    assert values[Dimension.PAGE] > 1000
    assert values[Dimension.SOURCE] > 8
    assert values[Dimension.CHANNEL] >= 6
    assert values[Dimension.UTM_CAMPAIGN] > 1
    assert values[Dimension.COUNTRY] > 15
    assert (values[Dimension.DEVICE], values[Dimension.DAY]) == (3, DAYS)


CONTENT = f"""
    SELECT
        site, date, e.hour, name, path, engaged_s, scroll, props::VARCHAR, duration_s, source,
        country
    FROM {SEALED_EVENTS} e JOIN {SEALED_VISITS} v USING (site, date, visitor, visit)
    ORDER BY ALL
"""
# All that is stored and says nothing about visitors' random numbers.
STORED = (
    CONTENT,
    *(
        f"SELECT * FROM archive.{table} ORDER BY ALL"
        for table in (
            *("page_rollups", "page_spans", "arrival_rollups", "rollups", "rolled_spans"),
            *("drops", "sealed", "pages", "arrivals"),
        )
    ),
)


def test_the_same_seed_gives_the_same_history_and_another_another(ram: Path) -> None:
    """Down to each event, but for the random numbers of visitors."""
    content = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        list(building.build(configured(ram / name), Plan(300, 2, 1, seed), NOW, 1))
        content.append(rows(ram / name, CONTENT))
    assert len(content[0]) > 250
    assert content[0] == content[1]
    # The home page, looked at and left, is the same in any history.
    assert len(set(content[0]) & set(content[2])) < 10


def test_several_processes_build_the_same_as_one(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weeks that lie across their stretches too; nothing else is left over."""
    monkeypatch.setattr(building, "_WORK_OF_A_STRETCH_MIN", 1)
    plan = Plan(events=400, days=5, sites=2, seed=3)
    told, stored, order = [], [], []
    for name, processors in (("one", 1), ("three", 3)):
        told.append(list(building.build(configured(ram / name), plan, NOW, processors)))
        stored.append([rows(ram / name, text) for text in STORED])
        order.append(rows(ram / name, "SELECT site, date FROM archive.visits"))
        assert {path.name for path in (ram / name).iterdir() if path.is_dir()} <= {"journal", "tmp"}
    assert all(table for table in stored[0])
    assert stored[0] == stored[1]
    assert sorted(order[1], key=lambda row: row[1]) == order[1] == order[0]
    one, three = told
    assert {step.what for step in one} == {"Events"}
    for what, steps in (("Events", three), ("Put together", three)):
        sums = [step.events for step in steps if step.what == what]
        (total,) = {step.total for step in steps if step.what == what}
        assert sum(sums) == total
        assert len(sums) > 1


def test_a_process_that_cannot_write_ends_the_building_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are ended too."""
    monkeypatch.setattr(building, "_WORK_OF_A_STRETCH_MIN", 1)
    stretch = tmp_path / "stretch-2"
    stretch.mkdir()
    (stretch / "archive.duckdb").touch()
    with pytest.raises(HistoryError, match=r"archive\.duckdb cannot be read"):
        list(building.build(configured(tmp_path), Plan(100, 10, 1, 1), NOW, 2))
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when memory is short."""
    monkeypatch.setattr(building, "_WORK_OF_A_STRETCH_MIN", 1)
    steps = building.build(configured(tmp_path), Plan(4_000, 400, 1, 1), NOW, 2)
    next(steps)
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(HistoryError, match="ended by signal 9"):
        list(steps)
    assert not multiprocessing.active_children()


def test_a_process_whose_parent_was_killed_ends_quietly(tmp_path: Path) -> None:
    """With the day that it was at."""
    (first, *_) = days = history.days(Plan(100, 3, 1, 1), [1], NOW)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    receiver.close()
    before = signal.getsignal(signal.SIGINT)
    try:
        building._make(sender, building._Stretch(tmp_path, days), NOW, 256)  # noqa: SLF001 - what it is told to run
    finally:
        signal.signal(signal.SIGINT, before)
    assert rows(tmp_path, "SELECT date FROM archive.sealed") == [(first.date,)]


def test_a_directory_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    """By its name, in the words of the system."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    with pytest.raises(HistoryError, match=r"file.*: Not a directory$"):
        list(building.build(configured(folder), Plan(100, 2, 1, 1), NOW, 1))


def test_what_is_yielded_adds_up_and_no_day_is_sealed_in_the_future(ram: Path) -> None:
    """Five minutes after midnight, yesterday was to be sealed half an hour later."""
    steps = building.build(configured(ram), Plan(100, 2, 1, 1), NOW, 1)
    assert sum(step.events for step in steps) == 100
    ((first, last),) = rows(ram, "SELECT min(sealed_at_us), max(sealed_at_us) FROM archive.sealed")
    assert last == int(NOW.timestamp()) * 1_000_000
    assert first == last - 23.5 * 3600 * 1_000_000


@pytest.mark.parametrize("used", ["site", "events", "journal", "history"])
def test_a_directory_that_is_in_use_is_refused(tmp_path: Path, used: str) -> None:
    """Whatever it holds stays as it is."""
    with house(tmp_path) as here:
        if used == "site":
            here.site()
        if used == "events":
            here.load(event(1, NOW))
        if used == "journal":
            here.append("a", event(1, NOW))
    if used == "history":
        with house(tmp_path) as here, here.store.writing() as session:
            session.query("INSERT INTO archive.sealed VALUES (1, DATE '2026-01-01', 0, 0, 0, 0)")
    with pytest.raises(HistoryError, match="already holds numbers or sites"):
        list(building.build(configured(tmp_path), Plan(100, 2, 1, 1), NOW, 1))
    with closing(Control.open(tmp_path / "control.sqlite")) as control:
        assert len(control.sites()) == (used == "site")


def test_a_directory_that_a_server_has_open_is_refused(tmp_path: Path) -> None:
    """In the words of every command."""
    with house(tmp_path), pytest.raises(HistoryError, match="in use by another gatecount"):
        list(building.build(configured(tmp_path), Plan(100, 2, 1, 1), NOW, 1))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((100, 0, 1), "days must be a number from 1 to 3653"),
        ((100, 3654, 1), "days must be a number from 1 to 3653"),
        ((100, 10, 0), "sites must be a number from 1 to 100"),
        ((100, 10, 101), "sites must be a number from 1 to 100"),
        ((199, 10, 2), "events must be a number from 200 to 20000000 for 10 days of 2 sites"),
        ((20_000_001, 10, 2), "events must be a number from 200 to 20000000 for 10 days"),
    ],
)
def test_numbers_that_cannot_be_are_refused(numbers: tuple[int, int, int], message: str) -> None:
    """Before anything is touched; what is allowed is said."""
    with pytest.raises(HistoryError, match=message):
        Plan(*numbers, seed=1)
