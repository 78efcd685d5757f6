"""The visitors' side: objections, and the page where they are made."""

import re

import pytest

from collector.languages import LANGUAGES
from collector.objection import Objection, objection
from collector.outcomes import Erasing
from collector.request import Scope
from tests.visiting import ask, outline

OUT = {"Cookie": "gatecount-optout=1"}
GPC = {"Sec-GPC": "1"}
DNT = {"DNT": "1"}
COUNTED = "Your visits are counted"
LINKS = {
    "opt-out",
    "your-visit",
    "privacy",
    *(f"opt-out?lang={language}" for language in LANGUAGES),
}
SPARED = "Your visits are not counted"


@pytest.mark.parametrize(
    "cookie",
    [
        b"gatecount-optout=1",
        b"__Host-gatecount-optout=1",
        b"gatecount-optout=",
        b"gatecount-optout=0",
        b'gatecount-optout="1"',
        b"gatecount-optout=a=b",
        b"gatecount-optout",
        b"theme=dark; gatecount-optout=1",
        b"theme=dark;gatecount-optout=1;lang=en",
        b" gatecount-optout = 1 ",
        b"gatecount-optout=1; gatecount-optout=0",
        b"gatecount-optout2=1; gatecount-optout=1",
        b"theme=dark;;; gatecount-optout=1;",
        b"\xff=\xfe; gatecount-optout=\xff",
    ],
)
def test_the_presence_of_the_cookie_means_out(cookie: bytes) -> None:
    """Whatever its value, wherever it stands, however often."""
    assert objection(cookie, b"", b"") is Objection.COOKIE


@pytest.mark.parametrize(
    "cookie",
    [
        b"",
        b"theme=dark",
        b"xgatecount-optout=1",
        b"gatecount-optout2=1",
        b"gatecount-optout-=1",
        b"__Secure-gatecount-optout=1",
        b"__host-gatecount-optout=1",
        b"Gatecount-Optout=1",
        b"theme=gatecount-optout",
        b"theme=gatecount-optout=1",
        b'"gatecount-optout"=1',
        b"x gatecount-optout=1",
    ],
)
def test_a_cookie_of_another_name_means_nothing(cookie: bytes) -> None:
    """Names are compared whole, not searched for."""
    assert objection(cookie, b"", b"") is None


@pytest.mark.parametrize(
    ("sec_gpc", "dnt", "expected"),
    [
        (b"1", b"", Objection.GPC),
        (b" 1 ", b"", Objection.GPC),
        (b"", b"1", Objection.DNT),
        (b"", b"1 ", Objection.DNT),
        (b"1", b"1", Objection.GPC),
        (b"0", b"1", Objection.DNT),
        (b"", b"", None),
        (b"0", b"0", None),
        (b"11", b"true", None),
        (b"", b"unspecified", None),
    ],
)
def test_signals_object_when_they_say_one(
    sec_gpc: bytes, dnt: bytes, expected: Objection | None
) -> None:
    """Their specifications know no other value that does."""
    assert objection(b"theme=dark", sec_gpc, dnt) is expected


@pytest.mark.parametrize(
    ("headers", "heading", "action", "words"),
    [
        ({}, COUNTED, "opt-out", "not be counted"),
        (OUT, SPARED, "opt-in", "opted out"),
        ({"Cookie": "__Host-gatecount-optout=1"}, SPARED, "opt-in", "opted out"),
        (GPC, SPARED, "opt-out", "Global Privacy Control"),
        (DNT, SPARED, "opt-out", "Do Not Track"),
        (OUT | GPC, SPARED, "opt-in", "because of the signal"),
        (OUT | DNT, SPARED, "opt-in", "the Do Not Track signal"),
        ({"Cookie": "gatecount-optout2=1", "DNT": "0"}, COUNTED, "opt-out", "not be counted"),
    ],
)
def test_the_page_shows_the_state_of_the_very_request(
    headers: dict[str, str], heading: str, action: str, words: str
) -> None:
    """And offers the one button that changes it, and one that takes back what was before."""
    answer = ask("GET", "/opt-out", headers)
    page = outline(answer)
    assert answer.status_code == 200
    assert page.texts["h1"] == heading
    assert re.fullmatch(rf"{heading} . example\.com", page.texts["title"])
    assert page.forms == [("post", action), ("post", "erase")]
    assert page.tags.count("button") == 2
    assert words in page.texts["p"]


