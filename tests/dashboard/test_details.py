"""The pages that list all values of a dimension."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.dashboard.reading import HOUR, MINUTE, Markup
from tests.editors import Newsroom, newsroom, pageview


@pytest.fixture(name="library", scope="module")
def open_library(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count 120 pages, each viewed by a visitor more than the next; tests only read it."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        room.count(
            *(
                pageview(site, token, HOUR + token * MINUTE, f"/page-{number:03}", country="DE")
                for number in range(120)
                for token in range(1, 2 + (119 - number) // 40)
            ),
            pageview(site, 9, HOUR, "=cmd()", country="NZ", props={"a/b": "x"}),
        )
        yield room


def _rows(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page)
    return [
        [
            *re.findall(r'class="name"[^>]*>(.*?)</(?:a|span)>', row),
            *re.findall("<td>(.*?)</td>", row),
        ]
        for row in rows
    ]


def _get(room: Newsroom, address: str, status: int = 200) -> str:
    response = room.editor().get("/sites/example.com/by/" + address)
    assert response.status_code == status, response.text
    return response.text


def test_a_list_shows_a_hundred_lines_and_leads_on(library: Newsroom) -> None:
    """The most visited first, with where one is in the list."""
    page = _get(library, "page")
    assert len(_rows(page)) == 100
    assert _rows(page)[0][:3] == ["/page-000", "3", "3"]
    assert "1\N{EN DASH}100 of 121" in page
    (following,) = re.findall(r'href="([^"]+)" rel="next"', page)
    rest = _get(library, "page" + following.replace("&amp;", "&"))
    assert len(_rows(rest)) == 21
    assert 'rel="prev"' in rest


def test_a_list_can_be_searched_by_what_is_shown(library: Newsroom) -> None:
    """In any case, by the names of countries too; finding nothing is said."""
    assert len(_rows(_get(library, "page?q=PAGE-01"))) == 10
    assert _rows(_get(library, "country?q=germ"))[0][:2] == ["Germany", "3"]
    assert "Nothing is called “&lt;b&gt;” here." in _get(library, "page?q=<b>")


def test_a_list_can_be_sorted_by_each_column(library: Newsroom) -> None:
    """A click sorts, the next one turns it round; the column says which way."""
    page = _get(library, "page?sort=name")
    assert [row[0] for row in _rows(page)][:2] == ["/page-000", "/page-001"]
    assert '<th scope="col" aria-sort="ascending"><a href="?period=day&amp;sort=-name">' in page
    assert '<a href="?period=day&amp;sort=-visitors">' in page
    assert _rows(_get(library, "page?sort=visitors"))[0][1] == "1"
    assert _get(library, "page?sort=name&q=page").count("sort=-name&amp;q=page") == 0


def test_a_list_is_a_file_too(library: Newsroom) -> None:
    """All of it that was searched for; no cell is a formula."""
    answer = library.editor().get("/sites/example.com/by/page?format=csv&sort=name")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="example.com-page-2026-11-24-2026-11-24.csv"'
    )
    lines = answer.text.splitlines()
    assert lines[0] == "Page,visitors,pageviews,bounce_rate,time_on_page,scroll_depth"
    assert len(lines) == 122
    assert any(line.startswith("'=cmd()") for line in lines)
    answer = library.editor().get("/sites/example.com/by/country?format=json&q=zeal")
    assert msgspec.json.decode(answer.content)["results"] == [
        {"dimensions": ["New Zealand"], "metrics": [1, 1, 1, 100.0, 0.0], "is_hidden": False}
    ]


def test_a_line_leads_to_the_sites_page_narrowed_down(library: Newsroom) -> None:
    """With the period and the filters that are there already."""
    page = _get(library, "country?period=day&f=is,page,/page-000")
    hrefs = Markup(page).hrefs()
    assert "/sites/example.com?period=day&f=is,page,/page-000&f=is,country,DE" in hrefs
    assert "/sites/example.com?period=day&f=is,page,/page-000" in hrefs  # the way back


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("weekday", ["Tuesday", "4"]),
        ("hour_of_day", ["13:00\N{EN DASH}14:00", "4"]),
        ("props:a%2Fb", ["x", "1", "1"]),
        ("hostname", ["example.com", "4"]),
    ],
)
def test_every_dimension_has_a_list(library: Newsroom, address: str, first: list[str]) -> None:
    """Properties and rhythms as well."""
    assert _rows(_get(library, address))[0][: len(first)] == first


@pytest.mark.parametrize(
    "address",
    ["city", "day", "props:", "page?sort=scroll", "page?page=0", "page?page=x", "page?page=%C2%B2"],
)
def test_a_list_that_is_not_there_is_explained(library: Newsroom, address: str) -> None:
    """Which dimensions, columns and pages there are is closed."""
    assert 'role="alert"' in _get(library, address, 400)


def test_a_list_that_takes_too_long_says_so(library: Newsroom) -> None:
    """Instead of the table; as a file it is not handed over half."""
    room = Newsroom(library.folder, library.control, library.store, parts={"limit_s": 0})
    for address in ("page?f=is,country,DE", "page?f=is,country,DE&format=csv"):
        assert "This took longer than 0 s." in _get(room, address)
