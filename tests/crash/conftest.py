"""What most of these tests need: an installation in RAM, and servers born warm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery, nursery
from tests.serving import Installation, installation


@pytest.fixture(scope="session")
def nurse() -> Iterator[Nursery]:
    """Warm up once for all."""
    with nursery() as nurse:
        yield nurse


@pytest.fixture
def here(ram: Path) -> Iterator[Installation]:
    """Return an installation without sites, in RAM."""
    with installation(ram) as here:
        yield here