def test_a_cookie_in_a_second_header_is_read() -> None:
    """Some proxies split the header."""
    headers = [("Cookie", "theme=dark"), ("Cookie", "gatecount-optout=1")]
    assert outline(ask("GET", "/opt-out", headers)).texts["h1"] == SPARED


@pytest.mark.parametrize(
    ("asked", "headers", "words"),
    [
        ("out", {}, "did not keep the opt-out cookie"),
        ("out", GPC, "did not keep the opt-out cookie"),
        ("in", OUT, "still sends the opt-out cookie"),
    ],
)
def test_a_choice_that_did_not_hold_is_explained(
    asked: str, headers: dict[str, str], words: str
) -> None:
    """The state shown is the one read back, never the one asked for."""
    page = outline(ask("GET", f"/opt-out?set={asked}", headers))
    assert words in page.texts["strong"]
    assert page.texts["h1"] == (SPARED if headers else COUNTED)


@pytest.mark.parametrize(
    ("query", "headers"),
    [("", {}), ("", OUT), ("?set=out", OUT), ("?set=in", {}), ("?set=x", {}), ("?set=in", GPC)],
)
def test_a_choice_that_holds_needs_no_warning(query: str, headers: dict[str, str]) -> None:
    """Nor does a marker that nobody set."""
    assert "strong" not in outline(ask("GET", f"/opt-out{query}", headers)).texts


def test_the_page_tells_how_long_and_how_far_the_choice_holds() -> None:
    """400 days, in this browser, on which hosts."""
    beside = outline(ask("GET", "/opt-out")).texts["p"]
    assert "400 days" in beside
    assert "this browser only" in beside
    assert "example.com and its subdomains" in beside
    prefixed = ask(
        "GET", "/opt-out", mounts=("https://www.example.com/count/",), host="www.example.com"
    )
    assert "tells www.example.com to leave you out" in outline(prefixed).texts["p"]


BESIDE = "gatecount-optout=1; Domain={}; Max-Age=34560000; Secure; SameSite=Lax; Path=/"
OF_THE_HOST = "__Host-gatecount-optout=1; Max-Age=34560000; Secure; SameSite=Lax; Path=/"


@pytest.mark.parametrize(
    ("mounts", "host", "cookie"),
    [
        (("https://stats.example.com/",), "stats.example.com", BESIDE.format("example.com")),
        (("https://stats.example.com/",), "Stats.Example.COM:443", BESIDE.format("example.com")),
        (("https://a.b.example.co.uk/",), "a.b.example.co.uk", BESIDE.format("example.co.uk")),
        (("https://example.com/count/",), "example.com", OF_THE_HOST),
        (("https://www.example.com/count/",), "www.example.com", OF_THE_HOST),
        (("http://localhost:8000/",), "localhost:8000", OF_THE_HOST),
        (("http://192.0.2.1/",), "192.0.2.1", OF_THE_HOST),
        (("http://[2001:db8::1]:8000/",), "[2001:db8::1]:8000", OF_THE_HOST),
        ((), "stats.example.com", BESIDE.format("example.com")),
        ((), "localhost:8000", OF_THE_HOST),
        ((), "192.0.2.1:8000", OF_THE_HOST),
        ((), "intranet", OF_THE_HOST),
        ((), "", OF_THE_HOST),
        ((), "a;b.example.com", OF_THE_HOST),
        ((), "a, b.example.com", OF_THE_HOST),
        # The proxy in front passes its own name for us.
        (("https://stats.example.com/",), "127.0.0.1:8000", BESIDE.format("example.com")),
        (("https://example.com/count/",), "gatecount:8000", OF_THE_HOST),
        # A host that was not configured: what it can set itself is better than nothing.
        (("https://example.com/count/",), "stats.example.org", BESIDE.format("example.org")),
        # One collector for several sites.
        (
            ("https://example.com/count/", "https://stats.example.org/"),
            "stats.example.org",
            BESIDE.format("example.org"),
        ),
        (("https://example.com/count/", "https://stats.example.org/"), "example.com", OF_THE_HOST),
        (("https://example.com/", "https://example.org/"), "127.0.0.1", OF_THE_HOST),
    ],
)
def test_opting_out_sets_the_cookie_that_the_site_can_see(
    mounts: tuple[str, ...], host: str, cookie: str
) -> None:
    """Of the host itself where the site is there too, else of their common domain."""
    answer = ask("POST", "/opt-out", mounts=mounts, host=host)
    assert answer.headers.get_list("set-cookie") == [cookie]


