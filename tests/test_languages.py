"""The catalogue of what visitors read: whole in every language, and the right one for each."""

import re
from pathlib import Path

import pytest

from collector.journal import Event
from collector.languages import LANGUAGES, chosen, words
from collector.outcomes import DropReason

ROOT = Path(__file__).parents[1]
_NAMES = re.compile(r"\{(\w+)\}")
_ASKED = re.compile(r"say\(\"(\w+\.\w+)\"|\"(\w+\.\w+)\" if|else \"(\w+\.\w+)\"")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_everything(language: str) -> None:
    """The same keys with the same names in braces, and no text left empty."""
    first, this = words(LANGUAGES[0]).texts, words(language).texts
    assert this.keys() == first.keys()
    assert {
        key for key in first if set(_NAMES.findall(first[key])) != set(_NAMES.findall(this[key]))
    } == set()
    assert all(text.strip() for text in this.values())


def test_no_text_was_left_in_english() -> None:
    """But for what is the same in both, such as a number of letters or a name."""
    first = words("en").texts
    for language in LANGUAGES[1:]:
        same = {key for key, text in words(language).texts.items() if first[key] == text}
        assert len(same) < 5, same


def test_pages_ask_for_nothing_that_is_not_there() -> None:
    """A page would fail in front of a visitor."""
    pages = (ROOT / "collector" / "templates").glob("*.*")
    asked = {
        key
        for page in pages
        for found in _ASKED.findall(page.read_text("utf-8"))
        for key in found
        if key
    }
    assert len(asked) > 50
    assert asked - words("en").texts.keys() == set()


def test_every_column_and_reason_is_explained() -> None:
    """Their names are put together with their group only while a page is made."""
    texts = words("en").texts
    assert {f"column.{field}" for field in Event.__struct_fields__} <= texts.keys()
    hidden = {
        DropReason.UNKNOWN_SITE,
        DropReason.FLOOD,
        DropReason.DAILY_LIMIT,
        DropReason.LATE,
    }
    shown = {*DropReason} - hidden
    assert {f"reason.{reason.value}" for reason in shown} <= texts.keys()


@pytest.mark.parametrize(
    ("asked", "accept_language", "expected"),
    [
        ("", "", "en"),
        ("de", "fr", "de"),
        ("xx", "fr", "fr"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "en;q=0.5, es-419;q=0.9", "es"),
        ("", "nl, FR-ca;q=0.3", "fr"),
        ("", "de;q=0, fr", "fr"),
        ("", "de;q=high, es", "es"),
        ("", "*", "en"),
        ("", ",;=,\xff", "en"),
        ("", "nl," * 5000 + "de", "en"),
    ],
)
def test_a_visitor_is_answered_in_the_language_of_their_wishes(
    asked: str, accept_language: str, expected: str
) -> None:
    """The page's address first, then the browser's wishes by weight, else English."""
    assert chosen(asked, accept_language) == expected
