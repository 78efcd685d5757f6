"""What most tests need: a folder in RAM, and a whole application in this process."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import settings

from collector import geo
from tests.application import Started, Whole, application

settings.register_profile("gatecount", derandomize=True, deadline=None, database=None)
settings.load_profile("gatecount")


@contextlib.contextmanager
def _folder_in_ram() -> Iterator[Path]:
    shared_memory = Path("/dev/shm")  # noqa: S108 - RAM on every Linux; ours is a 0700 directory
    in_ram = shared_memory if os.access(shared_memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="gatecount-test-", dir=in_ram))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def ram() -> Iterator[Path]:
    """Return an empty folder in RAM, where waiting for the disk costs nothing."""
    with _folder_in_ram() as folder:
        yield folder


@pytest.fixture(scope="module")
def ram_of_module() -> Iterator[Path]:
    """Return a folder in RAM that all tests of a module share."""
    with _folder_in_ram() as folder:
        yield folder


@pytest.fixture(scope="session")
def country_database() -> Iterator[Path]:
    """Unpack the country database once for all."""
    with _folder_in_ram() as folder:
        yield geo.unpack(folder)


@pytest.fixture
def started(ram: Path, country_database: Path) -> Started:
    """Return what starts applications by their options, and `sites`, `with_dashboard`, `now`."""

    def start(**given: object) -> AbstractContextManager[Whole]:
        about = {key: given.pop(key) for key in ("sites", "with_dashboard", "now") if key in given}
        flags = {"geo_database": str(country_database), **given}
        return application(ram, flags, **about)  # type: ignore[arg-type]

    return start


@pytest.fixture
def whole(started: Started) -> Iterator[Whole]:
    """Run an application that takes events for example.com, and has no dashboard."""
    with started() as running:
        yield running
