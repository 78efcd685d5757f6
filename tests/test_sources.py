"""Referrers and campaign tags become sources and channels; of a referrer only the host stays."""

import re
import tomllib
from pathlib import Path

import pytest

from collector import sources
from collector.sources import Channel, Origin, referrer_host

LIST = Path(sources.__file__).with_name("lists") / "sources.toml"
ENTRY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?")


def came(host: str = "", source: str = "", medium: str = "", *, paid: bool = False) -> Origin:
    """Return the origin of a visit of which only what is named was seen."""
    return sources.origin(host, source, medium, paid)


def entries() -> list[tuple[str, str, str]]:
    """Every entry of the list: channel, source, entry."""
    tables = tomllib.loads(LIST.read_text(encoding="utf-8"))
    del tables["endings"]
    return [
        (channel, name, entry)
        for channel, table in tables.items()
        for name, line in table.items()
        for entry in line.split()
    ]


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Example.com/path?query=1#part", "example.com"),
        ("http://example.com", "example.com"),
        ("HTTPS://EXAMPLE.COM:8443/", "example.com"),
        ("https://example.com./", "example.com"),
        ("https://www2.example.com/", "www2.example.com"),
        ("https://user:secret@example.com/", "example.com"),
        ("https://jane@doe.example@example.com/", "example.com"),
        ("https://example.com?query@other.example", "example.com"),
        ("https://example.com#@other.example", "example.com"),
        ("https://example.com\\@other.example/", "example.com"),
        ("https://xn--mnchen-3ya.example/", "xn--mnchen-3ya.example"),
        ("https://under_score.example.com/", "under_score.example.com"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("android-app://com.Slack", "com.slack"),
        ("android-app://com.example.app2/", "com.example.app2"),
    ],
)
def test_a_referrer_is_reduced_to_its_host(referrer: str, host: str) -> None:
    """Case, `www.`, port, credentials, path, query and fragment are gone."""
    assert referrer_host(referrer) == host


@pytest.mark.parametrize(
    "referrer",
    [
        "",
        "about:blank",
        "javascript:alert(1)",
        "data:text/html,https://example.com",
        "file:///home/jane/page.html",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        " https://example.com/",
        "https://",
        "https:///example.com",
        "https://user@/",
        "https://-/",
        "https://.../",
        "https://exa mple.com/",
        "https://<script>.example/",
        "https://münchen.example/",
        "https://example..com/",
        "https://-example.com/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://" + "@" * 1992,
        "https://" + "." * 1992,
    ],
)
def test_what_names_no_site_has_no_host(referrer: str) -> None:
    """No referrer, another scheme, or nonsense of any length."""
    assert referrer_host(referrer) == ""


@pytest.mark.parametrize(
    "referrer",
    [
        "http://192.0.2.1/",
        "http://192.0.2.1:8080/",
        "http://192.0.2.123/",
        "http://0xc0.0x00.0x02.0x01/",
        "http://3221225985/",
        "http://[2001:db8::1]/",
        "http://localhost:3000/",
        "http://annas-laptop/",
        "http://nas.local/",
        "http://fritz.box/",
        "http://host.fritz.box/",
        "http://wiki.corp.internal/",
    ],
)
def test_addresses_and_private_names_are_not_kept(referrer: str) -> None:
    """They would say who somebody is, not which site they came from."""
    assert referrer_host(referrer) == ""


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("192-0-2-1.dyn.example.net", "dyn.example.net"),
        ("192.0.2.1.nip.example", "nip.example"),
        ("a.192.0.2.17.b.example.com", "b.example.com"),
        ("3f2bda11-0000-4000-8000-0123456789ab.example.com", "example.com"),
        ("x-0123456789abcdef.example.com", "example.com"),
        ("shop.x-0123456789abcdef.example.com", "example.com"),
        ("customer-123456.example.com", "example.com"),
        ("customer-12345.example.com", "customer-12345.example.com"),
        ("1234567.example", "1234567.example"),
        ("1234567.co.uk", "1234567.co.uk"),
        ("shop.1234567.com", "shop.1234567.com"),
    ],
)
def test_labels_that_may_stand_for_a_person_are_cut_off(host: str, kept: str) -> None:
    """Addresses, UUIDs, hashes and numbers of six digits, unless nothing would be left."""
    assert referrer_host(f"https://{host}/") == kept


