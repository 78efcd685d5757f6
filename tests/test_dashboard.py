"""The pages that editors look at, and who may look."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from collector.question import Dimension, Period
from dashboard.accounts import local_path
from dashboard.addresses import View, view_of
from dashboard.app import SECURITY_HEADERS, Finding
from dashboard.assets import asset_url
from dashboard.countries import country_name
from dashboard.formats import Unit, amount, axis_label, days, share
from dashboard.measures import Measure
from dashboard.periods import PeriodError, Preset, State, buckets, span
from tests.editors import BERLIN, KEY, NOW, Newsroom, newsroom, pageview

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


@pytest.fixture(name="room")
def open_room(ram: Path) -> Iterator[Newsroom]:
    """Open an empty data directory."""
    with newsroom(ram) as room:
        yield room


@pytest.fixture(name="busy", scope="module")
def open_busy_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count some visits of today and yesterday; tests only read it."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        mobile = {"device": "Mobile", "browser": "Safari", "os": "iOS"}
        room.count(
            pageview(site, 1, 3 * HOUR, "/", source="Google", country="DE", **mobile),
            pageview(site, 1, 3 * HOUR - 2 * MINUTE, "/a", source="Google", country="DE", **mobile),
            pageview(site, 2, 2 * HOUR, "/", country="GB", **mobile),
            pageview(site, 3, 3 * MINUTE, "/b", browser="Firefox"),
            pageview(site, 4, DAY, "/yesterday", source="Bluesky"),
        )
        yield room


def _site_page(room: Newsroom, query: str = "") -> str:
    response = room.editor().get("/sites/example.com" + query)
    assert response.status_code == 200, response.text
    return response.text


def _tiles(page: str) -> dict[str, str]:
    found = re.findall(r'class="label">([^<]+)</span>\s*<span class="value[^"]*">([^<]+)<', page)
    return dict(found)


def _card(page: str, key: str) -> list[list[str]]:
    """Return the rows of a card as texts."""
    section = page.partition(f'aria-labelledby="{key}-title"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", section)
    return [
        [name, *re.findall(r"<td>(.*?)</td>", row)]
        for row in rows
        for name in re.findall(r'class="name"[^>]*>(.*?)</span>', row)
    ]


# Who may look


@pytest.mark.parametrize("path", ["/", "/sites/example.com?period=7d", "/sites/nobody.example"])
def test_without_a_login_every_page_leads_to_the_form(busy: Newsroom, path: str) -> None:
    """And says nothing about which sites there are."""
    client = busy.client()
    response = client.get(path)
    assert response.status_code == 303
    assert response.text == ""
    form = client.get(response.headers["location"])
    assert form.status_code == 200
    assert 'name="key"' in form.text


def test_the_right_key_leads_to_where_one_wanted_to_go(busy: Newsroom) -> None:
    """The form carries the address along."""
    client = busy.client()
    form = client.get(client.get("/sites/example.com?period=7d").headers["location"])
    wanted = next(a["value"] for t, a in Markup(form.text).tags if a.get("name") == "next")
    response = client.post("/login", data={"key": f" {KEY}\n", "next": str(wanted)})
    assert response.status_code == 303
    assert response.headers["location"] == "/sites/example.com?period=7d"
    assert client.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    ("scheme", "cookie"),
    [("https", r"__Host-gatecount-login=[\w-]+"), ("http", r"gatecount-login=[\w-]+")],
)
def test_the_login_cookie_is_kept_from_scripts_and_other_sites(
    busy: Newsroom, scheme: str, cookie: str
) -> None:
    """Secure with the `__Host-` prefix over https; never with a domain."""
    response = busy.client(scheme).post("/login", data={"key": KEY})
    value, *attributes = response.headers["set-cookie"].split("; ")
    assert re.fullmatch(cookie, value)
    expected = {"HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax"}
    assert set(attributes) == (expected | {"Secure"} if scheme == "https" else expected)


def test_over_https_a_cookie_without_the_prefix_is_not_believed(busy: Newsroom) -> None:
    """A neighbour host could have planted it."""
    plain = busy.editor().http.cookies["gatecount-login"]
    client = busy.client("https")
    client.http.cookies.set("gatecount-login", plain, domain="stats.example.com")
    assert client.get("/").status_code == 303
    client.http.cookies.set("__Host-gatecount-login", plain, domain="stats.example.com")
    assert client.get("/sites/example.com").status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "\0", "ключ"])
def test_a_wrong_key_opens_nothing(busy: Newsroom, key: str) -> None:
    """And is not repeated on the page."""
    response = busy.client().post("/login", data={"key": key, "next": "/sites/example.com"})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers
    assert not key or f'value="{key}"' not in response.text
    assert 'value="/sites/example.com"' in response.text


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "sites",
        "//evil.example",
        "//evil.example/sites",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/ä",
        "/" + "a" * 2001,
    ],
)
def test_a_login_leads_to_no_other_host(busy: Newsroom, wanted: str) -> None:
    """What is not plainly a path of ours becomes the front page."""
    response = busy.client().post("/login", data={"key": KEY, "next": wanted})
    assert (response.status_code, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/", "/sites/a.example", "/sites/a?x=%2F&y=b", "/" + "a" * 2000])
def test_a_path_of_ours_is_kept(path: str) -> None:
    """Queries and escapes included, up to 2,001 characters."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://stats.example.com"}, True),
        ({"Origin": "http://stats.example.com"}, False),
        ({"Origin": "https://stats.example.com"}, False),  # TLS may end at a proxy
        ({"Origin": "http://example.com"}, True),
        ({"Origin": "http://stats.example.com.evil.example"}, True),
        ({"Origin": "null"}, True),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_forms_are_taken_from_our_own_pages_only(
    busy: Newsroom, path: str, headers: dict[str, str], *, is_refused: bool
) -> None:
    """Sec-Fetch-Site decides, and Origin where a browser is too old for it."""
    response = busy.client().post(path, data={"key": KEY}, headers=headers)
    assert (response.status_code == 403) == is_refused


