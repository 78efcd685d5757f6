"""What is kept of addresses: host, path and campaign tags; and which are none."""

import pytest

from collector import scrub
from collector.scrub import ScrubbedUrl, UrlError, UrlFault, scrub_url
from tests.scrub.shapes import TOKEN, UUID


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com", ("example.com", "/")),
        ("HTTPS://WWW.Example.COM/A", ("www.example.com", "/A")),
        ("http://example.com:8080/a", ("example.com", "/a")),
        ("http://john:secret@example.com/a", ("example.com", "/a")),
        ("http://john%40example.com:x@example.com/", ("example.com", "/")),
        ("http://a@b@example.com/", ("example.com", "/")),
        ("https://example.com./a", ("example.com", "/a")),
        ("https://example.com/a#john@example.com", ("example.com", "/a")),
        ("https://example.com#frag", ("example.com", "/")),
        ("https://example.com?x=1", ("example.com", "/")),
        ("https://example.com/a?x=1#?y", ("example.com", "/a")),
        ("https://example.com\\a", ("example.com", "/a")),
        ("  https://example.com/a \n", ("example.com", "/a")),
        ("https://exam\nple.com/a\tb", ("example.com", "/ab")),
        ("https://bücher.example/ä", ("xn--bcher-kva.example", "/ä")),
        ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", "/")),
        ("http://localhost:8000/x", ("localhost", "/x")),
        ("http://127.0.0.1:8000/x", ("127.0.0.1", "/x")),
        ("http://[2001:db8::1]:8000/x", ("2001:db8::1", "/x")),
        ("https://my_host.example/", ("my_host.example", "/")),
        ("https://example.com/" + UUID, ("example.com", "/:id")),
    ],
)
def test_of_an_address_host_and_path_are_kept(url: str, expected: tuple[str, str]) -> None:
    """Scheme, credentials, port, query and fragment are gone."""
    scrubbed = scrub_url(url)
    assert scrubbed == ScrubbedUrl(*expected, "", "", "", paid_click=False)
    assert scrub_url(scrubbed.url) == scrubbed


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", UrlFault.SCHEME),
        ("/a", UrlFault.SCHEME),
        ("//example.com/a", UrlFault.SCHEME),
        ("example.com", UrlFault.SCHEME),
        ("ftp://example.com/", UrlFault.SCHEME),
        ("javascript:alert(1)//https://example.com", UrlFault.SCHEME),
        ("data:text/html,x", UrlFault.SCHEME),
        ("file:///etc/passwd", UrlFault.SCHEME),
        ("chrome-extension://abcdefgh/x", UrlFault.SCHEME),
        ("about:blank", UrlFault.SCHEME),
        ("http:example.com", UrlFault.SCHEME),
        ("https://", UrlFault.HOST),
        ("https:///a", UrlFault.HOST),
        ("https://?x", UrlFault.HOST),
        ("https://:80/", UrlFault.HOST),
        ("https://user@/", UrlFault.HOST),
        ("https://exa mple.com/", UrlFault.HOST),
        ("https://exam%70le.com/", UrlFault.HOST),
        ("https://-example.com./", UrlFault.HOST),
        ("https://a..b/", UrlFault.HOST),
        ("https://<script>/", UrlFault.HOST),
        ("https://1.2.3/", UrlFault.HOST),
        ("https://1.2.3.256/", UrlFault.HOST),
        ("https://2130706433/", UrlFault.HOST),
        ("https://[::zz]/", UrlFault.HOST),
        ("https://[/", UrlFault.HOST),
        ("https://" + "a" * 64 + ".example/", UrlFault.HOST),
        ("https://" + "a." * 127 + "aa/", UrlFault.HOST),
        ("https://\ud800.example/", UrlFault.HOST),
        ("https://example.com/" + "a" * 8_192, UrlFault.LENGTH),
    ],
)
def test_what_is_no_page_is_refused(url: str, reason: UrlFault) -> None:
    """The error says why and never quotes the address."""
    with pytest.raises(UrlError) as error:
        scrub_url(url)
    assert error.value.reason is reason
    assert not url or url not in str(error.value)


