"""What tests of the journal write to: a chunk by its name, a journal with a clock of its own."""

from pathlib import Path

import pytest

from collector import journal
from tests.journal.desk import Desk


@pytest.fixture(name="chunk")
def name_chunk(tmp_path: Path) -> Path:
    """Return where a chunk would be."""
    return tmp_path / f"20261124T100000000000-0a0b0c0d{journal.SUFFIX}"


@pytest.fixture(name="desk")
def new_desk(tmp_path: Path) -> Desk:
    """Return an empty journal."""
    return Desk(tmp_path / "journal")