@pytest.mark.parametrize(
    ("host", "source", "channel"),
    [
        ("google.com", "Google", Channel.SEARCH),
        ("google.co.uk", "Google", Channel.SEARCH),
        ("images.google.com.br", "Google", Channel.SEARCH),
        ("com.google.android.googlequicksearchbox", "Google", Channel.SEARCH),
        ("mail.google.com", "Gmail", Channel.EMAIL),
        ("com.google.android.gm", "Gmail", Channel.EMAIL),
        ("gemini.google.com", "Gemini", Channel.AI),
        ("news.google.de", "Google News", Channel.REFERRAL),
        ("scholar.google.fr", "Google Scholar", Channel.SEARCH),
        ("yandex.com.tr", "Yandex", Channel.SEARCH),
        ("mail.yandex.ru", "Yandex Mail", Channel.EMAIL),
        ("cn.bing.com", "Bing", Channel.SEARCH),
        ("edgeservices.bing.com", "Copilot", Channel.AI),
        ("r.search.yahoo.com", "Yahoo", Channel.SEARCH),
        ("duckduckgo.com", "DuckDuckGo", Channel.SEARCH),
        ("m.baidu.com", "Baidu", Channel.SEARCH),
        ("tieba.baidu.com", "Baidu Tieba", Channel.SOCIAL),
        ("t.co", "X (Twitter)", Channel.SOCIAL),
        ("lnkd.in", "LinkedIn", Channel.SOCIAL),
        ("l.facebook.com", "Facebook", Channel.SOCIAL),
        ("lm.facebook.com", "Facebook", Channel.SOCIAL),
        ("out.reddit.com", "Reddit", Channel.SOCIAL),
        ("news.ycombinator.com", "Hacker News", Channel.SOCIAL),
        ("chatgpt.com", "ChatGPT", Channel.AI),
        ("perplexity.ai", "Perplexity", Channel.AI),
        ("claude.ai", "Claude", Channel.AI),
        ("copilot.microsoft.com", "Copilot", Channel.AI),
        ("outlook.live.com", "Outlook", Channel.EMAIL),
        ("example.list-manage.com", "Mailchimp", Channel.EMAIL),
        ("en.wikipedia.org", "Wikipedia", Channel.REFERRAL),
        ("googleads.g.doubleclick.net", "Google Ads", Channel.PAID),
    ],
)
def test_well_known_hosts_have_a_name_and_a_channel(
    host: str, source: str, channel: Channel
) -> None:
    """The longest entry that fits wins."""
    assert came(host) == Origin(source, channel, host)


@pytest.mark.parametrize(
    "host",
    [
        "google.example.com",
        "google.com.example.com",
        "google.example",
        "notgoogle.com",
        "google.com-search.example",
        "mygoogle.co.uk",
        "google.github.io",
        "at.co",
        "chatgpt.com.example",
        "facebook.com.example.org",
    ],
)
def test_lookalikes_are_shown_as_what_they_are(host: str) -> None:
    """Entries match on label borders, from the right."""
    assert came(host) == Origin(host, Channel.REFERRAL, host)


def test_no_referrer_and_no_tag_is_direct() -> None:
    """A direct visit has no source."""
    assert came() == Origin("", Channel.DIRECT, "")


@pytest.mark.parametrize(
    ("tag", "source", "channel"),
    [
        ("twitter", "X (Twitter)", Channel.SOCIAL),
        ("Twitter", "X (Twitter)", Channel.SOCIAL),
        (" fb ", "Facebook", Channel.SOCIAL),
        ("ig", "Instagram", Channel.SOCIAL),
        ("google", "Google", Channel.SEARCH),
        ("GOOGLE.COM", "Google", Channel.SEARCH),
        ("www.google.com", "Google", Channel.SEARCH),
        ("chatgpt.com", "ChatGPT", Channel.AI),
        ("hackernews", "Hacker News", Channel.SOCIAL),
        ("Hacker News", "Hacker News", Channel.SOCIAL),
        ("producthunt", "Product Hunt", Channel.SOCIAL),
        ("newsletter", "Newsletter", Channel.EMAIL),
        ("adwords", "Google Ads", Channel.PAID),
        ("Spring Sale", "Spring Sale", Channel.REFERRAL),
        ("partner.example", "partner.example", Channel.REFERRAL),
    ],
)
def test_a_tag_is_read_through_the_same_list(tag: str, source: str, channel: Channel) -> None:
    """Known tags get the source's name, unknown ones stay as written."""
    assert came(source=tag) == Origin(source, channel, "")


def test_a_tag_wins_over_the_referrer() -> None:
    """The source is the tag's, the referrer stays beside it."""
    expected = Origin("Newsletter", Channel.EMAIL, "google.com")
    assert came("google.com", "newsletter") == expected


def test_an_unknown_tag_leaves_the_channel_to_the_referrer() -> None:
    """A link posted as spring-sale and clicked on t.co is social."""
    assert came("t.co", "spring-sale") == Origin("spring-sale", Channel.SOCIAL, "t.co")


