"""Which site an event is for, and where its reader came from."""

import pytest

from collector.journal import Event
from tests.application import SITE, Whole, pageview
from tests.ingest.posting import counted, custom, reason


@pytest.mark.parametrize(
    ("url", "domain", "site"),
    [
        ("https://example.com/", None, 1),
        ("https://EXAMPLE.com:8443/", None, 1),
        ("https://www.example.com/", None, 1),
        ("https://example.com/", "example.com", 1),
        ("https://example.com/", "EXAMPLE.COM", 1),
        ("https://blog.example.com/", "example.com", 1),
        ("https://unknown.example/", "example.com", 1),
        ("https://example.org/", "example.com", 1),
        ("https://example.com/", "", 1),
    ],
)
def test_a_site_is_named_or_told_by_the_address(
    standing: Whole, url: str, domain: str | None, site: int
) -> None:
    """The name wins; an address counts for its host, or for that without www."""
    assert counted(standing, custom(u=url, d=domain)).site == site


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://blog.example.com/", None),
        ("https://www.www.example.com/", None),
        ("https://wwwexample.com/", None),
        ("https://example.com/", "unknown.example"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com/", "1"),
    ],
)
def test_what_is_not_registered_is_unknown(standing: Whole, url: str, domain: str | None) -> None:
    """A host below a site is another one; a name that is wrong is not guessed at."""
    assert reason(standing, custom(u=url, d=domain)) == "unknown_site"


def came_from(whole: Whole, referrer: str, url: str = "https://example.com/") -> Event:
    """Post a pageview with a referrer."""
    return counted(whole, {"n": "pageview", "u": url, "d": SITE, "r": referrer})


@pytest.mark.parametrize(
    "referrer",
    [
        "https://example.com/other",
        "http://www.example.com/",
        "https://shop.example.com/cart?x=1",
        "HTTPS://Example.Com:8443/",
    ],
)
def test_the_sites_own_hosts_are_no_source(standing: Whole, referrer: str) -> None:
    """All of its registrable domain: who goes from page to page came from nowhere."""
    event = came_from(standing, referrer)
    assert (event.source, event.referrer, event.channel) == ("", "", "direct")


def test_the_host_of_the_page_is_no_source_either(standing: Whole) -> None:
    """Where a site is counted under the name of another."""
    event = came_from(standing, "https://blog.example/a", "https://blog.example/b")
    assert (event.source, event.referrer) == ("", "")


@pytest.mark.parametrize(
    ("referrer", "told"),
    [
        ("https://www.ecosia.org/search?q=secret", ("Ecosia", "ecosia.org", "search")),
        ("https://blog.example.net/post", ("blog.example.net", "blog.example.net", "referral")),
        ("https://notexample.com/", ("notexample.com", "notexample.com", "referral")),
        ("https://example.com.example.net/", 3 * ("",)),
        ("https://192.0.2.1/", ("", "", "direct")),
        ("nonsense", ("", "", "direct")),
        ("", ("", "", "direct")),
    ],
)
def test_another_host_is_a_source(
    standing: Whole, referrer: str, told: tuple[str, str, str]
) -> None:
    """By its name where it is listed; of the referrer only the host is kept."""
    event = came_from(standing, referrer)
    if told == ("", "", ""):
        told = ("example.com.example.net", "example.com.example.net", "referral")
    assert (event.source, event.referrer, event.channel) == told


def test_a_campaign_wins_over_the_referrer(standing: Whole) -> None:
    """Its tags are kept, other parameters are not."""
    url = (
        "https://example.com/a?utm_source=Letter&utm_medium=email&utm_campaign=May&q=secret"
        "&session=abc"
    )
    event = came_from(standing, "https://www.ecosia.org/", url)
    assert (event.source, event.channel, event.referrer) == ("Letter", "email", "ecosia.org")
    assert (event.utm_source, event.utm_medium, event.utm_campaign) == ("Letter", "email", "May")
    assert event.path == "/a"


def test_a_click_that_was_paid_for_is_told(standing: Whole) -> None:
    """Its id is not kept."""
    event = came_from(standing, "https://www.ecosia.org/", "https://example.com/?gclid=Cj0KCQiA")
    assert (event.source, event.channel, event.path) == ("Ecosia", "paid", "/")


def test_an_event_is_kept_with_all_that_was_told_of_it(standing: Whole) -> None:
    """Reading time in seconds, depth in tenths; only `false` makes it no interaction."""
    read = counted(standing, custom(n="engagement", e=12_600, sd=47))
    assert (read.name, read.engaged_s, read.scroll) == ("engagement", 13, 5)
    assert counted(standing, custom(i=None)).interactive is True
    assert counted(standing, custom(i=False)).interactive is False
    assert counted(standing, pageview("/a/b")).props == {}
