"""What most of these tests need: an installation in RAM, and servers born warm; and the soak."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery, nursery
from tests.serving import ROOT, Installation, installation

_SOAK = Path(__file__).with_name("test_soak.py")
_SOAKING = pytest.StashKey[subprocess.Popen[bytes]]()
_SOAK_DEADLINE_S = 900.0
_SOAK_COMMAND = (
    *(sys.executable, "tests/bench/soak.py", "--minutes", "1", "--every", "5", "10"),
    *("--rate", "150", "--outcome"),
)


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


@pytest.fixture
def soak_outcome() -> Iterator[Path]:
    """Return the file that the soak of this session writes when it is over."""
    yield _soak_folder() / "outcome.json"
    shutil.rmtree(_soak_folder())


def _soak_folder() -> Path:
    """Return the same for all processes that share the tests of a session."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return Path(tempfile.gettempdir()) / f"gatecount-soak-{session}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the soak, if it is wanted, beside all other tests."""
    is_first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    if is_first and any(item.path == _SOAK for item in session.items):
        _soak_folder().mkdir(mode=0o700)
        with (_soak_folder() / "said.log").open("wb") as said:
            session.config.stash[_SOAKING] = subprocess.Popen(
                [*_SOAK_COMMAND, str(_soak_folder() / "outcome.json")],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                cwd=ROOT,
                stdout=said,
                stderr=said,
            )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for the soak: another process of this session may, too."""
    if (soaking := session.config.stash.get(_SOAKING, None)) is not None:
        soaking.wait(_SOAK_DEADLINE_S)
