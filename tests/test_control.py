"""control.sqlite: sites, and the file itself."""

import contextlib
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.control import Control, Site, SiteExistsError, UnknownSiteError
from collector.control_file import NewerFileError, StorageError, migrate
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.logins import Logins, Way
from tests.people import admit, token_of
from tests.serving import DEADLINE_S

SQL = Path(__file__).parents[1] / "collector" / "sql"
NOW = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is going to be."""
    return tmp_path / "control.sqlite"


@pytest.fixture
def control(path: Path) -> Iterator[Control]:
    """Open a new file."""
    with contextlib.closing(Control.open(path)) as opened:
        yield opened


@pytest.fixture
def other(path: Path, control: Control) -> Iterator[Control]:
    """Open the same file once more, as another process would."""
    with contextlib.closing(Control.open(path)) as opened:
        yield opened


def test_an_added_site_is_there_in_every_process(control: Control, other: Control) -> None:
    """Domain, zone and time come back as they went in, to the microsecond."""
    added = control.add_site("https://www.Example.com/", "europe/berlin", NOW)
    assert added == Site(1, "example.com", "Europe/Berlin", NOW)
    assert other.sites() == (added,)
    assert other.site("WWW.example.com") == added


def test_a_lookup_of_what_is_no_site_finds_nothing(control: Control) -> None:
    """A name from a request may be anything."""
    assert control.site("example.com") is None
    assert control.site("no such / thing") is None


def test_a_domain_is_a_site_once(control: Control) -> None:
    """Capitals do not make it another."""
    control.add_site("example.com", "UTC", NOW)
    with pytest.raises(SiteExistsError, match=r"example\.com is a site already"):
        control.add_site("EXAMPLE.com", "UTC", NOW)
    assert len(control.sites()) == 1


def test_a_naive_time_is_refused_and_nothing_is_written(control: Control) -> None:
    """Local times without a zone would be other moments elsewhere."""
    with pytest.raises(TypeError):
        control.add_site("example.com", "UTC", NOW.replace(tzinfo=None))
    assert control.sites() == ()


def test_a_removed_site_waits_for_its_numbers_to_be_deleted(control: Control) -> None:
    """It counts no longer, and goes when the owner of the stores says so."""
    site = control.add_site("example.com", "UTC", NOW)
    assert control.remove_site("example.com", NOW) == site
    assert control.sites() == ()
    assert control.site("example.com") is None
    assert control.removed() == (site,)
    control.forget(site.id)
    assert control.removed() == ()


def test_a_domain_may_come_back_at_once_under_a_new_id(control: Control) -> None:
    """Old numbers that are not deleted yet never become the new site's."""
    first = control.add_site("example.com", "UTC", NOW)
    control.remove_site("example.com", NOW)
    second = control.add_site("example.com", "UTC", NOW)
    assert second.id != first.id
    assert control.sites() == (second,)
    assert control.removed() == (first,)


def test_ids_are_not_used_again_after_everything_is_forgotten(path: Path) -> None:
    """Not even when the file was closed in between."""
    with contextlib.closing(Control.open(path)) as control:
        first = control.add_site("example.com", "UTC", NOW)
        control.remove_site("example.com", NOW)
        control.forget(first.id)
    with contextlib.closing(Control.open(path)) as control:
        assert control.add_site("example.com", "UTC", NOW).id == first.id + 1


def test_removing_an_unknown_site_names_the_nearest(control: Control) -> None:
    """A slip of the finger is the usual reason."""
    control.add_site("example.com", "UTC", NOW)
    with pytest.raises(UnknownSiteError, match=r"no site exmaple\.com: did you mean example\.com"):
        control.remove_site("exmaple.com", NOW)
    with pytest.raises(UnknownSiteError, match=r"no site elsewhere\.test$"):
        control.remove_site("elsewhere.test", NOW)


def test_a_standing_site_cannot_be_forgotten(control: Control) -> None:
    """Only what was removed first."""
    site = control.add_site("example.com", "UTC", NOW)
    with pytest.raises(UnknownSiteError):
        control.forget(site.id)
    assert control.sites() == (site,)


