"""A journal cut at any byte gives exactly the whole events before the cut, as far as DuckDB."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.journal import SUFFIX, line
from tests.house import LIVE_EVENTS, House, event, house

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
# One holds what ends a line and begins a checksum, one has characters of several bytes.
PAGES = ("/one", '/two"}\n,"crc":123}', "/three/\u00e9\u20ac\U0001f600")
FIRST_SITE = 1000  # each cut is a chunk of its own, with a site of its own to know its events by


def chunk_of(site: int) -> list[bytes]:
    """Return the lines a site's chunk was to have."""
    return [
        line(event(site, NOON + timedelta(seconds=number), path=page))
        for number, page in enumerate(PAGES)
    ]


def cut(here: House, site: int, lines: list[bytes], short_by: int) -> str:
    """Write lines but for so many bytes at their end; return the chunk's name."""
    whole = b"".join(lines)
    name = f"{site}{SUFFIX}"
    (here.journal / name).write_bytes(whole[: len(whole) - short_by])
    return name


def pages_by_site(here: House) -> dict[int, list[str]]:
    """Load everything there is, to its end; return the pages of the events in DuckDB."""
    here.loader.load()
    unfinished = "SELECT chunk FROM live.ledger GROUP BY chunk HAVING NOT bool_or(is_last)"
    assert here.rows(unfinished) == []
    loaded = f"SELECT site, list(path ORDER BY at_us) FROM {LIVE_EVENTS} GROUP BY site"
    return dict(here.rows(loaded))


def test_a_chunk_cut_around_the_end_of_any_line_loads_up_to_that_line(ram: Path) -> None:
    """Found so by a loader that never met it before."""
    expected: dict[int, list[str]] = {}
    with house(ram) as here:
        for count in range(1, len(PAGES) + 1):
            for short_by in (0, 1, 2, 3, 9, 140):  # a line has some more than that
                site = FIRST_SITE + len(expected)
                cut(here, site, chunk_of(site)[:count], short_by)
                expected[site] = list(PAGES[: count - 1 if short_by else count])
        assert pages_by_site(here) == {site: pages for site, pages in expected.items() if pages}


def test_a_chunk_cut_at_any_byte_gives_its_last_line_whole_or_not_at_all(ram: Path) -> None:
    """Found so by a loader that had followed it line by line until it broke off."""
    expected: dict[int, list[str]] = {}
    site = FIRST_SITE
    with house(ram) as here:
        with here.store.writing() as session:
            for count, page in enumerate(PAGES, 1):
                short_by = 0
                while short_by < len((lines := chunk_of(site)[:count])[-1]):
                    name = cut(here, site, lines, short_by)
                    # Loading the lines before, each chunk for itself, would take a minute in all.
                    session.run(
                        "load_ledger",
                        chunk=name,
                        first_byte=0,
                        end_byte=len(b"".join(lines[:-1])),
                        is_last=False,
                    )
                    if short_by == 0:
                        expected[site] = [page]
                    short_by += 1
                    site += 1
        assert site > FIRST_SITE + 400
        assert pages_by_site(here) == expected


def test_a_line_with_one_wrong_byte_is_left_out_and_the_others_are_loaded(ram: Path) -> None:
    """Wherever in the line that byte is; what it makes of it may well be JSON."""
    expected = {}
    with house(ram) as here:
        length = len(chunk_of(FIRST_SITE)[1])
        for site, at_byte in enumerate(range(0, length - 1, 9), FIRST_SITE):
            first, second, third = chunk_of(site)
            damaged = bytearray(second)
            damaged[at_byte] ^= 1
            cut(here, site, [first, bytes(damaged), third], 0)
            expected[site] = [PAGES[0], PAGES[2]]
        assert pages_by_site(here) == expected
