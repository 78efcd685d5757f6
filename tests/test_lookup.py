"""Looking up how much of today is held: only where the operator lets visitors, and never what."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.languages import LANGUAGES, words
from tests.application import SITE, Started, Whole, application, pageview
from tests.ingest.posting import SOMEBODY_ELSE
from tests.privacy.places import files

SHOP = "shop.example.com"
PAGE = "/about-a-rare-illness"
_ROW = re.compile(r"<li><strong>([\w.]+)</strong>" + r"[^<\d]+(\d+)" * 3 + "</li>")
Counts = dict[str, tuple[str, ...]]


def held(whole: Whole, headers: dict[str, str] | None = None, host: str = SITE) -> Counts:
    """Return the visits, pageviews and actions of each site that the page shows."""
    whole.clock.turn(seconds=3)  # so that nobody looks too often
    text = whole.get("/your-visit", headers or {}, host=host).text
    return {domain: counts for domain, *rest in _ROW.findall(text) for counts in [tuple(rest)]}


def wait_for(whole: Whole, is_so: Callable[[Counts], bool]) -> None:
    """Return once what is held is as it should be; the loader's thread does not say when."""
    whole.wait_until(lambda: is_so(held(whole)), "loading")


@pytest.fixture(name="telling", scope="module")
def let_visitors_look(ram_of_module: Path, country_database: Path) -> Iterator[Whole]:
    """Run an application with numbers whose visitors may look, and count some."""
    flags = {"geo_database": str(country_database), "visitor_counts": True}
    sites = {SITE: "UTC", SHOP: "Asia/Tokyo", "example.net": "UTC"}
    with application(ram_of_module, flags, sites=sites, with_dashboard=True) as whole:
        for path in (PAGE, "/", "/"):
            whole.post(pageview(path))
        whole.post({**pageview(PAGE), "n": "Download"})
        whole.post({**pageview(PAGE), "n": "engagement", "e": 9000, "sd": 50})
        whole.post(pageview("/", SHOP), host=SHOP)
        whole.post(pageview("/", "example.net"), host="example.net")
        wait_for(whole, lambda counts: SHOP in counts)
        yield whole


def test_whoever_shares_address_and_browser_sees_how_much(telling: Whole) -> None:
    """On the sites that the host counts for; engagement is no action of its own."""
    expected = {SITE: ("1", "3", "1"), SHOP: ("1", "1", "0")}
    assert held(telling) == expected
    assert held(telling, host="stats.example.com") == expected
    assert held(telling, host="example.net") == {"example.net": ("1", "1", "0")}
    assert held(telling, {"Sec-GPC": "1"}) == expected


def test_nobody_sees_what_was_read(telling: Whole) -> None:
    """No path, no name of an action, no time, no token."""
    text = telling.get("/your-visit").text
    assert PAGE not in text
    assert "Download" not in text
    tokens = {str(event.token) for event in telling.events()}
    assert not [token for token in tokens if token in text]


@pytest.mark.parametrize("headers", [SOMEBODY_ELSE, {"User-Agent": "Mozilla/5.0 Firefox/140.0"}])
def test_others_see_nothing_of_it(telling: Whole, headers: dict[str, str]) -> None:
    """Another address, or another browser."""
    assert held(telling, headers) == {}
    assert words("en")("held.nothing") in telling.get("/your-visit", headers).text


def test_looking_changes_nothing(telling: Whole) -> None:
    """No line of the journal, no key."""
    journal, keys = telling.folder / "data" / "journal", telling.folder / "keys"
    before = [list(files(folder)) for folder in (journal, keys)]
    held(telling)
    assert [list(files(folder)) for folder in (journal, keys)] == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_it_gives_away(telling: Whole, language: str) -> None:
    """So do the statement, for people and programs, and the text for the site's own policy."""
    say = words(language)
    page = telling.get(f"/your-visit?lang={language}").text
    assert say("held.lead") in page
    assert say("visit.looked_nothing") not in page
    assert say("setting.visitor_counts_yes") in telling.get(f"/privacy?lang={language}").text
    policy = telling.get(f"/for-sites?lang={language}").text
    assert say("for_sites.policy_visitor_counts") in policy
    stated = telling.get("/.well-known/gatecount.json").json()
    assert stated["settings"]["visitor_counts"] is True
    assert stated["weaker_than_usual"] == ["visitor_counts"]
    assert stated["looked_up"] == ["visits", "pageviews", "actions"]


def test_what_was_erased_is_held_no_more(started: Started) -> None:
    """Of somebody whose day has no key yet, nothing is: and none is made for looking."""
    with started(visitor_counts=True, with_dashboard=True) as whole:
        assert held(whole) == {}
        assert not list((whole.folder / "keys").iterdir())
        whole.post(pageview("/"))
        wait_for(whole, lambda counts: counts != {})
        whole.ask("POST", "/erase")
        wait_for(whole, lambda counts: counts == {})


def test_looking_too_often_is_not_answered(started: Started) -> None:
    """Each look costs one at all events of the day."""
    with started(visitor_counts=True, with_dashboard=True) as whole:
        texts = [whole.get("/your-visit").text for _ in range(31)]
        unknown = [words("en")("held.unknown") in text for text in texts]
        assert unknown == [False] * 30 + [True]
        assert words("en")("held.nothing") in whole.get("/your-visit", SOMEBODY_ELSE).text


@pytest.mark.parametrize(("is_on", "said"), [(True, "held.unknown"), (False, "")])
def test_without_numbers_or_leave_nothing_is_looked_up(
    started: Started,
    is_on: bool,  # noqa: FBT001 - a column of the table
    said: str,
) -> None:
    """By a process that only takes events; and by default."""
    with started(visitor_counts=is_on) as whole:
        whole.post(pageview("/"))
        text = whole.get("/your-visit").text
        assert (words("en")("held.title") in text) == is_on
        assert not said or words("en")(said) in text
        assert (words("en")("visit.looked_nothing") in text) == (not is_on)
        stated = whole.get("/.well-known/gatecount.json").json()
        assert bool(stated["looked_up"]) == is_on