def test_the_revision_changes_with_sites_whoever_changed_them(
    control: Control, other: Control
) -> None:
    """Own changes and those of others look alike; logins are no change."""
    seen = [(control.revision(), other.revision())]
    token_of(control, admit(control), NOW)
    assert (control.revision(), other.revision()) == seen[0]
    for change in (
        lambda: control.add_site("example.com", "UTC", NOW),
        lambda: other.remove_site("example.com", NOW),
        lambda: control.forget(1),
    ):
        change()
        assert control.revision() == other.revision()
        seen.append((control.revision(), other.revision()))
    assert len(set(seen)) == 4


def test_the_file_is_its_owners_alone(path: Path, control: Control) -> None:
    """Whatever the umask allows."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_newer_file_is_refused_untouched(path: Path) -> None:
    """Going back a version must not guess what the later one meant."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    before = path.read_bytes()
    with pytest.raises(NewerFileError, match="format 9999"):
        Control.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    """It may be somebody's only copy of something."""
    path.write_text("not a database, but long enough to look like one\n" * 100)
    with pytest.raises(StorageError, match="not a database"):
        Control.open(path)
    assert path.read_text().startswith("not a database")


def test_a_directory_that_is_missing_is_said(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(StorageError, match="nowhere"):
        Control.open(tmp_path / "nowhere" / "control.sqlite")


def test_every_migration_has_a_number_of_its_own() -> None:
    """Of two with the same only one would be applied."""
    for folder in ("control", "migrations/archive", "migrations/live"):
        numbers = [file.name[:4] for file in (SQL / folder).glob("*.sql")]
        assert sorted(numbers) == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_a_failed_migration_leaves_the_one_before(tmp_path: Path) -> None:
    """Each runs alone in its transaction, and those that did are not run again."""
    (tmp_path / "0001_first.sql").write_text(
        "CREATE TABLE first (n);\nINSERT INTO first\nVALUES (1);"
    )
    second = tmp_path / "0002_second.sql"
    second.write_text("CREATE TABLE second (n);\nINSERT INTO nowhere VALUES (1);\n")
    path = tmp_path / "control.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(connection, path, tmp_path)
        assert _tables(connection) == ["first"]
        second.write_text("CREATE TABLE second (n);\n")
        migrate(connection, path, tmp_path)
        assert _tables(connection) == ["first", "second"]
        assert connection.execute("SELECT count(*) FROM first").fetchone() == (1,)


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows]


def test_a_refused_write_changes_nothing_and_says_where(path: Path, control: Control) -> None:
    """A role that cannot be stored takes none away, and the next write finds the file free."""
    user = admit(control)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON memberships"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    with pytest.raises(StorageError, match=r"control\.sqlite: disk full"):
        Accounts(control).give(user, ALL_SITES, Role.OWNER)
    assert Accounts(control).roles(user) == {ALL_SITES: Role.OWNER}
    assert control.add_site("example.com", "UTC", NOW).id == 1


def test_a_closed_file_says_so(path: Path) -> None:
    """Also when asked from the side by a thread that was not told."""
    control = Control.open(path)
    control.close()
    with pytest.raises(StorageError):
        control.sites()


def test_threads_may_share_it(control: Control) -> None:
    """Every one of their writes is there, and none was torn."""
    user, logins = admit(control), Logins(control)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                control.add_site(f"site-{number}-{turn}.example", "UTC", NOW)
                assert logins.find(logins.open(user, Way.PASSWORD, NOW), NOW)
        except BaseException as failure:  # noqa: BLE001 - handed to the test
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=DEADLINE_S)
    assert failures == []
    assert len(control.sites()) == 20


_STARTS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from collector.control import Control
print("ready", flush=True)
sys.stdin.readline()
control = Control.open(Path(sys.argv[1]))
site = control.add_site(sys.argv[2], "UTC", datetime.now(UTC))
print(site.id, flush=True)
"""


def test_processes_that_start_together_agree(path: Path) -> None:
    """One makes the tables, and each adds its site."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _STARTS, str(path), f"site-{number}.example"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        answers.append(process.communicate(timeout=DEADLINE_S)[0].strip())
        assert process.returncode == 0
    assert set(answers) == {"1", "2", "3", "4"}
    with contextlib.closing(Control.open(path)) as control:
        assert len(control.sites()) == 4
