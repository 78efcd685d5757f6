"""The commands about sites."""

import contextlib
from pathlib import Path

import pytest

from collector.control import Control
from collector.people.trail import Trail
from tests.commands.terminal import Command, told
from tests.serving import SITE

SECOND = "example.org"


def test_a_site_is_added_listed_and_removed(gatecount: Command) -> None:
    """Its snippet is shown, ready to be pasted; times are the site's own."""
    assert gatecount("site", "list").stdout == (
        "No site yet. Add one: gatecount site add example.com\n"
    )
    added = gatecount("site", "add", "https://www.Example.com/", "--timezone", "europe/berlin")
    assert added.exit_code == 0
    assert "example.com is registered (Europe/Berlin)." in added.stdout
    snippet = '<script defer src="https://example.com/count/beacon.js"></script>'
    assert added.stdout.splitlines()[2].strip() == snippet
    assert "the web server of example.com has to hand on what comes for /count/" in added.stdout
    assert gatecount("site", "add", "example.org").exit_code == 0
    rows = [line.split() for line in gatecount("site", "list").stdout.splitlines()]
    assert [row[:2] for row in rows[1:]] == [
        ["example.com", "Europe/Berlin"],
        ["example.org", "UTC"],
    ]
    removed = gatecount("site", "remove", "example.com", "--yes")
    assert removed.exit_code == 0
    assert removed.stdout.startswith("example.com is not counted any more.")
    assert "example.com" not in gatecount("site", "list").stdout


def test_the_snippet_has_the_address_of_the_configuration(gatecount: Command) -> None:
    """Where a public URL belongs to the site."""
    urls = {"GATECOUNT_PUBLIC_URL": "https://stats.example.com/"}
    assert (
        'src="https://stats.example.com/beacon.js"'
        in gatecount("site", "add", "example.com", **urls).stdout
    )
    assert (
        'src="https://example.org/count/beacon.js"'
        in gatecount("site", "add", "example.org", **urls).stdout
    )


def test_a_site_on_this_machine_needs_no_web_server(gatecount: Command) -> None:
    """The line can be tried at once."""
    said = gatecount("site", "add", "localhost", GATECOUNT_PORT="8080").stdout
    assert said.endswith('  <script defer src="http://localhost:8080/beacon.js"></script>\n')


def test_how_long_a_site_keeps_its_numbers_is_set(gatecount: Command, data: Path) -> None:
    """After being asked once more, since older ones go at once; owners can read it."""
    gatecount("site", "add", SITE)
    assert "25 months" in gatecount("site", "list").stdout
    asked = gatecount("site", "retention", SITE, "12", typed="n\n")
    assert "older than 12 months, for good?" in asked.output
    assert "25 months" in gatecount("site", "list").stdout
    assert gatecount("site", "retention", SITE, "12", "--yes").exit_code == 0
    assert "12 months" in gatecount("site", "list").stdout
    assert "kept for 1 month." in gatecount("site", "retention", SITE, "1", "--yes").stdout
    assert told(gatecount("site", "retention", SITE, "0", "--yes")).startswith("numbers are kept")
    assert told(gatecount("site", "retention", "example.co", "9", "--yes")).startswith("there is")
    with contextlib.closing(Control.open(data / "control.sqlite")) as control:
        found = [(each.who, each.about) for each in Trail(control).of(1, with_all=False)]
    assert found == [("", f"numbers are kept for {kept}") for kept in ("1 month", "12 months")]


def test_a_new_data_directory_is_told_of(gatecount: Command, data: Path) -> None:
    """Whoever stands in another folder than the server registers a site for nobody, else unseen."""
    added = gatecount("site", "add", SITE)
    assert added.stderr == (
        f"gatecount: {data} is new: a server on another data directory knows nothing of it\n"
    )
    assert gatecount("site", "add", SECOND).stderr == ""


def test_nobody_is_asked_about_what_cannot_be_done(gatecount: Command) -> None:
    """A typing error is told at once, not after an anxious yes."""
    gatecount("site", "add", SITE)
    for command, expected in (
        (("site", "remove", "example.co"), "there is"),
        (("site", "retention", "example.co", "9"), "there is"),
        (("site", "retention", SITE, "0"), "numbers are kept for 1 to"),
    ):
        answer = gatecount(*command)
        assert told(answer).startswith(expected), command
        assert "for good?" not in answer.output


def test_removing_a_site_is_asked_for_once_more(gatecount: Command) -> None:
    """Because its numbers are gone for good."""
    gatecount("site", "add", SITE)
    asked = gatecount("site", "remove", SITE, typed="n\n")
    assert "Delete all numbers of example.com, for good?" in asked.output
    assert asked.exit_code == 1
    assert SITE in gatecount("site", "list").stdout
    assert gatecount("site", "remove", SITE, typed="y\n").exit_code == 0
    assert gatecount("site", "list").stdout.startswith("No site yet.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", SITE], "example.com is a site already"),
        (["add", "exa mple"], "'exa mple' cannot be a site: write a host name such as example.com"),
        (["add", "example.org/blog"], "'example.org/blog' cannot be a site: write example.org"),
        (
            ["add", "example.org", "--timezone", "Berlin"],
            "'Berlin' is no time zone: did you mean Europe/Berlin",
        ),
        (
            ["remove", "example.co", "--yes"],
            "there is no site example.co: did you mean example.com?",
        ),
    ],
)
def test_what_cannot_be_done_is_explained(
    gatecount: Command, arguments: list[str], message: str
) -> None:
    """With what to write instead; and nothing is changed."""
    gatecount("site", "add", SITE)
    before = gatecount("site", "list").stdout
    assert told(gatecount("site", *arguments)).startswith(message)
    assert gatecount("site", "list").stdout == before
