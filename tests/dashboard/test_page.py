"""A site's page."""

import re
from dataclasses import replace
from datetime import date

import pytest

from tests.dashboard.reading import (
    DAY,
    HOUR,
    TODAY,
    Markup,
    card_rows,
    site_page,
    tiles,
)
from tests.editors import Newsroom, pageview


def test_the_six_numbers_of_today(busy: Newsroom) -> None:
    """With their units."""
    assert tiles(site_page(busy)) == {
        "Visitors": "3",
        "Visits": "3",
        "Pageviews": "4",
        "Views per visit": "1.3",
        "Bounce rate": "67%",
        "Visit duration": "40 s",
    }


def test_the_cards_of_today(busy: Newsroom) -> None:
    """Values have names, empty ones too, and shares are of the period's visitors."""
    page = site_page(busy)
    assert card_rows(page, "pages") == [["/", "2", "2"], ["/a", "1", "1"], ["/b", "1", "1"]]
    assert card_rows(page, "sources") == [["Direct / None", "2", "67%"], ["Google", "1", "33%"]]
    assert card_rows(page, "places") == [
        ["Unknown", "1", "33%"],
        ["Germany", "1", "33%"],
        ["United Kingdom", "1", "33%"],
    ]
    assert card_rows(page, "devices") == [["Mobile", "2", "67%"], ["Unknown", "1", "33%"]]
    assert card_rows(page, "events") == []


@pytest.mark.parametrize(
    ("tab", "rows"),
    [
        ("devices=browser", [["Safari", "2", "67%"], ["Firefox", "1", "33%"]]),
        ("devices=os", [["iOS", "2", "67%"], ["Unknown", "1", "33%"]]),
        ("sources=referrer", [["Direct / None", "3", "100%"]]),
        ("pages=entry_page", [["/", "2", "2"], ["/b", "1", "1"]]),
        ("pages=nothing", [["/", "2", "2"], ["/a", "1", "1"], ["/b", "1", "1"]]),
    ],
)
def test_a_card_has_tabs_that_are_links(busy: Newsroom, tab: str, rows: list[list[str]]) -> None:
    """Which one is in front is in the address; a tab that is none is the first."""
    page = site_page(busy, f"?{tab}")
    assert card_rows(page, tab.partition("=")[0]) == rows
    assert f"?period=day&amp;{tab}#{tab.partition('=')[0]}" in page or "nothing" in tab


def test_the_page_says_what_its_numbers_speak_of(busy: Newsroom) -> None:
    """Days, hour, time zone, current visitors, and how it counts in two sentences."""
    words = Markup(site_page(busy)).words
    assert "Tuesday 24 November 2026 , until 14:32 (Europe/Berlin time)" in words
    assert "1 visitor in the last 5 minutes" in words
    assert "Visitors are counted per day" in words
    assert (
        "17\N{EN DASH}23 November 2026 , without today"
        in Markup(site_page(busy, "?period=7d")).words
    )
    assert "31 October 2026 (Europe/Berlin" in Markup(site_page(busy, "?period=12mo")).words


def test_the_rhythm_is_that_of_whole_days(busy: Newsroom, room: Newsroom) -> None:
    """Today is none of them, until there is another; a weekday counts as often as it comes."""
    yesterday = "Mon 14:00\N{EN DASH}15:00, 1.0 visitors on average"
    assert yesterday in Markup(site_page(busy)).words
    site = room.site()
    room.count(pageview(site, 1, HOUR))
    assert "Tue 13:00\N{EN DASH}14:00, 1.0 visitors on average" in Markup(site_page(room)).words
    room.count(pageview(site, 1, 8 * DAY), pageview(site, 2, 8 * DAY), pageview(site, 3, 15 * DAY))
    words = Markup(site_page(room)).words
    assert "Mean visitors of each hour, 9\N{EN DASH}23 November 2026" in words
    assert "Mon 14:00\N{EN DASH}15:00, 1.0 visitors on average" in words


def test_the_numbers_of_the_chart_can_be_read_as_a_table(busy: Newsroom) -> None:
    """Every hour up to now, the current one marked, none of those to come."""
    rows = re.findall(r"<tr><th scope=\"row\">(\d\d:00[^<]*)</th><td>(\d+)</td>", site_page(busy))
    assert len(rows) == 15
    assert ("11:00\N{EN DASH}12:00", "1") in rows
    assert rows[-1] == ("14:00\N{EN DASH}15:00 so far", "1")


