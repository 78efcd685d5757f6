"""Which texts name a site or a time zone."""

import pytest

from collector.settings.domains import BadDomainError, BadTimezoneError, domain_name, timezone_name


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("example.com", "example.com"),
        (" Example.COM. ", "example.com"),
        ("https://www.Example.com/", "example.com"),
        ("HTTP://stats.example.co.uk", "stats.example.co.uk"),
        ("www.com", "www.com"),
        ("localhost", "localhost"),
        ("my_site.example.com", "my_site.example.com"),
        ("192.0.2.7", "192.0.2.7"),
        ("http://[2001:DB8::1]/", "2001:db8::1"),
        ("2001:db8:0::1", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("ΟΔΟΣ.example", "xn--pxavbq.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc"),
    ],
)
def test_what_people_paste_becomes_the_bare_host(written: str, domain: str) -> None:
    """Nothing that is taken as meant loses what tells two sites apart."""
    assert domain_name(written) == domain


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("", "write a host name"),
        ("https://", "write a host name"),
        ("https://example.com/blog", "write example.com,"),
        ("example.com?q", "write example.com,"),
        ("example.com#top", "write example.com,"),
        ("https://example.com:8443/", "write example.com,"),
        ("me:secret@example.com", "write example.com,"),
        ("[2001:db8::1]:8000", "write 2001:db8::1,"),
        ("ftp://example.com", "only http"),
        ("exam ple.com", "write a host name"),
        ("example..com", "write a host name"),
        ("-a.example", "write a host name"),
        ("a" * 64 + ".example", "write a host name"),
        (".".join(["a" * 49] * 5) + ".abcd", "at most 253"),
        ("192.0.2.256", "ends like an IP address"),
        ("http://[2001:db8::1", "write a host name"),
        ("<b>.example", "write a host name"),
    ],
)
def test_what_names_no_site_is_refused_with_what_to_write(written: str, advice: str) -> None:
    """A path or port cannot be dropped in silence: it may be what was meant."""
    with pytest.raises(BadDomainError, match=advice):
        domain_name(written)


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        (" America/New York ", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_a_time_zone_is_known_however_it_is_capitalised(written: str, zone: str) -> None:
    """What is stored is the zone's own name."""
    assert timezone_name(written) == zone


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("Berlin", "did you mean Europe/Berlin"),
        ("Europe/Belrin", "did you mean Europe/Berlin"),
        ("New York", "America/New_York"),
        ("localtime", "is no time zone"),
        ("../../etc/passwd", "is no time zone"),
        ("", "write it as in Europe/Berlin"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_the_nearest(written: str, advice: str) -> None:
    """Most people know their city, not its spelling in the database."""
    with pytest.raises(BadTimezoneError, match=advice):
        timezone_name(written)
