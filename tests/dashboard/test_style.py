"""The style sheet and the script, of which browsers see one and authors several parts."""

import re
from pathlib import Path

import pytest

from tests.editors import Newsroom

PARTS = Path(__file__).parents[2] / "dashboard" / "static"
VENDOR = PARTS.parent / "vendor"
_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)
# Margins and the like of four different values have a left and a right, too.
_SIDES = re.compile(
    r"\b(?:left|right)\b(?!-)|(?:margin|padding|inset|border-\w+): \S+ (\S+) \S+ (?!\1;)\S+;"
)


@pytest.mark.parametrize(
    ("whole", "alone"), [("style.css", set()), ("script.js", {"live.js", "passkeys.js"})]
)
def test_every_part_is_served_in_the_one_file(busy: Newsroom, whole: str, alone: set[str]) -> None:
    """A part that nobody asks for would be written for nothing; few pages need one of its own."""
    client = busy.client()
    served = client.get(f"/assets/{whole}").text
    suffix = whole.partition(".")[2]
    parts = [*PARTS.glob(f"*.{suffix}"), *VENDOR.glob(f"*.{suffix}")]
    assert len(parts) > 4
    for part in parts:
        assert (part.read_text() in served) != (part.name in alone), part
        expected_status = 200 if part.name in alone else 404
        assert client.get(f"/assets/{part.name}").status_code == expected_status


def test_nothing_is_laid_out_by_left_and_right() -> None:
    """Where a line begins is said instead, so that pages can be read from right to left."""
    for part in PARTS.glob("*.css"):
        rules = _COMMENTS.sub("", part.read_text())
        assert not _SIDES.search(rules), (part, _SIDES.search(rules))
    assert _SIDES.search("margin-left: 1px")
    assert _SIDES.search("padding: 1px 2px 3px 4px;")
    assert not _SIDES.search("padding: 1px 2px 3px 2px;")
