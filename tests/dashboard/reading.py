"""What a test reads off the dashboard's pages."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser

from tests.editors import Newsroom

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TODAY = date(2026, 11, 24)

XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "</title></style><svg onload=alert(1)>",
    '/a"onmouseover="alert(1)',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
)


class Markup(HTMLParser):
    """What a page is made of: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    @property
    def words(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self.texts).split())

    def hrefs(self) -> list[str]:
        """Return where the page's links lead."""
        return [str(attrs["href"]) for tag, attrs in self.tags if tag == "a" and "href" in attrs]


def site_page(room: Newsroom, query: str = "") -> str:
    """Return the page of example.com as an editor gets it."""
    response = room.editor().get("/sites/example.com" + query)
    assert response.status_code == 200, response.text
    return response.text


def tiles(page: str) -> dict[str, str]:
    """Return the six numbers by their names, as they are written."""
    found = re.findall(r'class="label">([^<]+)</span>\s*<span class="value[^"]*">([^<]+)<', page)
    return dict(found)


def card_rows(page: str, key: str) -> list[list[str]]:
    """Return the rows of a card as texts."""
    section = page.partition(f'aria-labelledby="{key}-title"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", section)
    return [
        [name, *re.findall(r"<td>(.*?)</td>", row)]
        for row in rows
        for name in re.findall(r'class="name"[^>]*>(.*?)</(?:a|span)>', row)
    ]
