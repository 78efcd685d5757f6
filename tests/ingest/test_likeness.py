"""What a request like this would become: by the code of events, and without any trace."""

import re

import msgspec
import pytest

from collector.journal import Event
from tests.application import BROWSER, NOW, SITE, VISITOR, Started, Whole, pageview
from tests.privacy.places import files

PAGE = f"https://{SITE}/news?utm_source=letter&id=7#top"


def row(text: str) -> dict[str, str]:
    """Return the row that a page shows."""
    cells = re.findall(r"<code>(\w+)</code></th><td[^>]*>(.*?)</td>", text)
    return {name: re.sub(r"<.*?>", "", value) for name, value in cells}


def test_the_row_is_what_the_same_visit_becomes(whole: Whole) -> None:
    """Field by field, but for the moment and the token, which is made up."""
    whole.post(pageview("/news?utm_source=letter&id=7#top"))
    (kept,) = whole.events()
    shown = row(whole.get("/your-visit", {"Referer": PAGE}).text)
    expected = {
        name: {"": "(nothing)", "True": "yes"}.get(str(value), str(value))
        if value != {}
        else "(nothing)"
        for name, value in msgspec.structs.asdict(kept).items()
    }
    assert shown.keys() == set(Event.__struct_fields__)
    assert shown.pop("token") != expected.pop("token")
    assert int(shown.pop("at_us")) - int(expected.pop("at_us")) < 10
    assert shown == expected
    assert (shown["path"], shown["utm_source"], shown["browser"]) == ("/news", "letter", "Chrome")


def test_whoever_comes_from_elsewhere_sees_where_from(whole: Whole) -> None:
    """As if they had entered the site's first page."""
    shown = row(
        whole.get("/your-visit", {"Referer": "https://www.ecosia.org/search?q=secret"}).text
    )
    assert (shown["path"], shown["source"], shown["referrer"]) == ("/", "Ecosia", "ecosia.org")


def test_what_is_thrown_away_is_shown_to_its_sender(whole: Whole) -> None:
    """Address, user agent and the page as it was sent; the names of all else that came along."""
    text = whole.get("/your-visit", {"Referer": PAGE, "X-Secret": "of mine"}).text
    for sent in (VISITOR, BROWSER, PAGE.replace("&", "&amp;"), "x-secret"):
        assert sent in text
    assert "of mine" not in text


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"User-Agent": "curl/8.5.0"}, "calls itself like a robot"),
        ({"Referer": "https://semalt.com/"}, "known for spam"),
        ({"Sec-GPC": "1"}, "You have objected"),
        ({"Cookie": "gatecount-optout=1"}, "You have objected"),
        ({"Cookie": "gatecount-optout=1", "User-Agent": "curl/8.5.0"}, "You have objected"),
    ],
)
def test_who_would_not_be_counted_is_told_so(
    whole: Whole, headers: dict[str, str], words: str
) -> None:
    """With what it would be otherwise."""
    text = whole.get("/your-visit", headers).text
    assert words in text
    assert row(text)


def test_where_no_site_is_counted_nothing_is_shown(whole: Whole) -> None:
    """But that it leaves nothing."""
    text = whole.get("/your-visit", host="stats.example.net").text
    assert "leaves nothing here" in text
    assert row(text) == {}


@pytest.mark.parametrize(
    "referer", ["nonsense", "https://[", "\xff", "https://example.com/" + "x" * 5000]
)
def test_no_referer_is_too_odd(whole: Whole, referer: str) -> None:
    """The first page of the site takes its place."""
    assert row(whole.get("/your-visit", {"Referer": referer}).text)["path"] == "/"


def test_looking_leaves_no_trace(started: Started) -> None:
    """No line, no drop, no key, no share of the network's events."""
    with started(flood_limit=1) as whole:
        before = list(files(whole.folder))
        for headers in ({}, {"User-Agent": "curl/8.5.0"}, {"Sec-GPC": "1"}):
            whole.get("/your-visit", headers)
        assert list(files(whole.folder)) == before
        whole.post(pageview("/"))
        assert len(whole.events()) == 1
        assert whole.drops() == {}


def test_looking_does_not_tell_what_is_held(whole: Whole) -> None:
    """The page of somebody who was counted differs from a stranger's in nothing but chance."""

    def seen() -> str:
        text = whole.get("/your-visit").text
        return text.replace(row(text)["token"], "").replace(row(text)["at_us"], "")

    before = seen()
    whole.post(pageview("/"))
    assert seen() == before
    assert NOW.date().isoformat() in before


def test_the_page_speaks_the_visitors_language(whole: Whole) -> None:
    """By the header, and by the address for good."""
    page = whole.get("/your-visit", {"Accept-Language": "de-AT,en;q=0.5"}).text
    assert '<html lang="de">' in page
    assert 'href="opt-out"' in page
    page = whole.get("/your-visit?lang=fr", {"Accept-Language": "de"}).text
    assert '<html lang="fr">' in page
    assert 'action="erase?lang=fr"' in page
    assert 'href="opt-out?lang=fr"' in page
    answer = whole.ask("POST", "/opt-out?lang=fr")
    assert answer.headers["location"] == "opt-out?set=out&lang=fr"