def test_wrong_keys_are_slowed_down_for_everyone_together(busy: Newsroom) -> None:
    """Ten at once, then one a second; logins that are open stay so, and no address is kept."""
    room = replace(busy)
    editor = room.editor()
    path = "/login"
    assert [editor.post(path, data={"key": "no"}).status_code for _ in range(10)] == [403] * 10
    refused = editor.post(path, data={"key": KEY})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert editor.get("/sites/example.com").status_code == 200
    room.now += timedelta(seconds=1)
    assert editor.post(path, data={"key": KEY}).status_code == 303
    assert editor.post(path, data={"key": KEY}).status_code == 303


def test_a_clock_that_runs_back_refills_nothing(busy: Newsroom) -> None:
    """Otherwise setting it would reset the bucket."""
    room = replace(busy)
    client = room.client()
    for _ in range(10):
        client.post("/login", data={"key": "no"})
    room.now -= DAY
    assert client.post("/login", data={"key": "no"}).status_code == 429


@pytest.mark.parametrize(
    "body", [b"", b"key", b"&" * 100, b"key=\xff\xfe", b"key=" + b"a" * 5000, b"%" * 100]
)
def test_a_form_that_is_none_opens_nothing(busy: Newsroom, body: bytes) -> None:
    """It is refused, however odd or long."""
    assert busy.client().post("/login", content=body).status_code in {400, 403}


def test_logging_out_ends_the_login_also_where_it_was_copied(busy: Newsroom) -> None:
    """The token is closed, not only its cookie dropped."""
    editor = busy.editor()
    token = editor.http.cookies["gatecount-login"]
    response = editor.post("/logout")
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "gatecount-login" not in editor.http.cookies
    thief = busy.client()
    thief.http.cookies.set("gatecount-login", token)
    assert thief.get("/sites/example.com").status_code == 303


def test_a_login_ends_after_thirty_days(busy: Newsroom) -> None:
    """The dashboard asks the control database each time."""
    room = replace(busy)
    editor = room.editor()
    room.now += 30 * DAY
    assert editor.get("/sites/example.com").status_code == 303


def test_whoever_is_logged_in_is_not_asked_again(busy: Newsroom) -> None:
    """The form leads on."""
    response = busy.editor().get("/login?next=/sites/example.com")
    assert (response.status_code, response.headers["location"]) == (303, "/sites/example.com")


def test_logging_out_needs_a_post(busy: Newsroom) -> None:
    """A link or an image must not do it."""
    assert busy.editor().get("/logout").status_code == 405


# The front page


def test_without_a_site_the_page_says_how_to_add_one(room: Newsroom) -> None:
    """It looks again by itself, also without scripts."""
    page = room.editor().get("/").text
    assert "gatecount site add example.com" in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page