@pytest.mark.parametrize("mounts", [(), ("https://stats.example.com/count/",)])
def test_opting_in_clears_both_names_in_every_form(mounts: tuple[str, ...]) -> None:
    """Also what an earlier set-up of the collector left."""
    cleared = ask("POST", "/opt-in", OUT, mounts=mounts).headers.get_list("set-cookie")
    assert sorted(cleared) == [
        "__Host-gatecount-optout=; Max-Age=0; Secure; SameSite=Lax; Path=/",
        "gatecount-optout=; Domain=example.com; Max-Age=0; Secure; SameSite=Lax; Path=/",
        "gatecount-optout=; Max-Age=0; Secure; SameSite=Lax; Path=/",
    ]


def test_a_host_without_a_domain_has_no_cookie_of_a_domain_to_clear() -> None:
    """A browser would refuse the line and tell its user so."""
    cleared = ask("POST", "/opt-in", mounts=(), host="localhost").headers.get_list("set-cookie")
    assert len(cleared) == 2
    assert not [cookie for cookie in cleared if "Domain" in cookie]


@pytest.mark.parametrize("choice", ["out", "in"])
@pytest.mark.parametrize("state", [{}, OUT, GPC])
@pytest.mark.parametrize("prefix", ["", "/count"])
def test_a_choice_leads_back_to_the_page_whatever_was_before(
    choice: str, state: dict[str, str], prefix: str
) -> None:
    """Posting twice is posting once; the address is relative, so no prefix is lost."""
    answer = ask("POST", f"{prefix}/opt-{choice}", state)
    again = ask("POST", f"{prefix}/opt-{choice}", state)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"opt-out?set={choice}"
    assert answer.headers.multi_items() == again.headers.multi_items()
    assert answer.url.join(answer.headers["location"]).path == f"{prefix}/opt-out"


@pytest.mark.parametrize("origin", ["same-origin", "same-site", "none", None])
def test_opting_in_is_for_the_visitor_and_the_site(origin: str | None) -> None:
    """A site's privacy page on a host beside the collector may have the button."""
    headers = {"Sec-Fetch-Site": origin} if origin else {}
    assert ask("POST", "/opt-in", headers).status_code == 303


