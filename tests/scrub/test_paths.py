"""What is kept of paths, by the tables of `shapes.py` and where a path has an odd form."""

from urllib.parse import unquote

import pytest

from collector.identifiers import MARK
from collector.scrub import scrub_path
from tests.scrub.shapes import GOING, STAYING, UUID


def test_there_are_enough_of_both() -> None:
    """The tables are no handful of examples."""
    assert len(STAYING) >= 150
    assert len(GOING) >= 150
    assert len(set(STAYING)) == len(STAYING)
    assert len(set(GOING)) == len(GOING)


@pytest.mark.parametrize("path", STAYING)
def test_ordinary_paths_stay_and_become_readable(path: str) -> None:
    """Slugs in any language, dates, versions and short numbers are kept, decoded."""
    assert scrub_path(path) == unquote(path)
    assert scrub_path(unquote(path)) == unquote(path)


@pytest.mark.parametrize(("path", "expected"), GOING)
def test_identifiers_become_marks(path: str, expected: str) -> None:
    """Whatever names somebody goes, and what stands beside it stays."""
    assert scrub_path(path) == unquote(expected)
    assert scrub_path(unquote(expected)) == unquote(expected)


@pytest.mark.parametrize("path", [*STAYING, *(path for path, _ in GOING)])
def test_the_quick_road_leads_where_the_slow_one_does(path: str) -> None:
    """Encoding one letter keeps a path from the quick road, and changes nothing else."""
    for place, character in enumerate(path):
        if (
            character.isalpha()
            and character.isascii()
            and "%" not in path[max(0, place - 5) : place]
        ):
            encoded = f"{path[:place]}%{ord(character):x}{path[place + 1 :]}"
            if path.count("%25") < 2:  # no room for one more round
                assert scrub_path(encoded) == scrub_path(path)
            break


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("//a///b//", "/a/b/"),
        ("/a%2Fb", "/a/b"),
        ("/a%2F%2Fb", "/a/b"),
        ("\\a\\b", "/a/b"),
        ("/a\tb\n", "/ab"),
        ("/a%09b", "/ab"),
        ("/a%20%20b", "/a b"),
        ("/a%C2%A0b", "/a b"),
        ("/a%C2%ADb", "/ab"),
        ("/%E2%80%AEgpj.exe", "/gpj.exe"),
        ("/cafe%CC%81", "/café"),
        ("/%F3%A0%80%A1%F3%A0%81%81x", "/x"),
    ],
)
def test_a_path_has_one_spelling(path: str, expected: str) -> None:
    """Doubled slashes, backslashes, odd spaces, unseen characters and composition are folded."""
    assert scrub_path(path) == expected


def test_a_trailing_slash_is_kept_as_sent() -> None:
    """Sites tell /a from /a/."""
    assert (scrub_path("/a"), scrub_path("/a/"), scrub_path("/123456/")) == ("/a", "/a/", "/:id/")


def test_a_long_path_is_cut_between_segments() -> None:
    """What is left is at most 2,000 characters, whole segments, and scrubs to itself."""
    path = "/part" * 500
    assert scrub_path(path) == "/part" * 399
    assert scrub_path("/part" * 400) == "/part" * 400
    encoded = "/%70art" * 500
    assert scrub_path(encoded) == "/part" * 399


def test_a_cut_leaves_no_part_of_an_identifier() -> None:
    """The cut comes after the scrubbing."""
    for length in range(1980, 2000):
        path = f"{'/a' * (length // 2)}/john@example.com/{UUID}"
        left = scrub_path(path)
        assert "john" not in left
        assert "550e" not in left
        assert len(left) <= 2_000


def test_a_mark_is_no_identifier() -> None:
    """Marks stay as they are, also side by side."""
    assert scrub_path(f"/{MARK}/{MARK}-{MARK}{MARK}") == f"/{MARK}/{MARK}-{MARK}{MARK}"
