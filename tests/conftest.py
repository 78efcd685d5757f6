"""What most tests need: a folder in RAM, and a whole application in this process."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from collector import geo, store
from tests import chance
from tests.application import Started, Whole, application
from tests.house import House, house

# What takes longest, longest first: a worker that takes one of these last leaves the others idle.
# `tests/run` hands files out in this order; all others follow.
_LONGEST_FIRST = (
    "properties/test_visits_properties.py",
    "properties/test_report_properties.py",
    "crash/test_seal_kill.py",
    "crash/test_kill.py",
    # One after another: what they share is started anew for whoever comes back to them.
    "browser/endtoend/test_dashboard_for_everyone.py",
    "browser/endtoend/test_counting.py",
    "browser/endtoend/test_visitors_pages.py",
    "browser/endtoend/test_dashboard_pages.py",
    "browser/endtoend/test_objecting.py",
    "browser/endtoend/test_erasing.py",
    "test_history.py",
    "browser/test_accounts.py",
    "browser/test_other_scripts.py",
    "browser/test_beacon_engagement.py",
    "browser/test_beacon_optout.py",
    "browser/test_beacon_pageviews.py",
    "browser/test_beacon_manners.py",
    "commands/test_serving.py",
    "properties/test_erasure_properties.py",
    "properties/test_scrub_properties.py",
    "seal/test_moving.py",
    "test_questions.py",
    "test_fuzz.py",
    "crash/test_full_disk.py",
    "crash/test_seal_steps.py",
    "crash/test_drill.py",
    "crash/test_sync_failure.py",
    "crash/test_journal_cut.py",
    "crash/test_live_rebuild.py",
    "privacy/test_nothing_of_a_visitor_is_kept.py",
    "privacy/test_day_keys_stay_in_ram.py",
    "privacy/test_sealed_days.py",
    "properties/test_token_properties.py",
    "properties/test_objector_properties.py",
    "test_days_and_zones.py",
    "test_rollups.py",
    "test_demo.py",
    "test_demonstration.py",
    "test_store_files.py",
)  # fmt: skip
# What waits for something that began with the session: the later it asks, the less it waits.
_LAST = "crash/test_soak.py"

# What tries a thing hundreds of times, or watches other processes. Tracing doubles the time of the
# former, and all of these run no line of ours that no other test runs.
_UNTRACED = (
    "browser",
    "crash/test_journal_cut.py",
    "crash/test_kill.py",
    "crash/test_live_rebuild.py",
    "crash/test_seal_kill.py",
    "crash/test_seal_steps.py",
    "crash/test_soak.py",
    "properties/test_objector_properties.py",
    "properties/test_scrub_properties.py",
    "properties/test_token_properties.py",
    "properties/test_visits_properties.py",
    "test_fuzz.py",
)

# What a statement frees, the next one asks for again: to give it back to the system after each is a
# fifth of the work where days are tiny. Processes of ours that tests start do so.
store._FLUSH_THRESHOLD = "128MB"  # noqa: SLF001 - no option, since nobody else needs one

chance.load_profile()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, and leave out of the coverage what adds nothing to it."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(_LONGEST_FIRST)}
    places[here / _LAST] = len(places) + 1
    items.sort(key=lambda item: places.get(item.path, len(places) - 1))
    untraced = {here / name for name in _UNTRACED}
    for item in items:
        if not untraced.isdisjoint((item.path, *item.path.parents)):
            item.add_marker("no_cover")


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


@pytest.fixture
def here(ram: Path) -> Iterator[House]:
    """Open a data directory with everything on it, worked by hand."""
    with house(ram) as here:
        yield here


@pytest.fixture(scope="session")
def country_database() -> Iterator[Path]:
    """Unpack the country database once for all."""
    with _folder_in_ram() as folder:
        yield geo.unpack(folder)


@pytest.fixture
def started(ram: Path, country_database: Path) -> Started:
    """Return what starts applications by their options, and by the arguments of `application`."""

    def start(**given: object) -> AbstractContextManager[Whole]:
        own = ("sites", "with_dashboard", "now", "scraped")
        about = {key: given.pop(key) for key in own if key in given}
        flags = {"geo_database": str(country_database), **given}
        return application(ram, flags, **about)  # type: ignore[arg-type]

    return start


@pytest.fixture
def whole(started: Started) -> Iterator[Whole]:
    """Run an application that takes events for example.com, and has no dashboard."""
    with started() as running:
        yield running