def test_the_chart_begins_with_the_first_day(busy: Newsroom) -> None:
    """What was before it has a place on the axis, but is no zero: there was nobody to count."""
    page = site_page(busy, "?period=7d")
    assert re.findall(r'<tr><th scope="row">([^<]+)</th><td>(\d+)</td>', page) == [
        ("Mon 23 Nov", "1")
    ]
    assert page.count('<g class="at">') == 1
    assert page.count('class="dot"') == 1
    assert ">Wed 18</text>" in page
    before = site_page(busy, "?period=custom&from=2026-11-01&to=2026-11-20")
    assert "Counting began on 23 November 2026." in before
    assert '<g class="at">' not in before


def test_the_chart_ends_with_the_present(busy: Newsroom) -> None:
    """The hours of today that are to come have a place on the axis, but no points."""
    page = site_page(busy)
    assert page.count('<g class="at">') == 15
    assert page.count('class="line unfinished"') == 1
    assert ">21:00</text>" in page
    assert 'class="line unfinished"' not in site_page(busy, "?period=7d")


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("2026-11-20", "2026-11-24", ["Fri 20", "Sat 21", "Sun 22", "Mon 23", "Tue 24"]),
        ("2026-10-28", "2026-11-24", ["2 Nov", "9 Nov", "16 Nov", "23 Nov"]),
        ("2025-11-25", "2026-03-10", ["Dec", "Jan 2026", "Feb", "Mar"]),
    ],
)
def test_days_are_named_below_the_chart_as_closely_as_they_fit(
    busy: Newsroom, first: str, last: str, names: list[str]
) -> None:
    """Each, the Mondays, or the first of each month."""
    page = site_page(busy, f"?period=custom&from={first}&to={last}")
    assert re.findall(r'class="time \w+"[^>]*>([^<]+)<', page) == names


def test_of_two_neighbouring_days_one_gives_way_on_a_phone(busy: Newsroom) -> None:
    """Seven names do not fit there, five do."""
    week = re.findall(r'class="time (\w+)"', site_page(busy, "?period=7d"))
    assert week in (["major", "minor"] * 3 + ["major"], ["minor", "major"] * 3 + ["minor"])
    five = site_page(busy, "?period=custom&from=2026-11-20&to=2026-11-24")
    assert re.findall(r'class="time (\w+)"', five) == ["major"] * 5


def test_each_number_can_be_put_into_the_chart(busy: Newsroom) -> None:
    """A tile is a link that keeps the period; the address is all the state there is."""
    page = site_page(busy, "?period=7d&metric=bounce_rate")
    assert "Bounce rate per day" in page
    assert "?period=7d&amp;metric=visit_duration" in page
    assert 'href="?period=7d"' in page


def test_a_period_without_visitors_says_so(busy: Newsroom) -> None:
    """Zeros are zeros, means of nothing are dashes, and one learns since when there are numbers."""
    page = site_page(busy, "?period=custom&from=2026-10-01&to=2026-10-02")
    assert tiles(page)["Visitors"] == "0"
    assert tiles(page)["Bounce rate"] == "\N{EN DASH}"
    assert "Counting began on 23 November 2026" in page


@pytest.mark.parametrize(
    "query",
    [
        "?period=fortnight",
        "?period=custom",
        "?period=custom&from=2026-11-24",
        "?period=custom&from=x&to=y",
        "?period=custom&from=2026-11-24&to=2026-11-23",
        "?compare=last%20week",
        "?step=minute",
        "?f=is,source",
        "?f=resembles,source,Google",
        "?f=is,city,Berlin",
        "?f=is,day,2026-11-24",
        "?f=matches,page,(",
        "?field=source&comparing=is&value=",
        "?field=props&comparing=is&value=x",
        "?period=custom&from=2026-11-25&to=2026-11-26",
        "?metric=revenue",
        "?period=%3Cscript%3E",
    ],
)
def test_a_period_that_cannot_be_shown_is_explained(busy: Newsroom, query: str) -> None:
    """The picker stays, so that one can choose another."""
    response = busy.editor().get("/sites/example.com" + query)
    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert "Yesterday" in response.text
    assert "<script>" not in response.text


