"""Who is one visitor: by address, browser, site and local day, and never beyond."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from collector.journal import NewKey
from tests.application import BROWSER, PROXY, SITE, VISITOR, Started, Whole, pageview
from tests.ingest.posting import counted

OTHER_BROWSER = BROWSER.replace("Chrome/142", "Chrome/141")


def token(
    whole: Whole,
    headers: Mapping[str, str] | None = None,
    *,
    site: str = SITE,
    peer: str | None = PROXY,
) -> int:
    """Post a pageview; return whose it is."""
    return counted(whole, pageview("/", site), headers or {}, peer=peer, host=site).token


def forwarded(whole: Whole, header: str, peer: str | None = PROXY) -> int:
    """Post a pageview for which a peer forwards an address; return whose it is."""
    return token(whole, {"X-Forwarded-For": header}, peer=peer)


def test_the_same_address_and_browser_are_one_visitor(standing: Whole) -> None:
    """All day long; another address or browser is another."""
    one = token(standing)
    assert token(standing) == one
    assert forwarded(standing, "192.0.2.18") != one
    assert token(standing, {"User-Agent": OTHER_BROWSER}) != one


def test_a_visitor_of_two_sites_has_two_tokens(standing: Whole) -> None:
    """Though both have the same day, and the same key."""
    assert token(standing) != token(standing, site="localhost")


def test_a_visitor_of_two_days_has_two_tokens(started: Started) -> None:
    """From one microsecond to the next; in the time zone of the site."""
    before_midnight = datetime(2026, 11, 24, 22, 59, 59, 999_000, tzinfo=UTC)
    with started(sites={SITE: "Europe/Berlin"}, now=before_midnight) as whole:
        monday = [token(whole) for _ in range(2)]
        whole.clock.turn(seconds=0.001)
        tuesday = [token(whole) for _ in range(2)]
        assert len(set(monday)) == len(set(tuesday)) == 1
        assert monday != tuesday
        assert [(e.date, e.hour) for e in whole.events()] == [
            ("2026-11-24", 23), ("2026-11-24", 23), ("2026-11-25", 0), ("2026-11-25", 0),
        ]  # fmt: skip
        made = [record.date for record in whole.records() if isinstance(record, NewKey)]
        assert made == ["2026-11-24", "2026-11-25"]


def test_two_installations_share_no_token(started: Started, standing: Whole) -> None:
    """Each has keys of its own."""
    with started() as whole:
        assert token(whole) != token(standing)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8::1", "2001:0db8:0:0::1"),
        ("::ffff:192.0.2.17", "192.0.2.17"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("192.0.2.17:5000", "192.0.2.17"),
        (" 192.0.2.17 ", "192.0.2.17"),
    ],
)
def test_a_network_is_one_visitor_in_any_spelling(standing: Whole, one: str, other: str) -> None:
    """An IPv6 network is a /64: its lower half changes by the hour."""
    assert forwarded(standing, one) == forwarded(standing, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("2001:db8:1:2::", "2001:db8:1:3::"),
        ("192.0.2.17", "192.0.2.16"),
        ("192.0.2.17", "2001:db8::c000:211"),
    ],
)
def test_two_networks_are_two_visitors(standing: Whole, one: str, other: str) -> None:
    """Neighbours too."""
    assert forwarded(standing, one) != forwarded(standing, other)


@pytest.mark.parametrize(
    "header",
    [
        f"198.51.100.9, {VISITOR}",
        f"{VISITOR}, 127.0.0.1",
        f"198.51.100.9,{VISITOR}, 127.0.0.1 ,127.0.0.2",
        f"nonsense, , {VISITOR}",
        f"{VISITOR},",
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(standing: Whole, header: str) -> None:
    """Whatever a visitor wrote left of it."""
    assert forwarded(standing, header) == forwarded(standing, VISITOR)


def test_several_lines_of_the_header_are_one_in_their_order(standing: Whole) -> None:
    """A visitor's own line comes first."""
    headers = [("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", VISITOR)]
    assert counted(standing, pageview("/"), headers).token == forwarded(standing, VISITOR)


