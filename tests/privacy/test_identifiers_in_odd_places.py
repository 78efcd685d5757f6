"""Identifiers in places where nobody expects one are found all the same."""

import pytest

from collector import scrub
from tests.application import Whole, pageview
from tests.privacy.canaries import ADDRESS, ADDRESS6, BOT, HEX, JWT, UUID, search

SIGNATURE = JWT.split(".")[2]


@pytest.mark.parametrize("label", [UUID, HEX, SIGNATURE, ADDRESS.replace(".", "-"), ADDRESS])
def test_an_identifier_in_a_pages_host_is_not_kept(whole: Whole, label: str) -> None:
    """Of the labels only those of the site's own domain stay."""
    whole.post({**pageview("/news"), "u": f"https://{label}.example.com/news", "d": "example.com"})
    assert [event.host for event in whole.events()] == ["_id.example.com"]


@pytest.mark.parametrize("label", [JWT.split(".")[0], SIGNATURE])
def test_a_token_in_a_referrers_host_is_not_kept(whole: Whole, label: str) -> None:
    """Neither as the referrer nor as the source's name."""
    whole.post(pageview("/news", r=f"https://{label}.webmail.example/"))
    kept = [(event.referrer, event.source) for event in whole.events()]
    assert kept == [("_id.webmail.example", "_id.webmail.example")]


@pytest.mark.parametrize("text", ["{}: yes", "ip:{}", "ip:{}:", "{}:443"])
def test_an_ipv6_address_beside_a_colon_is_masked(text: str) -> None:
    """The colon of a sentence or of a port does not hide it."""
    assert search(scrub.scrub_text(text.format(ADDRESS6), 100).encode(), "text") == []


@pytest.mark.parametrize("agent", [BOT, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"])
def test_a_user_agent_in_a_parameter_of_a_path_goes_whole(agent: str) -> None:
    """Not only up to its first slash."""
    assert scrub.scrub_path(f"/a;agent={agent}") == "/a"


@pytest.mark.parametrize("tag", ["jane.doe+news@example.com", "from+jane.doe+news@example.com"])
def test_a_campaign_tag_keeps_nothing_of_an_address_with_a_plus(tag: str) -> None:
    """A plus stands for a blank, but not in an address."""
    assert scrub.scrub_url(f"https://example.com/?utm_source={tag}").utm_source == ":id"