def test_an_unknown_site_is_a_404_with_a_way_back(busy: Newsroom) -> None:
    """For those who are logged in."""
    response = busy.editor().get("/sites/nobody.example")
    assert response.status_code == 404
    assert "/" in Markup(response.text).hrefs()


def test_countries_are_a_map_too(busy: Newsroom) -> None:
    """Those with visitors are links that say how many; the others are outlines."""
    page = site_page(busy, "?places=map")
    tags = Markup(page.partition('<svg class="map"')[2].partition("</svg>")[0]).tags
    links = {a["aria-label"]: a["href"] for tag, a in tags if tag == "a"}
    assert links == {
        "Germany: 1 visitor": "?period=day&f=is,country,DE&places=map",
        "United Kingdom: 1 visitor": "?period=day&f=is,country,GB&places=map",
    }
    assert len([tag for tag, _ in tags if tag == "path"]) > 170
    germany = site_page(busy, "?places=map&f=is,country,DE")
    assert 'aria-label="Germany: 1 visitor"' not in germany
    assert "Germany: 1 visitor" in germany


def test_a_card_shows_nine_lines_and_leads_to_all_of_them(room: Newsroom) -> None:
    """The most frequent first."""
    site = room.site()
    events = [pageview(site, 1, HOUR, f"/page-{number:02}") for number in range(61)]
    room.count(*events, pageview(site, 2, HOUR, "/page-60"))
    page = site_page(room)
    assert card_rows(page, "pages")[0] == ["/page-60", "2", "2"]
    assert len(card_rows(page, "pages")) == 9
    assert "/sites/example.com/by/page?period=day" in Markup(page).hrefs()


def test_a_page_can_be_opened_unless_its_path_was_scrubbed(room: Newsroom) -> None:
    """Its link leaves no referrer, and never leaves the site."""
    site = room.site()
    paths = ("/a b?c#d", "/user/:id", "//evil.example/", "javascript:alert(1)", "/ü")
    room.count(*(pageview(site, 1, HOUR, path) for path in paths))
    tags = Markup(site_page(room)).tags
    opened = {str(a["href"]): a for tag, a in tags if tag == "a" and a.get("class") == "open"}
    assert set(opened) == {
        "https://example.com/a%20b%3Fc%23d",
        "https://example.com//evil.example/",
        "https://example.com/%C3%BC",
    }
    assert {attrs["rel"] for attrs in opened.values()} == {"noreferrer noopener"}


def test_countries_are_credited_as_their_licence_asks(busy: Newsroom) -> None:
    """A link and the month of the data, and only for DB-IP's."""
    assert "db-ip.com" not in site_page(busy)
    ours = replace(busy, parts={"geo_attribution": True, "geo_date": date(2026, 11, 1)})
    page = site_page(ours)
    assert '<a href="https://db-ip.com">IP Geolocation by DB-IP</a>, November 2026' in page
    broken = replace(busy, parts={"geo_notice": "The country data cannot be read."})
    assert "The country data cannot be read." in site_page(broken)


def test_a_day_on_which_visitors_count_twice_is_marked(busy: Newsroom) -> None:
    """Only where the period has such a day."""
    room = replace(busy, parts={"rekeyed": lambda _site: frozenset({TODAY})})
    assert "On Tue 24 Nov the secret" in site_page(room)
    assert "restarted" not in site_page(room, "?period=7d")


def test_what_the_operator_must_know_is_on_every_page(busy: Newsroom) -> None:
    """As text."""
    room = replace(busy, parts={"notices": lambda: ("Keys are <b>not</b> in RAM.",)})
    assert "Keys are &lt;b&gt;not&lt;/b&gt; in RAM." in site_page(room)


@pytest.mark.parametrize(
    ("query", "renews"),
    [
        ("", True),
        ("?period=custom&from=2026-11-01&to=2026-11-24", True),
        ("?period=7d", False),
        ("?period=custom&from=2026-11-23&to=2026-11-23", False),
    ],
)
def test_a_page_renews_itself_while_its_numbers_change(
    busy: Newsroom, query: str, *, renews: bool
) -> None:
    """What is over stays as it is. Without a script a link does it: forms would be emptied."""
    page = site_page(busy, query)
    assert ('hx-trigger="every 10s"' in page) == renews
    assert ('<noscript> <a href="">Renew</a></noscript>' in page) == renews
    assert 'http-equiv="refresh"' not in page