def test_nobody_but_a_proxy_of_ours_is_believed(standing: Whole) -> None:
    """Neither a visitor nor a connection without an address."""
    itself = token(standing, {"X-Forwarded-For": ""}, peer=VISITOR)
    assert forwarded(standing, "198.51.100.9", peer=VISITOR) == itself
    assert itself == forwarded(standing, VISITOR)
    nowhere = forwarded(standing, "198.51.100.9", peer=None)
    assert nowhere == forwarded(standing, VISITOR, peer=None)
    assert nowhere not in {itself, forwarded(standing, "198.51.100.9")}


def test_proxies_are_those_of_the_configuration(started: Started) -> None:
    """With others named, this machine is none of them."""
    with started(trusted_proxies=["198.51.100.0/24"]) as whole:
        visitor = token(whole, {"X-Forwarded-For": ""}, peer=VISITOR)
        assert forwarded(whole, VISITOR, peer="198.51.100.7") == visitor
        chain = f"203.0.113.5, {VISITOR}, 198.51.100.8"
        assert forwarded(whole, chain, peer="198.51.100.7") == visitor
        assert forwarded(whole, VISITOR, peer=PROXY) != visitor
        assert forwarded(whole, VISITOR, peer="203.0.113.5") != visitor


@pytest.mark.parametrize("header", ["Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"])
def test_no_other_header_names_an_address(standing: Whole, header: str) -> None:
    """Nobody was told to believe them."""
    headers = {"X-Forwarded-For": VISITOR, header: "for=198.51.100.9"}
    assert token(standing, headers) == forwarded(standing, VISITOR)


@pytest.mark.parametrize(
    ("timezone", "local"),
    [
        ("UTC", ("2026-11-24", 10)),
        ("Europe/Berlin", ("2026-11-24", 11)),
        ("America/New_York", ("2026-11-24", 5)),
        ("Asia/Kathmandu", ("2026-11-24", 15)),
        ("Pacific/Kiritimati", ("2026-11-25", 0)),
        ("Pacific/Pago_Pago", ("2026-11-23", 23)),
    ],
)
def test_date_and_hour_are_those_of_the_site(
    started: Started, timezone: str, local: tuple[str, int]
) -> None:
    """As a clock on its wall shows them."""
    with started(sites={SITE: timezone}) as whole:
        event = counted(whole, pageview("/"))
        assert (event.date, event.hour) == local


def test_the_hour_turns_with_the_clock_of_the_site(started: Started) -> None:
    """Where zones are off by a quarter of an hour, and where clocks are set back."""
    start = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)
    with started(sites={SITE: "Europe/Berlin"}, now=start) as whole:
        hours = []
        for _ in range(4):
            hours.append(counted(whole, pageview("/")).hour)
            whole.clock.turn(minutes=30)
        assert hours == [2, 2, 2, 3]
    with started(sites={"example.org": "Asia/Kathmandu"}) as whole:
        hours = []
        for _ in range(3):
            event = counted(whole, pageview("/", "example.org"), host="example.org")
            hours.append(event.hour)
            whole.clock.turn(minutes=8)
        assert hours == [15, 15, 16]


def test_times_rise_from_event_to_event(started: Started) -> None:
    """Also while the clock stands, and after it was set back: they order a visitor's events."""
    with started() as whole:
        times = []
        for step_s in (0, 0, 5, -60, 0, 30, 40):
            whole.clock.turn(seconds=step_s)
            times.append(counted(whole, pageview("/")).at_us)
        assert times == sorted(set(times))


def test_a_device_is_kept_as_three_words(standing: Whole) -> None:
    """And nothing of the user agent beside them."""
    event = counted(standing, pageview("/", s="xl"))
    assert (event.device, event.browser, event.os, event.screen) == (
        "desktop", "Chrome", "Linux", "xl",
    )  # fmt: skip
    kept = "".join(p.read_text("utf-8") for p in (standing.folder / "data/journal").iterdir())
    for part in (BROWSER, "Chrome/142", "Mozilla", "AppleWebKit", VISITOR, "198.51.100"):
        assert part not in kept
