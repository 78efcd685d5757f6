"""Host names: what belongs together, and where the collector answers."""

import pytest

from collector.hosts import Mount, MountError, hostname, is_address, registrable_domain, snippet


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com:8443", "example.com"),
        ("example.com.", "example.com"),
        ("example.com.:80", "example.com"),
        (" example.com ", "example.com"),
        ("[2001:DB8::1]:8000", "2001:db8::1"),
        ("[::1]", "::1"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("localhost", "localhost"),
        ("", ""),
        (":80", ""),
        ("[", ""),
    ],
)
def test_a_host_header_is_read_as_a_bare_host(header: str, host: str) -> None:
    """Without port, brackets, capitals and the dot at its end."""
    assert hostname(header) == host


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("example.com", "example.com"),
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("someone.github.io", "someone.github.io"),
        ("a.someone.github.io", "someone.github.io"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", ""),
    ],
)
def test_a_registrable_domain_is_what_somebody_registered(host: str, registrable: str) -> None:
    """By the Public Suffix List, private suffixes included; addresses are their own."""
    assert registrable_domain(host) == registrable


def test_an_address_is_told_from_a_name() -> None:
    """Of both families."""
    assert [is_address(h) for h in ("192.0.2.1", "2001:db8::1", "example.com", "", "1.2.3")] == [
        True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "host", "prefix", "url"),
    [
        ("https://stats.example.com/", "stats.example.com", "", "https://stats.example.com/"),
        ("https://stats.example.com", "stats.example.com", "", "https://stats.example.com/"),
        ("https://Example.com/count/", "example.com", "/count", "https://example.com/count/"),
        ("https://example.com/a/b", "example.com", "/a/b", "https://example.com/a/b/"),
        ("http://localhost:8000/", "localhost", "", "http://localhost:8000/"),
        ("http://[::1]:8000/x/", "::1", "/x", "http://[::1]:8000/x/"),
        ("https://192.0.2.1/", "192.0.2.1", "", "https://192.0.2.1/"),
    ],
)
def test_a_public_url_is_a_host_or_a_path_of_one(
    written: str, host: str, prefix: str, url: str
) -> None:
    """A port is part of the address, not of the host."""
    mount = Mount.parse(written)
    assert (mount.host, mount.prefix, mount.url) == (host, prefix, url)
    assert Mount.parse(mount.url) == mount


@pytest.mark.parametrize(
    "written",
    [
        "", "stats.example.com", "//stats.example.com/", "ftp://example.com/", "https://",
        "https:///count/", "https://user@example.com/", "https://user:word@example.com/",
        "https://example.com/?a=b", "https://example.com/#a", "https://exa mple.com/",
        "https://-example.com/", "https://example..com/", "https://b\u00fccher.example/",
        "https://" + "a" * 254 + ".example/", "http://[::1/", "http://[nonsense]/",
        "https://example.com:port/", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_what_is_no_public_url_is_refused(written: str) -> None:
    """The message shows what was written."""
    with pytest.raises(MountError) as caught:
        Mount.parse(written)
    assert repr(written) in str(caught.value)


def test_the_snippet_has_the_public_url_of_the_sites_own_domain() -> None:
    """Without one, the script is expected below the site's own path."""
    mounts = [Mount.parse(u) for u in ("https://stats.example.org/", "https://example.com/count/")]
    script = '<script defer src="{}beacon.js"></script>'
    assert snippet(mounts, "example.com", 8000) == script.format("https://example.com/count/")
    assert snippet(mounts, "blog.example.org", 8000) == script.format("https://stats.example.org/")
    assert snippet(mounts, "example.net", 8000) == script.format("https://example.net/count/")
    assert snippet([], "example.com", 8000) == script.format("https://example.com/count/")


def test_the_snippet_of_a_site_on_this_machine_names_the_port() -> None:
    """Nobody has put a web server before it, and there is no certificate."""
    script = '<script defer src="{}beacon.js"></script>'
    assert snippet([], "localhost", 8000) == script.format("http://localhost:8000/")
    assert snippet([], "shop.localhost", 81) == script.format("http://shop.localhost:81/")
    own = [Mount.parse("https://localhost/count/")]
    assert snippet(own, "localhost", 8000) == script.format("https://localhost/count/")
