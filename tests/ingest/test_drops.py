"""What is not counted: by which reason, and in which order the reasons are looked for."""

from collections import Counter

import pytest

from collector import app
from collector.journal import Drops
from collector.settings.exclusions import ExclusionBook, exclusions
from tests.application import BROWSER, SITE, VISITOR, Started, Whole, pageview
from tests.ingest.posting import counted, custom, reason, refused

ROBOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
SPAM = "https://semalt.com/offer"
ELSEWHERE = "stats.example.org"


def test_an_event_of_an_unknown_site_is_dropped(standing: Whole) -> None:
    """By its domain, or by the host of its address."""
    assert reason(standing, pageview("/", "unknown.example")) == "unknown_site"
    assert reason(standing, pageview("/", d="unknown.example")) == "unknown_site"


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("example.com", "example.com"),
        ("example.com", "stats.example.com"),
        ("example.com", "STATS.Example.COM:8443"),
        ("example.com", "a.b.example.com."),
        ("shop.example.net", "stats.example.net"),
        ("shop.example.net", "example.net"),
        ("localhost", "localhost:8000"),
    ],
)
def test_a_collector_beside_the_site_counts(standing: Whole, site: str, host: str) -> None:
    """Any host of the same registrable domain."""
    assert counted(standing, pageview("/", site), host=host).host == site


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("example.com", "stats.example.org"),
        ("example.com", "notexample.com"),
        ("example.com", "example.com.evil.example"),
        ("example.com", "com"),
        ("example.com", ""),
        ("example.com", "127.0.0.1:8000"),
        ("example.com", "[::1]:8000"),
        ("shop.example.net", "example.com"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_a_collector_of_another_domain_does_not_count(
    standing: Whole, site: str, host: str
) -> None:
    """There the opt-out cookie could not be seen."""
    assert reason(standing, pageview("/", site), host=host) == "third_party"


def test_third_parties_count_where_the_operator_says_so(started: Started) -> None:
    """An option allows it."""
    with started(allow_third_party=True) as whole:
        counted(whole, pageview("/"), host="stats.example.org")


def test_a_proxy_says_which_host_was_asked_for(standing: Whole) -> None:
    """The entry of the proxy nearest to us counts; a visitor's word does not."""
    inside, outside = {"X-Forwarded-Host": SITE}, {"X-Forwarded-Host": ELSEWHERE}
    counted(standing, pageview("/"), inside, host="127.0.0.1:8000")
    counted(standing, pageview("/"), {"X-Forwarded-Host": f"{ELSEWHERE}, {SITE}"}, host="app")
    counted(standing, pageview("/"), outside, peer=VISITOR)
    forged = {"X-Forwarded-Host": f"{SITE}, {ELSEWHERE}"}
    assert reason(standing, pageview("/"), forged, host=SITE) == "third_party"
    assert reason(standing, pageview("/"), outside) == "third_party"
    assert reason(standing, pageview("/"), inside, peer=VISITOR, host="app") == "third_party"


@pytest.mark.parametrize(
    "user_agent", [ROBOT["User-Agent"], "curl/8.5.0", "", "HeadlessChrome", "x" * 600, BROWSER[:20]]
)
def test_a_robot_is_dropped(standing: Whole, user_agent: str) -> None:
    """What calls itself one, and what is no browser."""
    assert reason(standing, pageview("/"), {"User-Agent": user_agent}) == "bot"


@pytest.mark.parametrize("host", ["semalt.com", "www.semalt.com", "a.b.SEMALT.com:80"])
def test_a_faked_referrer_is_dropped(standing: Whole, host: str) -> None:
    """By the listed domain and all below it; one that only ends alike counts."""
    assert reason(standing, pageview("/", r=f"https://{host}/x")) == "referrer_spam"
    assert counted(standing, pageview("/", r="https://notsemalt.com/")).referrer == "notsemalt.com"


def test_a_network_that_floods_is_dropped_for_the_rest_of_the_minute(started: Started) -> None:
    """Others are not, and a minute later nobody is."""
    with started(flood_limit=3) as whole:
        for _ in range(5):
            whole.post(pageview("/first"))
        whole.post(pageview("/other"), {"X-Forwarded-For": "192.0.2.18"})
        whole.clock.turn(seconds=59.9)
        whole.post(pageview("/still"))
        whole.clock.turn(seconds=0.1)
        whole.post(pageview("/later"))
        paths = [event.path for event in whole.events()]
        assert paths == ["/first", "/first", "/first", "/other", "/later"]
        assert whole.drops() == Counter(flood=3)


def test_a_flood_is_one_of_a_network_not_of_a_browser_or_site(started: Started) -> None:
    """An IPv6 network is a /64; changing user agents or sites gives no second share."""
    sites = {SITE: "UTC", "example.org": "UTC"}
    with started(flood_limit=2, sites=sites) as whole:
        whole.post(pageview("/"), {"X-Forwarded-For": "2001:db8::1"})
        agent = BROWSER.replace("142", "141")
        headers = {"X-Forwarded-For": "2001:db8::2", "User-Agent": agent}
        whole.post(pageview("/", "example.org"), headers, host="example.org")
        whole.post(pageview("/"), {"X-Forwarded-For": "2001:db8::ffff:3"})
        whole.post(pageview("/"), {"X-Forwarded-For": "2001:db8:0:1::1"})
        assert len(whole.events()) == 3
        assert whole.drops() == Counter(flood=1)


def test_a_clock_that_was_set_back_does_not_hold_a_flood_for_ever(started: Started) -> None:
    """The minute begins anew."""
    with started(flood_limit=1) as whole:
        whole.post(pageview("/"))
        whole.clock.turn(hours=-2)
        whole.post(pageview("/"))
        assert len(whole.events()) == 2


# Each has all the faults that come after its own.
IN_ORDER = [
    ("unknown_site", pageview("/", "unknown.example", r=SPAM), ROBOT, ELSEWHERE),
    ("third_party", pageview("/", r=SPAM), ROBOT, ELSEWHERE),
    ("bot", pageview("/", r=SPAM), ROBOT, SITE),
    ("referrer_spam", pageview("/", r=SPAM), {}, SITE),
    ("flood", pageview("/"), {}, SITE),
]


@pytest.mark.parametrize("place", range(len(IN_ORDER)), ids=[row[0] for row in IN_ORDER])
def test_the_first_reason_in_order_is_the_one_counted(started: Started, place: int) -> None:
    """Once; an event that is dropped for an earlier reason is no part of a flood."""
    expected, event, headers, host = IN_ORDER[place]
    with started(flood_limit=1) as whole:
        for _ in range(3):
            whole.post(event, headers, host=host)
        counted_first = 1 if expected == "flood" else 0
        assert len(whole.events()) == counted_first
        assert whole.drops() == Counter({expected: 3 - counted_first})


def test_size_and_shape_come_before_all_reasons(standing: Whole) -> None:
    """What is no event cannot be dropped as one."""
    too_large = b" " * 8193
    answer = standing.post(too_large, ROBOT, host=ELSEWHERE)
    assert answer.status_code == 413
    assert standing.post(b"{", ROBOT, host=ELSEWHERE).status_code == 400
    assert refused(standing, custom(u="file:///", d="unknown.example")) == "u"


def test_drops_are_kept_as_sums_by_site_day_and_reason(started: Started) -> None:
    """With nothing else; those of no known site under 0, by UTC."""
    sites = {SITE: "Europe/Berlin", "example.org": "America/New_York"}
    with started(sites=sites) as whole:
        whole.clock.turn(hours=13, minutes=30)  # 23:30 UTC
        for _ in range(3):
            whole.post(pageview("/"), ROBOT)
        whole.post(pageview("/", "example.org"), ROBOT, host="example.org")
        whole.post(pageview("/", r=SPAM))
        whole.post(pageview("/", "unknown.example"))
        whole.end()
        told = {(d.site, d.date, d.reason, d.count) for d in whole.records() if type(d) is Drops}
        assert told == {
            (1, "2026-11-25", "bot", 3),
            (2, "2026-11-24", "bot", 1),
            (1, "2026-11-25", "referrer_spam", 1),
            (0, "2026-11-24", "unknown_site", 1),
        }
        assert len(whole.records()) == len(told) + 2  # and a day key for each zone


def test_drops_are_written_while_the_application_runs(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a second, of which a crash loses no more."""
    monkeypatch.setattr(app, "_CHORES_EVERY_S", 0.05)
    with started() as whole:
        whole.post(pageview("/"), ROBOT)
        whole.wait_until(lambda: any(isinstance(one, Drops) for one in whole.records()), "drops")


def test_what_a_site_leaves_out_is_dropped(whole: Whole) -> None:
    """Its pages and its networks, from within a second on; a robot there is a robot first."""
    book = ExclusionBook(whole.composed.control)
    site = whole.composed.control.sites()[0].id
    counted(whole, pageview("/admin/users"))
    book.write(site, exclusions("/admin/*\n/a/:id", "203.0.113.0/24\n2001:db8::/48"))
    whole.wait(0.7)
    assert reason(whole, pageview("/admin/users?x=1")) == "excluded_page"
    assert reason(whole, pageview("/a/1234567890123456")) == "excluded_page"
    assert reason(whole, custom(u=f"https://{SITE}/admin/")) == "excluded_page"
    for address in ("203.0.113.9", "2001:db8:0:9::1"):
        assert reason(whole, pageview("/"), {"X-Forwarded-For": address}) == "excluded_network"
    assert reason(whole, pageview("/admin/"), ROBOT) == "bot"
    counted(whole, pageview("/admin"))
    counted(whole, pageview("/"), {"X-Forwarded-For": "203.0.114.9"})
    likeness = whole.composed.ingest.likeness(
        {
            "type": "http",
            "client": ("203.0.113.9", 1),
            "headers": [(b"host", SITE.encode()), (b"user-agent", BROWSER.encode())],
        }
    )
    assert likeness is not None
    assert likeness.reason == "excluded_network"
    book.write(site, exclusions("", ""))
    whole.wait(0.7)
    counted(whole, pageview("/admin/users"))
