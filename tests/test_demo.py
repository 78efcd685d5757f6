"""The demonstration's readers behave as readers do, and send what browsers send."""

import ipaddress
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest

from collector import bots, demo, identifiers, scrub, sources, wire
from collector.demo import Arrival, addresses, rhythm, sites, visits
from collector.geo import Countries

NEWSPAPER = "harbour-courier.example"
MANUAL = "docs.loomkit.example"
DAY_S = 86_400


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Countries]:
    """Open the bundled database."""
    opened = Countries.bundled(tmp_path_factory.mktemp("geo"))
    yield opened
    opened.close()


def rng() -> Random:
    """Return the same chance each time."""
    return Random(17)


def made(domain: str, seconds: float) -> list[Arrival]:
    """Return the beginning of a site's day, read by people without a country."""
    return list(visits(rng(), domain, addresses(rng(), lambda _: ""), rhythm(domain), seconds))


@cache
def day(domain: str) -> tuple[Arrival, ...]:
    """Return a whole day of a site, made once for all tests."""
    return tuple(made(domain, DAY_S))


@cache
def posted_on(domain: str) -> tuple[wire.Posted, ...]:
    """Return what is posted on a whole day, as the wire format has it."""
    return tuple(wire.decode(arrival.body) for arrival in day(domain))


def header(arrival: Arrival, name: bytes) -> str:
    """Return the one header of that name."""
    (value,) = [value for key, value in arrival.headers if key == name]
    return value.decode()


def test_the_same_seed_gives_the_same_day() -> None:
    """To the byte; another seed gives another one."""
    anywhere = addresses(rng(), lambda _: "")
    assert made(NEWSPAPER, 20_000) == made(NEWSPAPER, 20_000)
    other = Random(18)
    assert list(visits(other, NEWSPAPER, anywhere, rhythm(NEWSPAPER), 20_000)) != made(
        NEWSPAPER, 20_000
    )


@pytest.mark.parametrize("domain", [NEWSPAPER, MANUAL])
def test_every_request_is_a_well_formed_event_of_the_site(domain: str) -> None:
    """As the wire format has it; no address of a page needs scrubbing."""
    for arrival, posted in zip(day(domain), posted_on(domain), strict=True):
        url = scrub.scrub_url(posted.url)
        assert (url.host, header(arrival, b"host")) == (domain, domain)
        assert identifiers.MARK not in url.path
        assert posted.screen in {"xs", "sm", "md", "lg"}
        assert not set(json.loads(arrival.body)) - {"n", "u", "r", "s", "p", "i", "$", "sd", "e"}


@pytest.mark.parametrize("domain", [NEWSPAPER, MANUAL])
def test_no_reader_is_a_robot(domain: str) -> None:
    """Whoever comes counts."""
    agents = {header(arrival, b"user-agent") for arrival in day(domain)}
    assert len(agents) >= 10
    assert not any(bots.is_bot(agent) for agent in agents)


