"""A dashboard in this process, empty or with some visits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.reading import DAY, HOUR, MINUTE
from tests.editors import Newsroom, newsroom, pageview


@pytest.fixture(name="room")
def open_room(ram: Path) -> Iterator[Newsroom]:
    """Open an empty data directory."""
    with newsroom(ram) as room:
        yield room


@pytest.fixture(name="busy", scope="module")
def open_busy_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count some visits of today and yesterday; tests only read it."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        mobile = {"device": "Mobile", "browser": "Safari", "os": "iOS"}
        room.count(
            pageview(site, 1, 3 * HOUR, "/", source="Google", country="DE", **mobile),
            pageview(site, 1, 3 * HOUR - 2 * MINUTE, "/a", source="Google", country="DE", **mobile),
            pageview(site, 2, 2 * HOUR, "/", country="GB", **mobile),
            pageview(site, 3, 3 * MINUTE, "/b", browser="Firefox"),
            pageview(site, 4, DAY, "/yesterday", source="Bluesky"),
        )
        yield room
