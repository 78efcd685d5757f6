"""An application that all tests of a module post to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application import Whole, application

SITES = {
    "example.com": "UTC",
    "example.org": "Europe/Berlin",
    "shop.example.net": "Asia/Kathmandu",
    "localhost": "UTC",
}


@pytest.fixture(scope="module")
def standing(ram_of_module: Path, country_database: Path) -> Iterator[Whole]:
    """Run an application with several sites whose limit of events a minute nobody reaches."""
    flags = {"geo_database": str(country_database), "flood_limit": 1_000_000}
    with application(ram_of_module, flags, sites=SITES) as running:
        yield running
