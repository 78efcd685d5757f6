"""From a request to something that names nobody: networks, proxies, tokens, devices."""

import time
from hashlib import blake2b

import pytest

from collector import anonymise
from collector.anonymise import (
    BROWSERS,
    SCREENS,
    SYSTEMS,
    Device,
    DeviceClass,
    ProxyError,
    TrustedProxies,
    client_address,
    device,
    network,
    network_address,
    screen,
    visitor_token,
)

KEY = bytes(range(32))
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"
PROXY = "10.0.0.1"
TRUSTED = TrustedProxies.parse(["10.0.0.0/8", "127.0.0.0/8", "::1/128", "2001:db8:ffff::/48"])


@pytest.mark.parametrize("size", [0, 1, 16, 31, 33, 64])
def test_a_key_of_another_length_makes_no_token(size: int) -> None:
    """An empty one would make tokens that anybody can make again."""
    with pytest.raises(ValueError, match="32 bytes"):
        visitor_token(bytes(size), "example.com", b"abcd", CHROME)


def test_a_destroyed_key_makes_no_token() -> None:
    """Its memory cannot be read any more."""
    key = memoryview(bytearray(KEY))
    visitor_token(key, "example.com", b"abcd", CHROME)
    key.release()
    with pytest.raises(ValueError, match="released"):
        visitor_token(key, "example.com", b"abcd", CHROME)


def test_a_token_is_the_keyed_hash_of_length_prefixed_fields() -> None:
    """The recipe is fixed: processes of two versions count a visitor once."""
    fields = b"\x00\x0b\x00\x04\x00\x00\x00\x02" + b"example.com" + b"\xc0\x00\x02\x01" + b"UA"
    digest = blake2b(fields, digest_size=8, key=KEY, person=b"gatecount token1").digest()
    assert visitor_token(KEY, "example.com", network("192.0.2.1"), "UA") == int.from_bytes(digest)
    assert visitor_token(memoryview(KEY), "example.com", network("192.0.2.1"), "UA") == (
        visitor_token(bytearray(KEY), "example.com", network("192.0.2.1"), "UA")
    )


def test_a_token_takes_any_text() -> None:
    """Header bytes of any kind, also none."""
    for user_agent in ("", "\x00", "ü", "\ud800", "x" * 10_000):
        assert 0 <= visitor_token(KEY, "bücher.example", b"", user_agent) < 2**64


