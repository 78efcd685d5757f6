"""What is deleted for good: of a sealed day, and of a site that was removed."""

from datetime import timedelta

from collector.journal import Drops
from tests.house import ALL_VISITS, SEALED_EVENTS, House, event
from tests.seal.days import NEXT_NIGHT, NOON


def chunks(here: House) -> list[str]:
    """Return the names of the chunks there are, without their numbers."""
    return sorted(path.stem.partition("-")[2] for path in here.journal.iterdir())


def test_a_chunk_goes_once_all_its_days_are_sealed(here: House) -> None:
    """And it is finished, and loaded to its end, if there is anything in it."""
    (here.journal / "0-empty.jsonl").write_bytes(b"")
    site, later = here.site(), here.site("example.org", "America/New_York")
    here.append("one", event(site, NOON))
    here.append("both", event(site, NOON), event(later, NOON))
    here.append("other", event(later, NOON))
    here.finish()
    here.append("held", event(site, NOON))
    here.loader.load()
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert chunks(here) == ["both", "held", "other"]
    here.finish()
    here.loader.load()
    here.sealer.clean_up()
    assert chunks(here) == ["both", "other"]
    assert here.sealer.seal_due(NEXT_NIGHT + timedelta(hours=5)) == 1
    assert chunks(here) == []
    assert here.rows("SELECT count(*) FROM live.ledger, live.chunk_days") == [(0,)]
    assert here.rows("SELECT sum(events) FROM archive.sealed") == [(5,)]


def test_live_rows_of_a_sealed_day_are_gone_from_the_disk(here: House) -> None:
    """Journal, live store and spills: what is left of the day is in the archive alone."""
    site = here.site()
    here.load(event(site, NOON, path="/sealed-path"))
    here.load(event(site, NOON + timedelta(days=1), path="/unsealed-path"))
    here.sealer.seal_due(NEXT_NIGHT)
    raw = b"".join(p.read_bytes() for p in (*here.journal.iterdir(), *here.folder.glob("live*")))
    assert b"/sealed-path" not in raw
    assert b"/unsealed-path" in raw
    assert here.rows(f"SELECT path FROM {SEALED_EVENTS}") == [("/sealed-path",)]


def two_sites(here: House) -> tuple[int, int]:
    """Count a sealed and an unsealed day of two sites, one of which is going to be removed."""
    doomed, kept = here.site("doomed.example"), here.site()
    yesterday = NOON - timedelta(days=1)
    here.load(
        event(doomed, yesterday, path="/doomed-path"), Drops(doomed, "2026-11-23", "bot", 1),
        event(kept, yesterday, path="/kept-path"),
    )  # fmt: skip
    here.load(event(doomed, NOON, path="/doomed-path"), Drops(doomed, "2026-11-24", "bot", 1))
    here.load(event(kept, NOON, path="/kept-path"))
    assert here.sealer.seal_due(NOON) == 2
    return doomed, kept


def test_a_removed_sites_numbers_are_deleted_for_good(here: House) -> None:
    """Of sealed and unsealed days, in every file; another site's stay."""
    doomed, kept = two_sites(here)
    assert b"/doomed-path" in here.bytes_on_disk()
    here.control.remove_site("doomed.example", NOON)
    here.sealer.purge_removed(NOON)
    assert here.control.removed() == ()
    on_disk = here.bytes_on_disk()
    assert b"/doomed-path" not in on_disk
    assert b"/kept-path" in on_disk
    for table in ("live.events", "live.visits", "live.drops", "archive.events", "archive.visits",
                  "archive.pages", "archive.arrivals", "archive.rollups", "archive.page_rollups",
                  "archive.arrival_rollups", "archive.drops", "archive.sealed"):  # fmt: skip
        assert here.rows(f"SELECT count(*) FROM {table} WHERE site = $site", site=doomed) == [(0,)]
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(kept, 2)]


def test_a_removed_sites_lines_in_a_shared_chunk_go_with_the_others_days(here: House) -> None:
    """Until then they are passed over, whenever they are loaded again."""
    doomed, kept = here.site("doomed.example"), here.site()
    here.load(event(doomed, NOON, path="/doomed-path"), event(kept, NOON, path="/kept-path"))
    here.control.remove_site("doomed.example", NOON)
    here.sealer.purge_removed(NOON)
    assert [path.name for path in here.journal.iterdir()] == ["000001.jsonl"]
    with here.store.writing() as session:  # as if live had been moved aside
        for table in ("events", "arrivals", "visits", "ledger", "chunk_days"):
            session.query(f"DELETE FROM live.{table}")
    here.loader.reread_ledger()
    here.loader.load()
    assert here.rows("SELECT site FROM live.events") == [(kept,)]
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert b"/doomed-path" not in here.bytes_on_disk()


def test_a_removal_is_final(here: House) -> None:
    """Events that were on their way do not bring it back; under its name another one may begin."""
    doomed = here.site("doomed.example")
    here.control.remove_site("doomed.example", NOON)
    here.load(event(doomed, NOON, token=2))
    here.sealer.purge_removed(NOON)
    here.load(event(doomed, NOON, token=3), Drops(doomed, "2026-11-24", "bot", 1))
    again = here.site("doomed.example")
    here.load(event(again, NOON, token=4, path="/new-path"))
    assert again != doomed
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(again, 1)]
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(again, 1)]


def test_nothing_is_rewritten_when_nothing_was_removed(here: House) -> None:
    """The files are the same ones."""
    here.load(event(here.site(), NOON))
    files = [(path.name, path.stat().st_ino) for path in sorted(here.folder.glob("*.duckdb"))]
    here.sealer.purge_removed(NOON)
    here.sealer.clean_up()
    assert files == [(p.name, p.stat().st_ino) for p in sorted(here.folder.glob("*.duckdb"))]