def test_the_only_site_is_the_front_page(busy: Newsroom) -> None:
    """One click less a day; its page then links no list."""
    response = busy.editor().get("/")
    assert (response.status_code, response.headers["location"]) == (303, "/sites/example.com")
    assert "All sites" not in _site_page(busy)


def test_several_sites_are_a_list_with_their_visitors_of_today(room: Newsroom) -> None:
    """Each in its own time zone: on Kiritimati it is tomorrow already."""
    near, far = room.site("b.example"), room.site("a.example", "Pacific/Kiritimati")
    room.count(
        pageview(near, 1, MINUTE),
        pageview(near, 2, 6 * HOUR),
        pageview(far, 3, MINUTE),
        pageview(far, 4, 6 * HOUR),  # 21:32 of the day before, there
    )
    page = room.editor().get("/").text
    rows = re.findall(r'href="/sites/([^"]+)">.*?<td>(\d+)</td><td>(\d+)</td>', page)
    assert rows == [("a.example", "1", "1"), ("b.example", "2", "1")]
    assert "All sites" in room.editor().get("/sites/b.example").text


# A site's page


def test_the_six_numbers_of_today(busy: Newsroom) -> None:
    """With their units."""
    assert _tiles(_site_page(busy)) == {
        "Visitors": "3",
        "Visits": "3",
        "Pageviews": "4",
        "Views per visit": "1.3",
        "Bounce rate": "67%",
        "Visit duration": "40 s",
    }


def test_the_cards_of_today(busy: Newsroom) -> None:
    """Values have names, empty ones too, and shares are of the period's visitors."""
    page = _site_page(busy)
    assert _card(page, "pages") == [["/", "2", "2"], ["/a", "1", "1"], ["/b", "1", "1"]]
    assert _card(page, "sources") == [["Direct / None", "2", "67%"], ["Google", "1", "33%"]]
    assert _card(page, "countries") == [
        ["Unknown", "1", "33%"],
        ["Germany", "1", "33%"],
        ["United Kingdom", "1", "33%"],
    ]
    assert _card(page, "devices") == [["Mobile", "2", "67%"], ["Unknown", "1", "33%"]]
    assert _card(page, "browsers") == [["Safari", "2", "67%"], ["Firefox", "1", "33%"]]
    assert _card(page, "systems") == [["iOS", "2", "67%"], ["Unknown", "1", "33%"]]


def test_the_page_says_what_its_numbers_speak_of(busy: Newsroom) -> None:
    """Days, hour, time zone, current visitors, and how it counts in two sentences."""
    words = Markup(_site_page(busy)).words
    assert "Tuesday 24 November 2026 , until 14:32 (Europe/Berlin time)" in words
    assert "1 visitor in the last 5 minutes" in words
    assert "Visitors are counted per day" in words
    assert (
        "17\N{EN DASH}23 November 2026 , without today"
        in Markup(_site_page(busy, "?period=7d")).words
    )


def test_the_numbers_of_the_chart_can_be_read_as_a_table(busy: Newsroom) -> None:
    """Every hour up to now, the current one marked, none of those to come."""
    rows = re.findall(r"<tr><th scope=\"row\">(\d\d:00[^<]*)</th><td>(\d+)</td>", _site_page(busy))
    assert len(rows) == 15
    assert ("11:00\N{EN DASH}12:00", "1") in rows
    assert rows[-1] == ("14:00\N{EN DASH}15:00 so far", "1")


def test_the_chart_ends_with_the_present(busy: Newsroom) -> None:
    """The hours of today that are to come have a place on the axis, but no points."""
    page = _site_page(busy)
    assert page.count('<g class="at">') == 15
    assert page.count('class="line unfinished"') == 1
    assert ">21:00</text>" in page
    assert 'class="line unfinished"' not in _site_page(busy, "?period=7d")


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
    page = _site_page(busy, f"?period=custom&from={first}&to={last}")
    assert re.findall(r'class="time \w+"[^>]*>([^<]+)<', page) == names


def test_of_two_neighbouring_days_one_gives_way_on_a_phone(busy: Newsroom) -> None:
    """Seven names do not fit there, five do."""
    week = re.findall(r'class="time (\w+)"', _site_page(busy, "?period=7d"))
    assert week in (["major", "minor"] * 3 + ["major"], ["minor", "major"] * 3 + ["minor"])
    five = _site_page(busy, "?period=custom&from=2026-11-20&to=2026-11-24")
    assert re.findall(r'class="time (\w+)"', five) == ["major"] * 5


