"""The loader: every line of the journal exactly once, whatever happens on the way."""

import logging
from datetime import UTC, date, datetime, timedelta

import pytest

from collector import load
from collector.journal import Drops, Event, NewKey, line
from collector.load import Loader
from collector.session import StoreError
from tests.disks import files_no_larger_than
from tests.house import LIVE_EVENTS, House, at_us, event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVENTS = f"{LIVE_EVENTS} JOIN live.arrivals USING (arrival)"
COUNT = "SELECT count(*) FROM live.events"


def some(site: int, count: int, start: int = 0) -> list[Event]:
    """Return pageviews of as many visitors."""
    numbers = range(start, start + count)
    return [event(site, NOON + timedelta(seconds=n), token=n + 1, path=f"/{n}") for n in numbers]


def loaded(here: House) -> int:
    """Return how many events are in the live store."""
    ((count,),) = here.rows(COUNT)
    return int(count)


def test_what_is_loaded_is_not_loaded_again(here: House) -> None:
    """By the same loader or another; it says how many bytes it took."""
    lines = b"".join(map(line, some(here.site(), 10)))
    (here.journal / "1.jsonl").write_bytes(lines)
    assert here.loader.load() == len(lines)
    assert here.loader.load() == 0
    assert Loader(here.journal, here.store).load() == 0
    assert loaded(here) == 10


def test_a_chunk_is_loaded_while_it_grows(here: House) -> None:
    """Up to its last whole line; what comes later, later."""
    site = here.site()
    for number in range(3):
        here.append("growing", *some(site, 3, start=3 * number))
        here.loader.load()
        assert loaded(here) == 3 * number + 3
    assert here.rows("SELECT DISTINCT is_last FROM live.ledger") == [(False,)]
    here.finish()
    here.loader.load()
    assert here.rows("SELECT max(is_last) FROM live.ledger") == [(True,)]


def test_the_ledger_has_no_gap_and_no_overlap(here: House) -> None:
    """Each row goes on where the one before it ended."""
    site = here.site()
    for number in range(2):
        here.append("a", *some(site, 2, start=10 * number))
        here.append("b", *some(site, 2, start=10 * number + 5))
        here.loader.load()
    rows = here.rows("SELECT chunk, first_byte, end_byte FROM live.ledger ORDER BY ALL")
    ends: dict[str, int] = {}
    for chunk, first_byte, end_byte in rows:
        assert first_byte == ends.get(chunk, 0)
        ends[chunk] = end_byte
    assert ends == {path.name: path.stat().st_size for path in here.journal.iterdir()}


@pytest.mark.parametrize("passage_bytes", [1_000, 2_500])
def test_a_long_chunk_is_loaded_in_passages(
    here: House, monkeypatch: pytest.MonkeyPatch, passage_bytes: int
) -> None:
    """Visits go on across them as if they were one."""
    monkeypatch.setattr(load, "_PASSAGE_BYTES", passage_bytes)
    site = here.site()
    here.load(*[event(site, NOON + timedelta(seconds=n), token=n % 2) for n in range(20)])
    assert len(here.rows("SELECT 1 FROM live.ledger")) > 1
    assert here.rows("SELECT token, events FROM live.visits ORDER BY 1") == [(0, 10), (1, 10)]


def test_an_unfinished_line_waits_for_its_end(here: House) -> None:
    """While the chunk is held; once nobody will end it, it is left out, and told."""
    site = here.site()
    whole, torn = map(line, some(site, 2))
    here.append("torn", *some(site, 1))
    (chunk,) = here.journal.iterdir()
    with chunk.open("ab") as written:
        written.write(torn[:-10])
        written.flush()
        assert here.loader.load() == len(whole)
        written.write(torn[-10:])
        written.flush()
        assert here.loader.load() == len(torn)
        written.write(whole[:10])
    assert here.loader.load() == 0
    here.finish()
    assert here.loader.load() == 10
    assert loaded(here) == 2


def test_a_damaged_line_is_left_out_and_told(here: House, caplog: pytest.LogCaptureFixture) -> None:
    """With where it is, and nothing of what was in it."""
    lines = [line(one) for one in some(here.site(), 5)]
    lines[2] = lines[2].replace(b"/2", b"/X")
    (here.journal / "1.jsonl").write_bytes(b"".join(lines) + b"torn")
    here.loader.load()
    assert loaded(here) == 4
    (record,) = caplog.records
    assert (record.message, record.levelno) == ("journal_damaged", logging.ERROR)
    told = {
        name: record.__dict__[name] for name in ("chunk", "offset", "damaged_lines", "torn_bytes")
    }
    assert told == {"chunk": "1.jsonl", "offset": 0, "damaged_lines": 1, "torn_bytes": 4}


