"""The style sheet, of which browsers see one and authors several parts."""

import re
from pathlib import Path

from tests.editors import Newsroom

PARTS = Path(__file__).parents[2] / "dashboard" / "static"
_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)
# Margins and the like of four different values have a left and a right, too.
_SIDES = re.compile(
    r"\b(?:left|right)\b(?!-)|(?:margin|padding|inset|border-\w+): \S+ (\S+) \S+ (?!\1;)\S+;"
)


def test_every_part_is_served_in_the_one_sheet(busy: Newsroom) -> None:
    """A part that nobody asks for would be written for nothing; none is served alone."""
    client = busy.client()
    sheet = client.get("/assets/style.css").text
    parts = [*PARTS.glob("*.css")]
    assert parts
    for part in parts:
        assert part.read_text() in sheet, part
        assert client.get(f"/assets/{part.name}").status_code == 404


def test_nothing_is_laid_out_by_left_and_right() -> None:
    """Where a line begins is said instead, so that pages can be read from right to left."""
    for part in PARTS.glob("*.css"):
        rules = _COMMENTS.sub("", part.read_text())
        assert not _SIDES.search(rules), (part, _SIDES.search(rules))
    assert _SIDES.search("margin-left: 1px")
    assert _SIDES.search("padding: 1px 2px 3px 4px;")
    assert not _SIDES.search("padding: 1px 2px 3px 2px;")