def test_of_a_user_agent_512_characters_count() -> None:
    """The device is told from the same ones, so that a visitor has one."""
    token = visitor_token(KEY, "example.com", b"abcd", "x" * 512)
    assert visitor_token(KEY, "example.com", b"abcd", "x" * 513) == token
    assert visitor_token(KEY, "example.com", b"abcd", "x" * 511) != token


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8::1", "2001:db8::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2", ""),
        ("192.0.2.256", ""),
        ("192.0.2.01", ""),
        ("192.0.2.1 ", ""),
        ("192.0.2.1:80", ""),
        ("[2001:db8::1]", ""),
        ("2001:db8::1::2", ""),
        ("1\x002", ""),
        ("1:\x002", ""),
        ("１９２.0.2.1", ""),  # noqa: RUF001 - the point
        ("\ud800", ""),
        (":" * 10_000, ""),
    ],
)
def test_a_network_is_an_ipv4_address_or_a_slash_64(address: str, expected: str) -> None:
    """IPv4 in IPv6 is IPv4; nonsense is nothing."""
    assert network_address(network(address)) == expected


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        # nobody to believe
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (None, "198.51.100.7", ""),
        ("", "198.51.100.7", ""),
        ("2001:db8::9", "198.51.100.7", "2001:db8::9"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("fe80::9%eth0", "", "fe80::9"),
        # a proxy of ours
        (PROXY, "", PROXY),
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (f"::ffff:{PROXY}", "198.51.100.7", "198.51.100.7"),
        ("::1", "198.51.100.7", "198.51.100.7"),
        (PROXY, "2001:db8::7", "2001:db8::7"),
        (PROXY, " 198.51.100.7 ", "198.51.100.7"),
        (PROXY, "\t198.51.100.7", "198.51.100.7"),
        # the rightmost that is no proxy; what stands left of it is the client's invention
        (PROXY, "192.0.2.66, 198.51.100.7", "198.51.100.7"),
        (PROXY, "192.0.2.66,198.51.100.7,10.9.9.9", "198.51.100.7"),
        (PROXY, "10.6.6.6, 198.51.100.7, 10.9.9.9, 127.0.0.1", "198.51.100.7"),
        (PROXY, "<script>, 198.51.100.7", "198.51.100.7"),
        (PROXY, "192.0.2.66, 198.51.100.7, 2001:db8:ffff::3", "198.51.100.7"),
        # all are proxies: the leftmost
        (PROXY, "10.1.1.1", "10.1.1.1"),
        (PROXY, "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        # ports, brackets, quotes, zones
        (PROXY, "198.51.100.7:5678", "198.51.100.7"),
        (PROXY, "[2001:db8::7]", "2001:db8::7"),
        (PROXY, "[2001:db8::7]:443", "2001:db8::7"),
        (PROXY, '"[2001:db8::7]:443"', "2001:db8::7"),
        (PROXY, "fe80::7%eth0", "fe80::7"),
        (PROXY, "::ffff:198.51.100.7", "198.51.100.7"),
        (PROXY, "[::ffff:198.51.100.7]:1", "198.51.100.7"),
        (PROXY, "192.0.2.66, 198.51.100.7, 10.9.9.9:1234", "198.51.100.7"),
        # empty elements are ignored
        (PROXY, "198.51.100.7,", "198.51.100.7"),
        (PROXY, ",,198.51.100.7, ,", "198.51.100.7"),
        (PROXY, ",", PROXY),
        (PROXY, " ", PROXY),
        # a proxy that did not know its client: its own address, and nothing left of it
        (PROXY, "unknown", PROXY),
        (PROXY, "198.51.100.7, unknown", PROXY),
        (PROXY, "198.51.100.7, _hidden, 10.2.2.2", "10.2.2.2"),
        (PROXY, "for=198.51.100.7", PROXY),
        (PROXY, "198.51.100.7 192.0.2.66", PROXY),
        (PROXY, "198.51.100.300", PROXY),
        (PROXY, "[", PROXY),
        (PROXY, "[]", PROXY),
        (PROXY, "\x00", PROXY),
    ],
)
def test_forwarded_addresses_are_believed_link_by_link(
    peer: str | None, forwarded: str, expected: str
) -> None:
    """Only from our proxies, and only as far as they vouch."""
    assert client_address(peer, forwarded, TRUSTED) == expected


def test_several_header_lines_count_in_order() -> None:
    """The caller joins them by commas."""
    lines = ["192.0.2.66", "198.51.100.7", "10.9.9.9"]
    assert client_address(PROXY, ",".join(lines), TRUSTED) == "198.51.100.7"


def test_without_proxies_nothing_is_believed() -> None:
    """Not even the machine itself."""
    nobody = TrustedProxies.parse([])
    assert client_address("127.0.0.1", "198.51.100.7", nobody) == "127.0.0.1"