def test_another_website_cannot_opt_a_visitor_in() -> None:
    """It is told so in plain words, with the way to the real page, and no cookie is touched."""
    answer = ask("POST", "/opt-in", OUT | {"Sec-Fetch-Site": "cross-site"})
    page = outline(answer)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert page.texts["h1"] == "Nothing was changed"
    assert "opt-out" in page.addresses


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [
        ("https://example.com", True),
        ("https://www.example.com:8443", True),
        ("https://example.org", False),
        ("https://example.com.example.org", False),
        ("null", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_a_browser_that_says_an_origin_alone_is_believed(origin: str, *, is_taken: bool) -> None:
    """Those of before 2023 know no Sec-Fetch-Site."""
    headers = {"Origin": origin, "Host": "stats.example.com"}
    assert (ask("POST", "/opt-in", headers).status_code == 303) == is_taken
    left = ask("POST", "/opt-out", headers).headers["location"].endswith("kept=1")
    assert left != is_taken


def test_any_website_may_opt_a_visitor_out() -> None:
    """At worst somebody is not counted."""
    answer = ask("POST", "/opt-out", {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 303
    assert "set-cookie" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/opt-out", {}),
        ("GET", "/opt-out?set=out", OUT),
        ("HEAD", "/opt-out", GPC),
        ("POST", "/opt-out", {}),
        ("POST", "/opt-in", {}),
        ("POST", "/opt-in", {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_answers_about_a_visitor_are_kept_by_nobody(
    method: str, path: str, headers: dict[str, str]
) -> None:
    """And carry nothing by which a cache, or we, could know the browser again."""
    answer = ask(method, path, headers)
    assert answer.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified", "vary"} & set(answer.headers)
    if method != "POST":
        assert "set-cookie" not in answer.headers


def test_the_style_sheet_is_the_same_for_everyone() -> None:
    """It has no validator, which could be made to differ, and fetches nothing itself."""
    for path in ("/visitors.css", "/count/visitors.css"):
        answer = ask("GET", path, OUT)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/css")
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert not {"etag", "last-modified", "set-cookie"} & set(answer.headers)
        assert not re.search(r"url\(|@import", answer.text)


@pytest.mark.parametrize("headers", [{}, OUT, GPC, OUT | DNT])
@pytest.mark.parametrize("query", ["", "?set=out", "?set=in"])
def test_pages_are_whole_and_need_no_exception_from_a_strict_policy(
    headers: dict[str, str], query: str
) -> None:
    """No script, no inline style, relative addresses only, one first heading before the others."""
    page = outline(ask("GET", f"/opt-out{query}", headers))
    assert not {"script", "style", "iframe", "img"} & set(page.tags)
    assert not {name for name in page.attributes if name == "style" or name.startswith("on")}
    forms = {"opt-out", "opt-in", "erase"}
    assert set(page.addresses) <= {"visitors.css", "data:,"} | forms | LINKS
    headings = [tag for tag in page.tags if re.fullmatch(r"h\d", tag)]
    assert headings == ["h1", *["h2"] * 4]


def test_a_host_header_is_shown_as_text() -> None:
    """It comes from outside like anything else."""
    answer = ask("GET", "/opt-out", mounts=(), host="<b>x</b>.example")
    assert "<b>x" not in answer.text
    assert "&lt;b&gt;x" in answer.text


@pytest.mark.parametrize(
    ("erasing", "status", "heading"),
    [
        (Erasing.DONE, 200, "Today\u2019s visits are erased"),
        (Erasing.TOO_OFTEN, 429, "Nothing was erased yet"),
        (Erasing.FAILED, 503, "Nothing was erased yet"),
    ],
)
def test_the_page_tells_what_came_of_erasing(erasing: Erasing, status: int, heading: str) -> None:
    """And offers to try again when it has to be."""

    async def erase(_: Scope) -> Erasing:
        return erasing

    answer = ask("POST", "/erase", erase=erase)
    page = outline(answer)
    assert (answer.status_code, page.texts["h1"]) == (status, heading)
    assert page.forms == ([] if erasing is Erasing.DONE else [("post", "erase")])
    assert answer.headers["cache-control"] == "no-store"
    choice = ask("POST", "/opt-out", erase=erase)
    assert choice.headers["location"].endswith("&kept=1") == (erasing is not Erasing.DONE)
    assert "set-cookie" in choice.headers


def test_opting_out_without_erasing_is_told() -> None:
    """The choice holds from now on; for what was before there is a button."""
    page = outline(ask("GET", "/opt-out?set=out&kept=1", OUT))
    assert "not erased yet" in page.texts["strong"]
    assert "is erased" not in outline(ask("GET", "/opt-out?set=out&kept=1", OUT)).texts["p"]
    assert "of you today is erased" in outline(ask("GET", "/opt-out?set=out", OUT)).texts["p"]


def test_another_website_cannot_erase() -> None:
    """It could do so in an invisible frame, to everyone who passes by."""

    async def never(_: Scope) -> Erasing:
        raise AssertionError

    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = ask("POST", "/erase", elsewhere, erase=never)
    assert (answer.status_code, outline(answer).texts["h1"]) == (403, "Nothing was changed")
    choice = ask("POST", "/opt-out", elsewhere, erase=never)
    assert choice.headers["location"] == "opt-out?set=out&kept=1"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/opt-in"), ("PUT", "/opt-out"), ("GET", "/erase")]
)
def test_other_methods_are_refused(method: str, path: str) -> None:
    """Following a link must change nothing."""
    answer = ask(method, path)
    assert answer.status_code == 405
    assert "set-cookie" not in answer.headers