@pytest.mark.parametrize("domain", [NEWSPAPER, MANUAL])
def test_requests_come_in_the_order_of_their_times(domain: str) -> None:
    """None before the start, none after the end."""
    times = [arrival.at_s for arrival in made(domain, 50_000)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 50_000


@pytest.mark.parametrize("domain", [NEWSPAPER, MANUAL])
def test_a_day_has_the_visits_it_was_planned_to_have(domain: str) -> None:
    """Within a tenth, most of them when people are awake."""
    first_views = [each for each in day(domain) if is_entry(each, domain)]
    assert len(first_views) == pytest.approx(sites()[domain].visits_a_day, rel=0.1)
    hours = Counter(int(arrival.at_s // 3600) for arrival in first_views)
    assert sum(hours[hour] for hour in range(8, 22)) > 4 * sum(hours[hour] for hour in range(6))


def is_entry(arrival: Arrival, domain: str) -> bool:
    """Tell whether this is the first pageview of a visit."""
    body = json.loads(arrival.body)
    return body["n"] == "pageview" and not body["r"].startswith(f"https://{domain}/")


def test_live_visits_come_at_the_rate_asked_for() -> None:
    """Endlessly, about as many a minute."""
    anywhere = addresses(rng(), lambda _: "")
    stream = visits(rng(), MANUAL, anywhere, lambda _: 30.0)
    first_hours = [each for each in islice(stream, 30_000) if each.at_s < 2 * 3600]
    entries = sum(is_entry(each, MANUAL) for each in first_hours)
    assert entries == pytest.approx(30 * 120, rel=0.1)


def test_traffic_that_becomes_lively_late_in_the_day_is_lively() -> None:
    """Also in the last hour, of which only the end is on the hour."""
    anywhere = addresses(rng(), lambda _: "")
    evening_s = DAY_S - 1200
    stream = visits(rng(), MANUAL, anywhere, lambda at_s: 30.0 if at_s > evening_s else 0.1, DAY_S)
    entries = sum(is_entry(each, MANUAL) for each in stream if each.at_s > evening_s)
    assert entries == pytest.approx(30 * 20, rel=0.15)


def test_visits_have_one_to_thirty_pages_and_many_have_one() -> None:
    """One visit at a time, far from the next."""
    site = sites()[MANUAL]
    chance = rng()
    counts = Counter(len(list(demo._pages(chance, site))) for _ in range(4000))  # noqa: SLF001
    assert counts[1] / 4000 == pytest.approx(site.one_page, abs=0.03)
    assert min(counts) == 1
    assert 12 < max(counts) <= 30


def test_popular_pages_are_read_more_by_far() -> None:
    """The first of the list ten times as often as the thirtieth."""
    views = Counter(
        each.url.partition("?")[0] for each in posted_on(NEWSPAPER) if each.name == "pageview"
    )
    ranked = [views[f"https://{NEWSPAPER}{path}"] for path in sites()[NEWSPAPER].pages.split()]
    assert ranked[0] > 10 * ranked[29] > 0
    assert len(views) == len(ranked)


def test_every_channel_has_visitors() -> None:
    """Both sites together show what the dashboard can tell apart."""
    seen = set()
    for domain in (NEWSPAPER, MANUAL):
        for arrival, posted in zip(day(domain), posted_on(domain), strict=True):
            if posted.name == "pageview" and is_entry(arrival, domain):
                url = scrub.scrub_url(posted.url)
                host = sources.referrer_host(posted.referrer)
                found = sources.origin(host, url.utm_source, url.utm_medium, url.paid_click)
                seen.add(found.channel)
    assert seen == set(sources.Channel)


def test_engagement_follows_its_page_and_is_no_longer_than_it_was_open() -> None:
    """Attention is a part of the time between the page's view and the report of it."""
    anywhere = addresses(rng(), lambda _: "")
    opened: dict[tuple[str, str], float] = {}
    reports = 0
    for arrival in visits(rng(), MANUAL, anywhere, lambda _: 0.2, 5 * DAY_S):
        body = json.loads(arrival.body)
        page = header(arrival, b"x-forwarded-for") + header(arrival, b"user-agent"), body["u"]
        if body["n"] == "pageview":
            opened.setdefault(page, arrival.at_s)
        if body["n"] == "engagement":
            reports += 1
            assert 1000 <= body["e"] <= (arrival.at_s - opened[page]) * 1000
            assert 0 <= body["sd"] <= 100
    assert reports > 1000


def test_custom_events_are_sent_with_their_properties() -> None:
    """All that are listed, and the revenue of those that have one."""
    for domain in (NEWSPAPER, MANUAL):
        names = {posted.name for posted in posted_on(domain)}
        assert names == {"pageview", "engagement", *(each.name for each in sites()[domain].events)}
    posted_there = posted_on(NEWSPAPER)
    sold = {(each.revenue, each.currency) for each in posted_there if each.revenue}
    assert sold == {("9.500", "EUR")}
    passive = {each.name for each in posted_there if not each.interactive}
    assert passive == {"Video progress"}


def test_readers_live_in_many_countries(countries: Countries) -> None:
    """Their networks are picked by the country database."""
    readers_at = addresses(rng(), countries.country)
    assert len(readers_at) >= 15
    seen = Counter(
        countries.country(header(each, b"x-forwarded-for"))
        for each in visits(rng(), NEWSPAPER, readers_at, rhythm(NEWSPAPER), DAY_S)
        if is_entry(each, NEWSPAPER)
    )
    assert seen.keys() & readers_at.keys() == readers_at.keys()
    assert seen["GB"] > 3 * seen["BE"] > 0


def test_without_a_country_database_readers_use_documentation_addresses() -> None:
    """RFC 5737: nobody's."""
    nets = [
        ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    ]
    for arrival in made(MANUAL, 30_000):
        address = ipaddress.ip_address(header(arrival, b"x-forwarded-for"))
        assert any(address in net for net in nets)


def test_the_sites_have_time_zones_and_whole_days() -> None:
    """Twenty-four hours, none without visits; every path once, beginning with a slash."""
    for domain, site in sites().items():
        assert ZoneInfo(site.timezone)
        assert len(site.hours) == 24
        assert min(site.hours) > 0
        paths = site.pages.split()
        assert len(paths) == len(set(paths)) >= 40
        assert all(path.startswith("/") for path in paths)
        assert domain.endswith(".example")
