"""What is exported is what is sealed, in words, and nothing that could tell a person."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from collector import config
from collector.care import export
from collector.care.backup import BackupError
from collector.care.export import Exported
from collector.control import Control
from tests.house import event, house

OCTOBER = datetime(2026, 10, 31, 12, tzinfo=UTC)
NOVEMBER = OCTOBER + timedelta(days=1)
COLUMNS_OF_EVENTS = [
    *["site", "date", "visitor", "visit", "step", "hour", "name", "host", "page", "interactive"],
    *["engaged_s", "scroll", "props", "revenue", "currency"],
    *["source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign"],
    *["country", "device", "browser", "os", "screen"],
]


@pytest.fixture(name="data", scope="module")
def make_data(ram_of_module: Path) -> Path:
    """Seal two days of two sites, in two months."""
    data = ram_of_module / "data"
    data.mkdir()
    with house(data) as here:
        sites = [here.site(), here.site("other.example")]
        for day in (OCTOBER, NOVEMBER):
            for site in sites:
                held = {"source": "Mastodon", "channel": "Social", "country": "DE"}
                here.append("a", event(site, day, token=1, path="/first", props={"k": "v"}, **held))
                here.append("a", event(site, day + timedelta(minutes=1), token=1, path="/last"))
        here.finish()
        here.loader.load()
        here.sealer.seal_due(NOVEMBER + timedelta(days=1))
    return data


@pytest.fixture(name="control")
def open_control(data: Path) -> Iterator[Control]:
    """Open the control file."""
    with closing(Control.open(data / "control.sqlite")) as control:
        yield control


def exported(data: Path, control: Control, target: Path, domain: str | None = None) -> Exported:
    """Export a data directory."""
    settings = config.load(None, {}, {"data": str(data)})
    *_, made = export.export(settings.config, control, target, domain)
    assert isinstance(made, Exported)
    return made


def test_each_month_is_a_file_of_visits_and_one_of_events(
    data: Path, control: Control, ram: Path
) -> None:
    """Of all sites, and counted."""
    made = exported(data, control, ram / "export")
    assert {path.name for path in (ram / "export").iterdir()} == {
        f"{kind}-2026-{month}.parquet" for kind in ("visits", "events") for month in (10, 11)
    }
    assert (made.files, made.visits, made.events) == (4, 4, 8)
    with closing(duckdb.connect()) as reader:
        pattern = str(ram / "export" / "events-*.parquet")
        count = "SELECT site, date::VARCHAR, count(*) FROM read_parquet($files) GROUP BY ALL"
        rows = reader.execute(f"{count} ORDER BY ALL", {"files": pattern}).fetchall()
    days = ("2026-10-31", "2026-11-01")
    assert rows == [(site, day, 2) for site in ("example.com", "other.example") for day in days]


def test_numbers_have_become_words(data: Path, control: Control, ram: Path) -> None:
    """Pages and ways to arrive; of one site when that is asked for."""
    assert exported(data, control, ram / "export", "www.example.com").events == 4
    with closing(duckdb.connect()) as reader:
        october = {"file": str(ram / "export" / "visits-2026-10.parquet")}
        asked = "site, hour, pageviews, entry_page, exit_page, source, country"
        visits = f"SELECT {asked} FROM read_parquet($file)"
        assert reader.execute(visits, october).fetchall() == [
            ("example.com", 12, 2, "/first", "/last", "Mastodon", "DE")
        ]
        events = {"file": str(ram / "export" / "events-2026-10.parquet")}
        table = reader.execute("FROM read_parquet($file) ORDER BY step", events)
        assert [column[0] for column in table.description or ()] == COLUMNS_OF_EVENTS
        pages = "SELECT page, props FROM read_parquet($file) ORDER BY step"
        rows = reader.execute(pages, events).fetchall()
    assert rows == [("/first", {"k": "v"}), ("/last", None)]


def test_what_cannot_be_exported_is_said(data: Path, control: Control, ram: Path) -> None:
    """No such site, nothing sealed yet, somebody's files in the way, a newer program's archive."""
    with pytest.raises(BackupError, match=r"nobody\.example is no site"):
        exported(data, control, ram / "export", "nobody.example")
    control.add_site("new.example", "UTC", NOVEMBER)
    with pytest.raises(BackupError, match="no day is sealed yet"):
        exported(data, control, ram / "export", "new.example")
    (ram / "export" / "file").touch()
    with pytest.raises(BackupError, match="is not empty"):
        exported(data, control, ram / "export")
    shutil.copytree(data, ram / "newer")
    with closing(duckdb.connect(ram / "newer" / "archive.duckdb")) as archive:
        archive.execute("INSERT INTO migrations VALUES (9999)")
    with pytest.raises(BackupError, match="written by a newer gatecount"):
        exported(ram / "newer", control, ram / "other")