def _tagged(query: str) -> tuple[str, str, str, bool]:
    return scrub_url(f"https://example.com/a?{query}")[2:]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("utm_source=a&utm_medium=b&utm_campaign=c", ("a", "b", "c", False)),
        ("utm_term=x&utm_content=y&utm_id=z&q=w", ("", "", "", False)),
        ("UTM_Source=Newsletter", ("Newsletter", "", "", False)),
        ("ref=a", ("a", "", "", False)),
        ("source=a", ("a", "", "", False)),
        ("source=a&ref=b", ("b", "", "", False)),
        ("source=a&ref=b&utm_source=c", ("c", "", "", False)),
        ("utm_source=&ref=b", ("b", "", "", False)),
        ("utm_source=a&utm_source=b", ("a", "", "", False)),
        ("xutm_source=a&preref=b&utm_sourcex=c", ("", "", "", False)),
        ("x=utm_source=a", ("", "", "", False)),
        ("utm_source", ("", "", "", False)),
        ("utm_source=spring+sale", ("spring sale", "", "", False)),
        ("utm_source=spring%20sale", ("spring sale", "", "", False)),
        ("utm_source=spring%2520sale", ("spring sale", "", "", False)),
        ("utm_source=a%2Bb", ("a+b", "", "", False)),
        ("utm_source=Fr%C3%BChling", ("Frühling", "", "", False)),
        ("utm_source=john%40example.com", (":id", "", "", False)),
        ("utm_source=john%2540example.com", (":id", "", "", False)),
        ("utm_source=john%25252540example.com", (":id", "", "", False)),
        ("utm_source=mail+to+john@example.com", (":id", "", "", False)),
        (f"utm_campaign=x-{UUID}", ("", "", "x-:id", False)),
        (f"utm_campaign={TOKEN}", ("", "", ":id", False)),
        ("utm_campaign=a%26email%3Djohn", ("", "", "a", False)),
        ("utm_campaign=a%3Femail%3Djohn", ("", "", "a", False)),
        ("utm_campaign=2026-11_spring_sale_DE", ("", "", "2026-11_spring_sale_DE", False)),
        ("utm_campaign=" + "word-" * 40, ("", "", "word-" * 20, False)),
        ("ref=https://example.org/a?token=b", ("https://example.org/a", "", "", False)),
        ("gclid=abc", ("", "", "", True)),
        ("GCLID=abc", ("", "", "", True)),
        ("gclid=", ("", "", "", False)),
        ("msclkid=abc&utm_source=bing", ("bing", "", "", True)),
        ("fbclid=abc", ("", "", "", False)),
        ("igshid=abc&mc_eid=x&srsltid=y", ("", "", "", False)),
        ("utm_source=gclid", ("gclid", "", "", False)),
    ],
)
def test_of_a_query_only_campaign_tags_are_kept(
    query: str, expected: tuple[str, str, str, bool]
) -> None:
    """They are decoded and scrubbed; of a paid click only the fact is kept."""
    assert _tagged(query) == expected


@pytest.mark.parametrize("name", scrub.PAID_CLICK_IDS)
def test_every_paid_click_id_is_noticed_and_gone(name: str) -> None:
    """The id itself is nowhere in the result."""
    scrubbed = scrub_url(f"https://example.com/a?{name}=CjwKCAiA3aeqBhBzEiwAxFiO")
    assert scrubbed == ScrubbedUrl("example.com", "/a", "", "", "", paid_click=True)


@pytest.mark.parametrize(
    ("host", "own", "expected"),
    [
        ("example.com", "example.com", "example.com"),
        ("www.example.com", "example.com", "www.example.com"),
        ("1234567.example.com", "example.com", "_id.example.com"),
        (f"{UUID}.app.example.com", "example.com", "_id.app.example.com"),
        ("1234567.com", "1234567.com", "1234567.com"),
        ("www.1234567.com", "1234567.com", "www.1234567.com"),
        ("xn--bcher-kva.example.com", "example.com", "xn--bcher-kva.example.com"),
        ("xn--80akhbyknj4f.example.com", "example.com", "xn--80akhbyknj4f.example.com"),
        ("other.example", "example.com", "other.example"),
        ("notexample.com", "example.com", "notexample.com"),
        ("1234567.example", "example.com", "_id.example"),
        ("192.0.2.17", "example.com", "_id"),
        ("2001:db8::17", "example.com", "_id"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_subdomain_made_for_one_visitor_is_masked(host: str, own: str, expected: str) -> None:
    """The site's own domain stays as it is, whatever it looks like; nobody else's does."""
    assert scrub.scrub_host(host, own) == expected
    assert scrub.scrub_host(expected, own) == expected
