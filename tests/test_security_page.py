"""SECURITY.md names tests that exist."""

import re

from tests.serving import ROOT


def missing(page: str) -> set[str]:
    """Return the tests that a page names and that nobody wrote."""
    texts = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    written = set(re.findall(r"^def (test_\w+)\(", texts, re.MULTILINE))
    return set(re.findall(r"`(test_\w+)`", page)) - written


def test_every_test_that_shows_a_point_exists() -> None:
    """A point whose test was renamed or removed is caught."""
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    assert len(re.findall(r"^\| \d", page, re.MULTILINE)) > 35
    assert missing(page) == set()
    assert missing("`test_of_nothing`") == {"test_of_nothing"}
