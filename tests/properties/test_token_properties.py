"""Tokens differ across sites, days, networks and browsers, and tell nothing without the key."""

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.anonymise import (
    BROWSERS,
    SYSTEMS,
    TrustedProxies,
    client_address,
    device,
    network,
    visitor_token,
)
from tests.chance import examples

SETTINGS = examples(300)
keys = st.binary(min_size=32, max_size=32)
sites = st.text(min_size=1, max_size=30)
networks = st.ip_addresses().map(str).map(network)
user_agents = st.text(max_size=60)
visitors = st.tuples(keys, sites, networks, user_agents)
TRUSTED = TrustedProxies.parse(["10.0.0.0/8"])
proxies = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
clients = st.ip_addresses(network="198.51.100.0/24") | st.ip_addresses(network="2001:db8::/32")


def _key(day: int) -> bytes:
    return sha256(b"day %d" % day).digest()


@SETTINGS
@given(visitors, visitors)
def test_tokens_are_equal_only_for_equal_visitors(
    one: tuple[bytes, str, bytes, str], other: tuple[bytes, str, bytes, str]
) -> None:
    """And always for those."""
    assert (visitor_token(*one) == visitor_token(*other)) == (one == other)


@SETTINGS
@given(visitors, st.integers(1, 20))
def test_moving_characters_between_fields_makes_another_token(
    visitor: tuple[bytes, str, bytes, str], count: int
) -> None:
    """Lengths are part of what is hashed, so that joined fields cannot collide."""
    key, site, found, user_agent = visitor
    assume(user_agent[:count])
    moved = visitor_token(key, site + user_agent[:count], found, user_agent[count:])
    assert moved != visitor_token(*visitor)
    swallowed = visitor_token(key, site, found + user_agent.encode(), "")
    assert swallowed != visitor_token(*visitor)


@SETTINGS
@given(keys, sites, *[st.integers(0, 2**64 - 1)] * 3, user_agents)
def test_addresses_of_one_household_share_a_token(
    key: bytes, site: str, prefix: int, one: int, other: int, user_agent: str
) -> None:
    """The lower 64 bits of an IPv6 address change by the hour."""
    assume(prefix)  # ::ffff:0:0/96 is IPv4
    tokens = {
        visitor_token(key, site, network(str(IPv6Address(prefix << 64 | host))), user_agent)
        for host in (one, other)
    }
    assert len(tokens) == 1


Hash = Callable[[bytes, str, bytes, str], int]
FAULTS: dict[str, Hash] = {
    "no site": lambda key, _, found, agent: visitor_token(key, "", found, agent),
    "no day": lambda _, site, found, agent: visitor_token(_key(0), site, found, agent),
    "no key": lambda _, site, found, agent: hash((site, found, agent)),
    "too short": lambda *of: visitor_token(*of) >> 44,
}


def shared(hashed: Hash) -> int:
    """Return how many tokens the same visitors have in common on ten days of ten sites."""
    seen = {
        hashed(_key(day), f"{site}.example", network(f"192.0.2.{host}"), "Example")
        for day in range(10)
        for site in range(10)
        for host in range(100)
    }
    return 10 * 10 * 100 - len(seen)


def test_days_and_sites_share_no_token() -> None:
    """Of the same visitors on ten days of ten sites, all tokens differ."""
    assert shared(visitor_token) == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_shared_token_would_be_noticed(fault: str) -> None:
    """If the hash left something out."""
    assert shared(FAULTS[fault]) > 0


def test_every_bit_of_a_token_is_even_whatever_the_visitors() -> None:
    """20,000 neighbours differ in one byte; each bit is set for half of them, within 5 sigma."""
    count = 20_000
    ones: Counter[int] = Counter()
    for number in range(count):
        token = visitor_token(_key(1), "example.com", number.to_bytes(4, "big"), "Example")
        ones.update(bit for bit in range(64) if token >> bit & 1)
    deviation = 5 * (count / 4) ** 0.5
    assert all(abs(ones[bit] - count / 2) < deviation for bit in range(64))


def test_tokens_of_two_days_do_not_pair_up() -> None:
    """Ordering visitors by Monday's token says nothing about their order by Tuesday's."""
    hosts = [network(f"192.0.2.{host}") for host in range(256)]
    ranks = []
    for day in (1, 2):
        tokens = [visitor_token(_key(day), "example.com", host, "Example") for host in hosts]
        order = sorted(range(256), key=tokens.__getitem__)
        ranks.append([order.index(host) for host in range(256)])
    concordant = sum(
        (ranks[0][one] < ranks[0][other]) == (ranks[1][one] < ranks[1][other])
        for one in range(256)
        for other in range(one)
    )
    auc = concordant / (256 * 255 / 2)
    assert abs(auc - 0.5) < 0.11  # five standard deviations of Kendall's tau for 256


@SETTINGS
@given(proxies, clients, st.lists(proxies, max_size=5), st.text(max_size=80))
def test_no_header_a_client_sends_changes_its_address(
    peer: str, client: object, links: list[str], invention: str
) -> None:
    """Whatever stands left of what our first proxy saw."""
    header = ",".join([invention, str(client), *links])
    assert client_address(peer, header, TRUSTED) == str(client)
    assert client_address(str(client), header, TRUSTED) == str(client)


Addressing = Callable[[str, str, TrustedProxies], str]
FORGEABLE: dict[str, Addressing] = {
    "the leftmost": lambda _peer, header, _: header.partition(",")[0].strip(),
    "the rightmost": lambda _peer, header, _: header.rpartition(",")[2].strip(),
    "of anybody": lambda peer, header, trusted: client_address(
        "10.0.0.1" if header else peer, header, trusted
    ),
}


def forged(addressing: Addressing) -> list[str]:
    """Return the headers by which somebody at 198.51.100.7 seems to be elsewhere."""
    true = "198.51.100.7"
    headers = {
        "203.0.113.9": true,
        f"203.0.113.9, {true}": "10.0.0.1",
        f"{true}, 10.0.0.2": "10.0.0.1",
    }
    return [sent for sent, peer in headers.items() if addressing(peer, sent, TRUSTED) != true]


def test_nobody_forges_an_address() -> None:
    """Neither directly nor through proxies of ours."""
    assert forged(client_address) == []


@pytest.mark.parametrize("fault", FORGEABLE)
def test_an_address_that_can_be_forged_would_be_noticed(fault: str) -> None:
    """If some end of the header, or anybody's header, were believed."""
    assert forged(FORGEABLE[fault])


@SETTINGS
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_header_breaks_anything(peer: str, forwarded: str) -> None:
    """An address, however odd, has a network of 0, 4 or 8 bytes."""
    for one in (peer, "10.0.0.1"):
        assert len(network(client_address(one, forwarded, TRUSTED))) in {0, 4, 8}


@SETTINGS
@given(st.text(max_size=700))
def test_only_listed_words_leave_a_user_agent(user_agent: str) -> None:
    """Whatever it says."""
    found = device(user_agent)
    assert found.browser in BROWSERS
    assert found.os in SYSTEMS