def test_each_number_can_be_put_into_the_chart(busy: Newsroom) -> None:
    """A tile is a link that keeps the period; the address is all the state there is."""
    page = _site_page(busy, "?period=7d&metric=bounce_rate")
    assert "Bounce rate per day" in page
    assert "?period=7d&amp;metric=visit_duration" in page
    assert 'href="?period=7d"' in page


def test_a_period_without_visitors_says_so(busy: Newsroom) -> None:
    """Zeros are zeros, means of nothing are dashes, and one learns since when there are numbers."""
    page = _site_page(busy, "?period=custom&from=2026-10-01&to=2026-10-02")
    assert _tiles(page)["Visitors"] == "0"
    assert _tiles(page)["Bounce rate"] == "\N{EN DASH}"
    assert "Counting began on 23 November 2026" in page


@pytest.mark.parametrize(
    "query",
    [
        "?period=fortnight",
        "?period=custom",
        "?period=custom&from=2026-11-24",
        "?period=custom&from=x&to=y",
        "?period=custom&from=2026-11-24&to=2026-11-23",
        "?period=custom&from=2025-11-23&to=2026-11-24",
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


def test_ten_lines_are_shown_and_fifty_more_unfold(room: Newsroom) -> None:
    """The most frequent first; beyond sixty the card says that there are others."""
    site = room.site()
    events = [pageview(site, 1, HOUR, f"/page-{number:02}") for number in range(61)]
    room.count(*events, pageview(site, 2, HOUR, "/page-60"))
    page = _site_page(room)
    shown, _, unfolded = page.partition('<details id="pages-more">')
    assert _card(page, "pages")[0] == ["/page-60", "2", "2"]
    assert (len(_card(shown, "pages")), len(_card(page, "pages"))) == (10, 60)
    assert "50 more (and there are others)" in unfolded


def test_a_page_can_be_opened_unless_its_path_was_scrubbed(room: Newsroom) -> None:
    """Its link leaves no referrer, and never leaves the site."""
    site = room.site()
    paths = ("/a b?c#d", "/user/:id", "//evil.example/", "javascript:alert(1)", "/ü")
    room.count(*(pageview(site, 1, HOUR, path) for path in paths))
    tags = Markup(_site_page(room)).tags
    opened = {str(a["href"]): a for tag, a in tags if tag == "a" and a.get("class") == "open"}
    assert set(opened) == {
        "https://example.com/a%20b%3Fc%23d",
        "https://example.com//evil.example/",
        "https://example.com/%C3%BC",
    }
    assert {attrs["rel"] for attrs in opened.values()} == {"noreferrer noopener"}


def test_countries_are_credited_as_their_licence_asks(busy: Newsroom) -> None:
    """A link and the month of the data, and only for DB-IP's."""
    assert "db-ip.com" not in _site_page(busy)
    ours = replace(busy, parts={"geo_attribution": True, "geo_date": date(2026, 11, 1)})
    page = _site_page(ours)
    assert '<a href="https://db-ip.com">IP Geolocation by DB-IP</a>, November 2026' in page
    broken = replace(busy, parts={"geo_notice": "The country data cannot be read."})
    assert "The country data cannot be read." in _site_page(broken)


def test_a_day_on_which_visitors_count_twice_is_marked(busy: Newsroom) -> None:
    """Only where the period has such a day."""
    room = replace(busy, parts={"rekeyed": lambda _site: frozenset({TODAY})})
    assert "restarted on Tue 24 Nov" in _site_page(room)
    assert "restarted" not in _site_page(room, "?period=7d")


def test_what_the_operator_must_know_is_on_every_page(busy: Newsroom) -> None:
    """As text."""
    room = replace(busy, parts={"notices": lambda: ("Keys are <b>not</b> in RAM.",)})
    assert "Keys are &lt;b&gt;not&lt;/b&gt; in RAM." in _site_page(room)


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
    """What is over stays as it is."""
    assert ('data-refresh-s="10"' in _site_page(busy, query)) == renews


# A site without events


def test_a_site_without_events_shows_its_snippet_and_waits(room: Newsroom) -> None:
    """The snippet is text to copy; the page looks again by itself, also without scripts."""
    room.site()
    page = _site_page(room)
    assert "&lt;script defer src=" in page
    assert "Waiting for the first event" in page
    assert "Nothing in the request for this page speaks against" in page
    assert 'data-refresh-s="3"' in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    site = room.control.site("example.com")
    assert site is not None
    room.count(pageview(site, 1, MINUTE))
    assert _tiles(_site_page(room))["Visitors"] == "1"


@pytest.mark.parametrize("finding", Finding)
def test_what_speaks_against_counting_this_browser_is_named(
    room: Newsroom, finding: Finding
) -> None:
    """With what to do about it."""
    room.site()
    room.parts = {"diagnose": lambda _scope, _site: (finding,)}
    words = Markup(_site_page(room)).words
    assert finding.headline in words
    assert finding.advice in words
    assert "Nothing in the request" not in words


# What no page does


def test_hostile_values_are_shown_as_text(room: Newsroom) -> None:
    """Wherever a visitor can put one: page, source, country, device, browser, system."""
    site = room.site()
    room.count(
        *(
            pageview(
                site,
                token,
                HOUR,
                "/" + text,
                source=text,
                country=text,
                device=text,
                browser=text,
                os=text,
            )
            for token, text in enumerate(XSS)
        )
    )
    page = _site_page(room)
    markup = Markup(page)
    allowed = {"html", "head", "body", "main", "header", "footer", "section", "nav", "div"}
    allowed |= {"title", "meta", "link", "script", "noscript", "form", "label", "input", "button"}
    allowed |= {"h1", "h2", "p", "a", "strong", "span", "ul", "li", "details", "summary"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td", "desc"}
    allowed |= {"svg", "g", "rect", "line", "circle", "text", "polygon", "polyline"}
    assert {tag for tag, _ in markup.tags} <= allowed
    assert [a.get("src") for t, a in markup.tags if t == "script"] == [asset_url("dashboard.js")]
    assert "Visitors are counted per day" in markup.words  # read to the end
    for text in XSS:
        assert page.count(f">{_escaped(text)}</span>") == 5, text
        assert f">{_escaped('/' + text)}</span>" in page


def _escaped(text: str) -> str:
    for character, entity in zip("&<>\"'", ("amp", "lt", "gt", "#34", "#39"), strict=True):
        text = text.replace(character, f"&{entity};")
    return text


@pytest.mark.parametrize("path", ["/login", "/sites/example.com", "/sites/nobody.example"])
def test_pages_have_no_inline_script_style_or_handler(busy: Newsroom, path: str) -> None:
    """The policy would block them; nothing is fetched from elsewhere either."""
    client = busy.client() if path == "/login" else busy.editor()
    response = client.get(path)
    for tag, attrs in Markup(response.text).tags:
        assert tag != "style"
        assert not [name for name in attrs if name == "style" or name.startswith("on")]
        assert not str(attrs.get("src") or "/").startswith(("http", "//"))
        assert tag != "link" or str(attrs.get("href")).startswith("/assets/")
    assert not re.search(r"<script[^>]*>[^<]", response.text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/login"),
        ("GET", "/sites/example.com"),
        ("GET", "/sites/nobody.example"),
        ("GET", asset_url("style.css")),
        ("GET", "/assets/nothing"),
        ("POST", "/login"),
        ("POST", "/logout"),
        ("POST", "/api/v2/query"),
    ],
)
def test_every_answer_has_the_security_headers(busy: Newsroom, method: str, path: str) -> None:
    """Refusals too; and nothing but the assets may be stored."""
    client = busy.editor()
    response = client.get(path) if method == "GET" else client.post(path)
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    is_stored = "max-age" in response.headers["cache-control"]
    assert is_stored == path.startswith("/assets/style.css")
    assert (
        is_stored or path.startswith("/assets/") or response.headers["cache-control"] == "no-store"
    )


# The assets


@pytest.mark.parametrize("name", ["style.css", "dashboard.js", "icon.svg"])
def test_an_asset_asked_for_by_its_hash_is_kept_for_ever(busy: Newsroom, name: str) -> None:
    """By any other address it is asked for again; it comes compressed to those who can."""
    client = busy.client()
    plain = client.get(asset_url(name), headers={"Accept-Encoding": "identity"})
    packed = client.get(asset_url(name), headers={"Accept-Encoding": "gzip"})
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content  # httpx unpacks
    assert client.get(f"/assets/{name}?v=0").headers["cache-control"] == "no-cache"
    assert client.get(f"/assets/{name}").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fapp.py", "%2e%2e/app.py", "py.typed", ""])
def test_nothing_else_is_an_asset(busy: Newsroom, name: str) -> None:
    """Names are looked up in a list, never in a folder."""
    assert busy.client().get(f"/assets/{name}").status_code == 404


def test_a_sites_page_and_all_it_needs_weigh_little(busy: Newsroom) -> None:
    """At most 60 KB compressed in at most six requests."""
    page = busy.editor().get("/sites/example.com", headers={"Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    needed = sorted(set(re.findall(r'"(/assets/[^"]+)"', page.text)))
    assert len(needed) + 1 <= 6
    weights = [len(gzip.compress(busy.client().get(path).content)) for path in needed]
    assert int(page.headers["content-length"]) + sum(weights) <= 60_000


# Periods and addresses


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        (Preset.DAY, TODAY, TODAY),
        (Preset.WEEK, date(2026, 11, 17), date(2026, 11, 23)),
        (Preset.FOUR_WEEKS, date(2026, 10, 27), date(2026, 11, 23)),
        (Preset.THIRTY_DAYS, date(2026, 10, 25), date(2026, 11, 23)),
        (Preset.QUARTER, date(2026, 8, 25), date(2026, 11, 23)),
        (Preset.MONTH, date(2026, 11, 1), TODAY),
        (Preset.HALF_YEAR, date(2026, 5, 1), date(2026, 10, 31)),
        (Preset.TWELVE_MONTHS, date(2025, 11, 1), date(2026, 10, 31)),
        (Preset.YEAR, date(2026, 1, 1), TODAY),
    ],
)
def test_longer_periods_end_yesterday(preset: Preset, first: date, last: date) -> None:
    """As Plausible's do: a day that is not over would pull every mean down."""
    assert preset.period(TODAY) == Period(first, last)


@pytest.mark.parametrize(
    ("timezone", "day", "hours", "first"),
    [
        (BERLIN, date(2026, 11, 24), 24, "00"),
        (BERLIN, date(2026, 3, 29), 23, "00"),  # 02:00 is skipped
        (BERLIN, date(2026, 10, 25), 24, "00"),  # 02:00 comes twice and is one
        ("America/Santiago", date(2026, 9, 6), 23, "01"),  # midnight is skipped
        ("Australia/Lord_Howe", date(2026, 4, 5), 24, "00"),  # half an hour comes twice
        ("Australia/Lord_Howe", date(2026, 10, 4), 24, "00"),  # and is skipped
        ("America/Santiago", date(2026, 4, 4), 24, "00"),  # 23:00 comes twice
        ("Asia/Kathmandu", date(2026, 11, 24), 24, "00"),  # 5:45 ahead
    ],
)
def test_the_hours_of_a_day_are_those_its_clock_shows(
    timezone: str, day: date, hours: int, first: str
) -> None:
    """Each once and in order."""
    keys = [b.key for b in buckets(Period(day, day), Dimension.HOUR, timezone, NOW)]
    assert len(keys) == hours
    assert keys == sorted(set(keys))
    assert keys[0] == f"{day} {first}:00:00"


def test_a_bucket_is_over_running_or_to_come() -> None:
    """By the site's own clock; an hour is running until its last moment."""
    period = Period(TODAY, TODAY)
    for now, expected in (
        (datetime(2026, 11, 24, 13, 0, tzinfo=UTC), State.RUNNING),
        (datetime(2026, 11, 24, 13, 59, 59, 999_999, tzinfo=UTC), State.RUNNING),
        (datetime(2026, 11, 24, 14, 0, tzinfo=UTC), State.OVER),
        (datetime(2026, 11, 24, 12, 59, 59, tzinfo=UTC), State.TO_COME),
    ):
        hours = {b.start.hour: b.state for b in buckets(period, Dimension.HOUR, BERLIN, now)}
        assert hours[14] is expected


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize(
    "period",
    [
        Period(TODAY, TODAY),
        Period(TODAY - DAY, TODAY - DAY),
        Period(TODAY - 7 * DAY, TODAY - DAY),
        Period(TODAY - 365 * DAY, TODAY),
    ],
)
def test_an_address_leads_back_to_its_view(period: Period, measure: Measure) -> None:
    """Nothing of the state is anywhere else."""
    view = View(period, measure, TODAY)
    state = dict(pair.split("=") for pair in view.link()[1:].split("&"))
    assert view_of(state, TODAY) == view


def test_one_can_step_back_and_forth_but_not_into_the_future() -> None:
    """By the length of the period."""
    week = view_of({"period": "7d"}, TODAY)
    assert week.earlier() == "?period=custom&from=2026-11-10&to=2026-11-16"
    assert week.later() == "?period=custom&from=2026-11-24&to=2026-11-30"
    assert view_of({}, TODAY).later() is None
    yesterday = Period(TODAY - DAY, TODAY - DAY)
    assert View(yesterday, Measure.VISITORS, TODAY).later() == "?period=day"


@pytest.mark.parametrize(
    ("first", "last", "is_taken"),
    [
        ("2000-01-01", "2000-01-01", True),
        ("1999-12-31", "2000-01-01", False),
        ("2999-12-31", "2999-12-31", True),
        ("2999-12-31", "3000-01-01", False),
        ("2000-01-01", "2013-09-08", True),  # 5,000 days
        ("2000-01-01", "2013-09-09", False),
        ("2026-02-29", "2026-03-01", False),
        ("2026-11-2", "2026-11-24", False),
    ],
)
def test_a_span_has_bounds(first: str, last: str, *, is_taken: bool) -> None:
    """So that no arithmetic of dates overflows."""
    if is_taken:
        assert span(first, last).first.isoformat() == first
    else:
        with pytest.raises(PeriodError):
            span(first, last)


# Words


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, Unit.COUNT, "\N{EN DASH}"),
        (0, Unit.COUNT, "0"),
        (1_234_567, Unit.COUNT, "1,234,567"),
        (2.94, Unit.RATIO, "2.9"),
        (66.7, Unit.PER_CENT, "67%"),
        (0, Unit.DURATION, "0 s"),
        (59.4, Unit.DURATION, "59 s"),
        (59.6, Unit.DURATION, "1 min 0 s"),
        (134, Unit.DURATION, "2 min 14 s"),
        (3_599, Unit.DURATION, "59 min 59 s"),
        (3_900, Unit.DURATION, "1 h 5 min"),
    ],
)
def test_a_number_is_written_with_its_unit(value: float | None, unit: Unit, written: str) -> None:
    """In full; no value is a dash."""
    assert amount(value, unit) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0, Unit.COUNT, "0"),
        (250_000, Unit.COUNT, "250,000"),
        (2_500_000, Unit.COUNT, "2.5 million"),
        (10**12, Unit.COUNT, "1 trillion"),
        (0.5, Unit.RATIO, "0.5"),
        (50, Unit.PER_CENT, "50%"),
        (0, Unit.DURATION, "0"),
        (90, Unit.DURATION, "1 min 30 s"),
        (7_200, Unit.DURATION, "2 h"),
    ],
)
def test_an_axis_is_labelled_shortly_and_exactly(value: float, unit: Unit, written: str) -> None:
    """What is round stays so."""
    assert axis_label(value, unit) == written


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (1, 1, "100%"),
        (1, 3, "33%"),
        (1, 100, "1%"),
        (1, 250, "0.4%"),
        (1, 10_000, "<0.1%"),
        (0, 5, "0%"),
        (0, 0, "\N{EN DASH}"),
    ],
)
def test_a_share_never_hides_that_there_is_something(part: int, whole: int, written: str) -> None:
    """Small ones get a decimal or a bound."""
    assert share(part, whole) == written


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        (TODAY, TODAY, "Tuesday 24 November 2026"),
        (date(2026, 11, 1), TODAY, "1\N{EN DASH}24 November 2026"),
        (date(2026, 10, 27), TODAY, "27 October \N{EN DASH} 24 November 2026"),
        (date(2025, 12, 1), TODAY, "1 December 2025 \N{EN DASH} 24 November 2026"),
    ],
)
def test_days_are_written_without_repeating_themselves(
    first: date, last: date, written: str
) -> None:
    """Month and year once where they are the same."""
    assert days(first, last) == written


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("XK", "Kosovo"), ("CI", "Côte d'Ivoire"), ("", "Unknown"), ("T1", "T1")],
)
def test_a_country_has_a_name(code: str, name: str) -> None:
    """What has none keeps its code."""
    assert country_name(code) == name