@pytest.mark.parametrize(("length", "kept"), [(99, 99), (100, 100), (101, 100), (2000, 100)])
def test_a_tag_is_cut_to_100_characters(length: int, kept: int) -> None:
    """Longer ones are no names."""
    assert came(source="x" * length).source == "x" * kept


@pytest.mark.parametrize(
    ("medium", "channel"),
    [
        ("cpc", Channel.PAID),
        ("CPC", Channel.PAID),
        ("ppc", Channel.PAID),
        ("cpm", Channel.PAID),
        ("paid", Channel.PAID),
        ("paid_social", Channel.PAID),
        ("paid search", Channel.PAID),
        ("paidsocial", Channel.PAID),
        ("display", Channel.PAID),
        ("banner", Channel.PAID),
        ("retargeting", Channel.PAID),
        ("email", Channel.EMAIL),
        ("e-mail", Channel.EMAIL),
        ("E Mail", Channel.EMAIL),
        ("newsletter", Channel.EMAIL),
        ("social", Channel.SOCIAL),
        ("social-media", Channel.SOCIAL),
        ("Social Network", Channel.SOCIAL),
        ("organic_social", Channel.SOCIAL),
        ("ai", Channel.AI),
        ("organic", Channel.SEARCH),
        ("referral", Channel.REFERRAL),
        ("adventure", Channel.REFERRAL),
        ("emailsomething", Channel.REFERRAL),
        ("", Channel.REFERRAL),
    ],
)
def test_the_medium_decides_the_channel(medium: str, channel: Channel) -> None:
    """What it does not say is left to the source: here an unknown one."""
    assert came(source="spring-sale", medium=medium).channel is channel


def test_a_medium_that_says_nothing_leaves_a_known_source_alone() -> None:
    """`referral` and `organic` are what tools write by themselves."""
    assert came(source="twitter", medium="referral").channel is Channel.SOCIAL
    assert came("t.co", medium="organic").channel is Channel.SOCIAL


def test_a_paid_click_is_paid_wherever_it_came_from() -> None:
    """A click id of an advertising network was in the address."""
    assert came("google.com", paid=True) == Origin("Google", Channel.PAID, "google.com")
    assert came(paid=True) == Origin("", Channel.PAID, "")


def test_an_unknown_app_is_shown_by_its_package() -> None:
    """Its name is in no list."""
    host = referrer_host("android-app://org.example.reader/")
    assert came(host) == Origin(host, Channel.REFERRAL, "org.example.reader")


def remembered() -> int:
    """How many entries all caches of the module hold together."""
    caches = [each for each in vars(sources).values() if hasattr(each, "cache_info")]
    assert len(caches) >= 2
    return sum(cache.cache_info().currsize for cache in caches)


def test_nothing_but_the_host_of_a_referrer_is_remembered() -> None:
    """Fifty referrers of one host, each with its own credentials, path and query: one entry."""
    for cache in (sources._host, sources._origin):  # noqa: SLF001 - a full one could not grow
        cache.cache_clear()
    before = remembered()
    for secret in range(50):
        referrer_host(f"https://{secret}@remembered.example/{secret}?q={secret}#{secret}")
    assert remembered() == before + 1


def test_the_caches_are_bounded() -> None:
    """Made-up hosts and tags cannot fill the memory."""
    for number in range(5000):
        came(referrer_host(f"https://h{number}.example/"), f"tag {number}")
    for cached in (sources._host, sources._origin):  # noqa: SLF001 - their size is the point
        assert cached.cache_info().currsize <= cached.cache_parameters()["maxsize"] <= 4096


def test_the_list_names_at_least_260_hosts() -> None:
    """Counted before country endings are written out."""
    assert sum("." in entry for _, _, entry in entries()) >= 260


def test_every_entry_is_listed_once() -> None:
    """Two sources cannot claim the same host or tag."""
    listed = [entry for _, _, entry in entries()]
    assert sorted(listed) == sorted(set(listed))


def test_every_entry_can_be_written_in_a_referrer_or_a_tag() -> None:
    """An entry with capitals, a scheme or a path would never be found."""
    assert [entry for _, _, entry in entries() if not ENTRY.fullmatch(entry)] == []


def test_every_host_of_the_list_gives_the_source_it_stands_under() -> None:
    """The list says what it seems to say, whatever order it is in."""
    for channel, name, entry in entries():
        if "." in entry:
            host = referrer_host(f"https://{entry.replace('*', 'com')}/")
            assert came(host)[:2] == (name, channel), entry


def test_every_tag_of_the_list_gives_the_source_it_stands_under() -> None:
    """A tag wins over another source's name."""
    for channel, name, entry in entries():
        if "." not in entry:
            assert came(source=entry)[:2] == (name, channel), entry