def test_drops_and_keys_are_loaded_beside_events(here: House) -> None:
    """Sums by site, day and reason; and each time that a day key was made."""
    site = here.site()
    here.load(
        Drops(site, "2026-11-24", "bot", 3),
        *some(site, 1),
        Drops(0, "2026-11-24", "unknown_site", 2),
        NewKey(site, "2026-11-24", at_us(NOON)),
        NewKey(site, "2026-11-25", at_us(NOON)),
    )
    here.load(NewKey(site, "2026-11-25", at_us(NOON) + 1), Drops(site, "2026-11-24", "bot", 4))
    assert here.rows("SELECT site, reason, sum(count) FROM live.drops GROUP BY ALL ORDER BY 1") == [
        (0, "unknown_site", 2),
        (site, "bot", 7),
    ]
    assert here.stats.rekeyed(site) == {date(2026, 11, 25)}


def test_every_field_of_an_event_arrives(here: House) -> None:
    """As it was journalled; what was left out has its default."""
    site = here.site()
    full = event(
        site, NOON, token=2**64 - 1, name="Order \u00e4\"'\n", path="/\u00e9\\%_",
        source="Ecosia", channel="search", referrer="ecosia.org", utm_source="a", utm_medium="b",
        utm_campaign="c", country="DE", device="mobile", browser="Firefox", os="Android",
        screen="xs", interactive=False, engaged_s=86_400, scroll=10,
        props={"size": "large", "": "x", "k'\"": "v\n"}, revenue="-999999999999.999",
        currency="EUR",
    )  # fmt: skip
    here.load(full)
    fields = [f for f in Event.__struct_fields__ if f not in {"date", "revenue"}]
    columns = ", ".join(fields)
    rows = here.rows(f"SELECT date::VARCHAR, revenue::VARCHAR, {columns} FROM {EVENTS}")
    assert rows == [(full.date, full.revenue, *(getattr(full, field) for field in fields))]
    here.load(event(site, NOON, token=7))
    ((interactive, engaged_s, source, props),) = here.rows(
        f"SELECT interactive, engaged_s, source, props FROM {EVENTS} WHERE token = 7"
    )
    assert (interactive, engaged_s, source, props or {}) == (True, 0, "", {})


def test_after_an_error_at_commit_the_ledger_says_where_to_go_on(here: House) -> None:
    """Nothing is lost and nothing doubled, however often it fails; readers go on meanwhile."""
    site = here.site()
    here.load(*some(site, 2000))
    here.append("held", *some(site, 100, start=5000))
    log_bytes = (here.folder / "live.duckdb.wal").stat().st_size
    with files_no_larger_than(log_bytes + 1000):
        for _ in range(2):
            with pytest.raises(StoreError):
                here.loader.load()
            assert loaded(here) == 2000
    assert here.loader.load() > 0
    assert loaded(here) == 2100
    assert here.loader.load() == 0
    assert here.rows("SELECT count(DISTINCT token), sum(events) FROM live.visits") == [(2100, 2100)]


def test_an_error_before_the_commit_is_tried_again(here: House) -> None:
    """Such as a full disk when the passage is handed over."""
    site = here.site()
    here.append("held", *some(site, 100))
    with files_no_larger_than(100), pytest.raises(OSError, match="File too large"):
        here.loader.load()
    here.loader.load()
    assert loaded(here) == 100


def test_lines_of_sealed_days_are_passed_over(here: House) -> None:
    """The archive's ledger rules: what came too late, or comes again, changes nothing."""
    site = here.site()
    here.load(*some(site, 3), Drops(site, "2026-11-24", "bot", 1))
    assert here.sealer.seal_due(NOON + timedelta(days=1)) == 1
    archive = "SELECT * FROM archive.visits, archive.events, archive.drops ORDER BY ALL"
    before = here.rows(archive)
    here.load(
        *some(site, 3), Drops(site, "2026-11-24", "bot", 5), event(site, NOON + timedelta(days=1))
    )
    assert here.rows("SELECT date FROM live.events") == [(date(2026, 11, 25),)]
    assert here.rows("SELECT count(*) FROM live.drops") == [(0,)]
    assert here.rows(archive) == before


def test_a_site_that_is_unknown_here_is_loaded_all_the_same(here: House) -> None:
    """Control may be a moment behind; only a removal is final."""
    here.load(*some(4711, 2))
    assert loaded(here) == 2
