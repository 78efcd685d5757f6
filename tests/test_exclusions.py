"""What a site leaves out of its numbers: how it is written, and what it holds for."""

import time

import pytest

from collector import anonymise
from collector.settings.exclusions import MOST_OF_A_SITE, Exclusion, ExclusionError, exclusions


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("/admin", ["/admin"], ["/admin/", "/administer", "/x/admin", "/ADMIN"]),
        ("/admin/*", ["/admin/", "/admin/a/b"], ["/admin", "/x/admin/"]),
        ("/admin*", ["/admin", "/admin/a", "/administer"], ["/x/admin"]),
        ("*/preview", ["/preview", "/a/b/preview"], ["/preview/", "/previewed"]),
        ("/a/*/edit", ["/a/1/edit", "/a//edit", "/a/b/c/edit"], ["/a/edit", "/a/1/edits"]),
        ("/a*b*c", ["/abc", "/a-b-b-c"], ["/acb", "/ab"]),
        ("/a**", ["/a", "/ab"], ["/"]),
        ("/a.b+(c)[d]", ["/a.b+(c)[d]"], ["/axb+(c)[d]", "/abbcd"]),
        ("/new\nline", ["/new"], ["/new\nline"]),
    ],
)
def test_a_pattern_holds_for_whole_paths(
    pattern: str, inside: list[str], outside: list[str]
) -> None:
    """A star stands for any text, slashes too; nothing else is special."""
    written = pattern if "\n" not in pattern else "/new"
    exclusion = Exclusion(exclusions(written, ""))
    assert [path for path in inside if not exclusion.has_path(path)] == []
    assert [path for path in outside if exclusion.has_path(path)] == []


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"], ["203.0.113.8"]),
        ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.114.0", "::cb00:7100"]),
        ("2001:db8:1:2::/64", ["2001:db8:1:2::9"], ["2001:db8:1:3::9", "32.1.13.184"]),
        ("2001:db8::/32", ["2001:db8:ffff::1"], ["2001:db9::1", "", "unknown"]),
    ],
)
def test_a_network_holds_for_its_addresses(
    network: str, inside: list[str], outside: list[str]
) -> None:
    """IPv4 inside IPv6 is IPv4; who has no address is in no network; it reads as it was written."""
    found = exclusions("", network)
    exclusion = Exclusion(found)
    assert [a for a in inside if not exclusion.has_network(anonymise.network(a))] == []
    assert [a for a in outside if exclusion.has_network(anonymise.network(a))] == []
    assert [each.text for each in found.networks] == [network]


@pytest.mark.parametrize(
    ("patterns", "networks", "said"),
    [
        ("admin", "", "'admin' is no path: write it as in /admin/* or /preview"),
        ("https://example.com/a", "", "is no path"),
        ("*", "", "'*' is every page"),
        ("/*", "", "is every page"),
        ("/" + "x" * 500, "", "at most 500 characters"),
        ("/a\n" * 101, "", f"at most {MOST_OF_A_SITE}"),
        ("", "office", "'office' is no network: write it as in 203.0.113.7"),
        ("", "203.0.113.7/24", "did you mean 203.0.113.0/24?"),
        ("", "0.0.0.0/0", "is everybody"),
        ("", "::/0", "is everybody"),
        ("", "2001:db8::1", "only the first 64 bits are looked at: write 2001:db8::/64"),
    ],
)
def test_what_cannot_be_left_out_is_explained(patterns: str, networks: str, said: str) -> None:
    """With what to write instead."""
    with pytest.raises(ExclusionError) as refused:
        exclusions(patterns, networks)
    assert said in str(refused.value)


def test_empty_lines_and_what_is_there_twice_do_not_count() -> None:
    """People paste."""
    found = exclusions(" /a \n\n/a\r\n/b", "\n203.0.113.7\n 203.0.113.7 \n")
    assert found.patterns == ("/a", "/b")
    assert len(found.networks) == 1
    assert not exclusions(" \n", "")


def test_no_pattern_takes_long_on_any_path() -> None:
    """Many stars on a path made for them: each part is looked for once."""
    exclusion = Exclusion(exclusions("/" + "a*" * 200 + "b", ""))
    begun_s = time.thread_time()
    assert not exclusion.has_path("/" + "a" * 2000)
    assert time.thread_time() - begun_s < 0.5