def test_an_endless_header_is_read_from_the_right_and_not_to_its_end() -> None:
    """A chain of our proxies has few links."""
    long = ",".join(["192.0.2.66"] * 100_000)
    assert client_address(PROXY, f"{long},198.51.100.7", TRUSTED) == "198.51.100.7"
    proxies = ",".join(["10.1.1.1"] * 100_000)
    assert client_address(PROXY, proxies, TRUSTED) == "10.1.1.1"


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        (" 192.0.2.0/24 ", "::ffff:192.0.2.7", "::192.0.2.7"),
        ("192.0.0.0/9", "192.127.255.255", "192.128.0.0"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("2001:db8::1", "2001:DB8:0::1", "2001:db8::2"),
        ("::ffff:192.0.2.0/120", "192.0.2.7", "192.0.3.7"),
        ("10.0.0.0/8", "10.1.2.3", "a01:203::"),
    ],
)
def test_a_proxy_network_holds_its_addresses(text: str, inside: str, outside: str) -> None:
    """In any spelling; never one of the other family with the same bits."""
    proxies = TrustedProxies.parse([text])
    for _ in range(2):  # asked again it answers from memory
        assert proxies.trusts(inside)
        assert not proxies.trusts(outside)
    assert not proxies.trusts("")
    assert not proxies.trusts("nonsense")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*", "forge"),
        ("0.0.0.0/0", "forge"),
        ("::/0", "forge"),
        ("::ffff:0:0/96", "forge"),
        ("192.0.2.7/24", r"192\.0\.2\.0/24"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("", "no network"),
        ("localhost", "no network"),
        ("192.0.2.0/33", "no network"),
        ("192.0.2.", "no network"),
    ],
)
def test_a_network_that_would_let_anyone_forge_is_refused(text: str, message: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(ProxyError, match=message):
        TrustedProxies.parse(["127.0.0.1", text])


def test_no_visitors_address_is_remembered() -> None:
    """Only a proxy's is, and not many."""
    proxies = TrustedProxies.parse(["10.0.0.0/8"])
    for number in range(1_000):
        proxies.trusts(f"198.51.{number // 256}.{number % 256}")
        proxies.trusts(f"10.0.{number // 256}.{number % 256}")
    remembered = list(vars(proxies)["_believed"])
    assert 0 < len(remembered) <= 256
    assert all(address.startswith("10.") for address in remembered)


def _mobile(system: str, rest: str) -> str:
    return f"Mozilla/5.0 ({system}) {WEBKIT} {rest}"


IPHONE = "iPhone; CPU iPhone OS 18_0 like Mac OS X"
IPAD = "iPad; CPU OS 18_0 like Mac OS X"
PHONE = "Linux; Android 10; K"
D = DeviceClass


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (CHROME, (D.DESKTOP, "Chrome", "Windows")),
        (f"{CHROME} Edg/131.0.0.0", (D.DESKTOP, "Edge", "Windows")),
        (f"{CHROME} OPR/116.0.0.0", (D.DESKTOP, "Opera", "Windows")),
        (f"{CHROME} YaBrowser/24.1.0.0", (D.DESKTOP, "Yandex Browser", "Windows")),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
            (D.DESKTOP, "Firefox", "Windows"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            (D.DESKTOP, "Firefox", "Linux"),
        ),
        (
            "Mozilla/5.0 (X11; OpenBSD amd64; rv:132.0) Gecko/20100101 Firefox/132.0",
            (D.DESKTOP, "Firefox", "BSD"),
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
                " Gecko) Version/18.0 Safari/605.1.15"
            ),
            (D.DESKTOP, "Safari", "macOS"),
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            (D.DESKTOP, "Chrome", "ChromeOS"),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            (D.DESKTOP, "Internet Explorer", "Windows"),
        ),
        (
            _mobile(IPHONE, "Version/18.0 Mobile/15E148 Safari/604.1"),
            (D.MOBILE, "Safari", "iOS"),
        ),
        (
            _mobile(IPHONE, "CriOS/131.0.0.0 Mobile/15E148 Safari/604.1"),
            (D.MOBILE, "Chrome", "iOS"),
        ),
        (
            _mobile(IPHONE, "FxiOS/132.0 Mobile/15E148 Safari/605.1.15"),
            (D.MOBILE, "Firefox", "iOS"),
        ),
        (
            _mobile(IPHONE, "Mobile/15E148 [FBAN/FBIOS;FBAV/440.0.0]"),
            (D.MOBILE, "Facebook", "iOS"),
        ),
        (_mobile(IPHONE, "Mobile/15E148 Instagram 340.0.0"), (D.MOBILE, "Instagram", "iOS")),
        (_mobile(IPHONE, "Mobile/15E148 MicroMessenger/8.0.40"), (D.MOBILE, "WeChat", "iOS")),
        (_mobile(IPAD, "Version/18.0 Mobile/15E148 Safari/604.1"), (D.TABLET, "Safari", "iOS")),
        (
            _mobile(PHONE, "Chrome/131.0.0.0 Mobile Safari/537.36"),
            (D.MOBILE, "Chrome", "Android"),
        ),
        (_mobile(PHONE, "Chrome/131.0.0.0 Safari/537.36"), (D.TABLET, "Chrome", "Android")),
        (
            _mobile(f"{PHONE}; wv", "Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36"),
            (D.MOBILE, "Chrome", "Android"),
        ),
        (
            _mobile(PHONE, "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"),
            (D.MOBILE, "Samsung Internet", "Android"),
        ),
        (
            _mobile(PHONE, "Version/4.0 Chrome/131.0.0.0 Mobile DuckDuckGo/5 Safari/537.36"),
            (D.MOBILE, "DuckDuckGo", "Android"),
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
            (D.MOBILE, "Firefox", "Android"),
        ),
        (
            "Mozilla/5.0 (Android 14; Tablet; rv:132.0) Gecko/132.0 Firefox/132.0",
            (D.TABLET, "Firefox", "Android"),
        ),
        (
            "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16",
            (D.MOBILE, "Opera", "Android"),
        ),
        (
            "Mozilla/5.0 (Mobile; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
            (D.MOBILE, "Firefox", "KaiOS"),
        ),
        (
            (
                f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {WEBKIT} Chrome/114.0.0.0 Safari/537.36"
                " ArkWeb/4.1 Mobile"
            ),
            (D.MOBILE, "Chrome", "HarmonyOS"),
        ),
        (
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Version/6.0 TV Safari/537.36"
            ),
            (D.TV, "Safari", "Tizen"),
        ),
        (
            f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/108.0.0.0 Safari/537.36",
            (D.TV, "Chrome", "webOS"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            (D.TV, "Chrome", "Android"),
        ),
        (
            (
                f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {WEBKIT}"
                " Chrome/131.0.0.0 Safari/537.36 Edge/44.18363.8131"
            ),
            (D.CONSOLE, "Edge", "Windows"),
        ),
        ("", (D.UNKNOWN, "Other", "Other")),
        ("curl/8.0", (D.UNKNOWN, "Other", "Other")),
    ],
)
def test_a_user_agent_becomes_three_words(user_agent: str, expected: tuple[str, str, str]) -> None:
    """Device class, browser family, operating system: no version, no model."""
    assert device(user_agent) == Device(DeviceClass(expected[0]), *expected[1:])


SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "user_agent",
    [
        SCRIPT,
        f"{SCRIPT}/1.0",
        f"Mozilla/5.0 ({SCRIPT}) {SCRIPT}/1.0",
        f"{SCRIPT}/1.0 CFNetwork/1 Darwin/1",
        f"Mozilla/5.0 (Linux; Android 10; {SCRIPT} Build/X) Chrome/131.0.0.0 Mobile Safari/537.36",
        f"{SCRIPT}-iPhone/1.0 CFNetwork/1",
        f"{SCRIPT}Bot/1.0 (+https://example.com)",
        "'; DROP TABLE visits; --/1.0 CFNetwork/1",
        "Secretive Browser/1.0 CFNetwork/1 Darwin/1",
        "\x00",
        "\ud800\udc00",
        "\xff" * 600,
        "Chrome/" + "9" * 600,
    ],
)
def test_no_text_of_a_user_agent_comes_through(user_agent: str) -> None:
    """Only words of the closed lists do."""
    found = device(user_agent)
    assert isinstance(found.device, DeviceClass)
    assert found.browser in BROWSERS
    assert found.os in SYSTEMS


@pytest.mark.parametrize(
    "unit", ["A", "(", " ", "Mozilla/5.0 (", "Android a/", "iPhone; ", "bot ", "1.", "Version/"]
)
def test_a_hostile_user_agent_takes_no_longer_than_others(unit: str) -> None:
    """A megabyte is cut before it is parsed; a second is a thousand times what it takes."""
    device(CHROME)
    started = time.thread_time()
    device(unit * (1_000_000 // len(unit)))
    assert time.thread_time() - started < 1


def test_few_user_agents_are_remembered_and_all_can_be_forgotten() -> None:
    """Neither here nor in the parser's own memory."""
    import ua_parser  # noqa: PLC0415 - as the module itself does, late

    for number in range(5_000):
        device(f"Example {number}")
    assert anonymise._device.cache_info().currsize <= 4_096  # noqa: SLF001
    anonymise.forget()
    assert anonymise._device.cache_info().currsize == 0  # noqa: SLF001
    assert not isinstance(ua_parser.parser.resolver, ua_parser.CachingResolver)


@pytest.mark.parametrize("value", SCREENS)
def test_a_screen_class_is_kept(value: str) -> None:
    """There are five."""
    assert screen(value) == value


@pytest.mark.parametrize("value", ["", "XS", "xxl", "1920", "1920x1080", " md", "md\n", SCRIPT])
def test_anything_else_is_no_screen_class(value: str) -> None:
    """Sizes would tell visitors apart."""
    assert screen(value) == ""
