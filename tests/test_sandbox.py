"""SQL stays inside the data directory, whatever it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.session import StoreError
from collector.store import Store
from tests.stores import opened, query, write

ESCAPES = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_text('{data}/../outside.txt')",
    "SELECT * FROM read_text('{data}-beside/outside.txt')",
    "SELECT * FROM read_text('{data}/link')",
    "SELECT * FROM read_text('{data}/folder/passwd')",
    "SELECT * FROM read_csv('https://192.0.2.1/')",
    "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '{data}/../out.csv'",
    "EXPORT DATABASE '{data}/../out'",
    "IMPORT DATABASE '/tmp'",
    "ATTACH '{data}/../out.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{data}/../out.duckdb_extension'",
    "CREATE SECRET s (TYPE s3)",
]
SETTINGS = [
    "enable_external_access = true", "lock_configuration = false", "allowed_directories = ['/']",
    "allowed_paths = ['/etc/passwd']", "memory_limit = '10GB'", "threads = 64",
    "temp_directory = '/tmp'", "max_temp_directory_size = '100GB'", "log_query_path = '/tmp/log'",
    "autoload_known_extensions = true", "autoinstall_known_extensions = true",
    "extension_directory = '/tmp'", "secret_directory = '/tmp'", "home_directory = '/tmp'",
]  # fmt: skip


@pytest.fixture(name="boxed", scope="module")
def open_with_neighbours(ram_of_module: Path) -> Iterator[tuple[Store, Path]]:
    """Open stores beside a file that is none of their business."""
    data = ram_of_module / "data"
    with opened(data) as store:
        for folder in (ram_of_module, ram_of_module / "data-beside"):
            folder.mkdir(exist_ok=True)
            (folder / "outside.txt").write_text("secret", encoding="utf-8")
        (data / "link").symlink_to("/etc/passwd")
        (data / "folder").symlink_to("/etc")
        yield store, data


@pytest.mark.parametrize("text", ESCAPES + [f"SET {setting}" for setting in SETTINGS])
def test_sql_stays_inside_the_data_directory(boxed: tuple[Store, Path], text: str) -> None:
    """It reads and writes nothing else, and cannot allow itself to."""
    store, data = boxed
    outside = sorted(data.parent.iterdir())
    for session in (store.snapshot, store.writing):
        with pytest.raises(StoreError), session() as asked:
            asked.query(text.format(data=data))
    assert sorted(data.parent.iterdir()) == outside


def test_the_sandbox_is_told_from_a_broken_store(boxed: tuple[Store, Path]) -> None:
    """The same statements on files inside do work, so it is the place that is refused."""
    store, data = boxed
    (data / "inside.txt").write_text("inside", encoding="utf-8")
    assert query(store, f"SELECT content FROM read_text('{data}/inside.txt')") == [("inside",)]
    write(store, f"ATTACH '{data}/inside.duckdb' AS other; DETACH other")
