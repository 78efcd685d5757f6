"""The privacy statement: it says what is so, to people, programs and the site's own policy."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from collector.journal import Event
from collector.keys import GRACE_S
from collector.languages import LANGUAGES, words
from collector.objection import HOST_OPT_OUT_COOKIE, OPT_OUT_COOKIE
from collector.seal import SEAL_AFTER
from collector.settings.exclusions import ExclusionBook, exclusions
from collector.statement import SEALED_AFTER_MINUTES
from tests.application import SITE, Started, Whole
from tests.visiting import outline

PAGES = ("/privacy", "/for-sites", "/your-visit", "/opt-out")
MACHINE = "/.well-known/gatecount.json"


def machine(whole: Whole, host: str = SITE) -> dict[str, object]:
    """Return the statement as programs read it."""
    answer = whole.get(MACHINE, host=host)
    assert answer.headers["content-type"] == "application/json"
    stated: dict[str, object] = answer.json()
    return stated


@pytest.mark.parametrize(
    ("flags", "setting", "value", "is_weaker"),
    [
        ({}, "small_cells", 5, 0),
        ({"small_cells": 1}, "small_cells", 1, 1),
        ({"small_cells": 10}, "small_cells", 10, 0),
        ({}, "third_party", False, 0),
        ({"allow_third_party": True}, "third_party", True, 1),
        ({}, "visitor_counts", False, 0),
        ({"visitor_counts": True}, "visitor_counts", True, 1),
        ({}, "keys_in_ram", True, 0),
        ({}, "own_geo_database", True, 0),  # tests bring one, to save the unpacking
    ],
)
def test_the_statement_equals_the_configuration(
    started: Started, flags: dict[str, object], setting: str, value: object, is_weaker: int
) -> None:
    """P21; and what is weaker than usual is marked for people, and named for programs."""
    with started(**flags) as whole:
        stated = machine(whole)
        assert json.loads(json.dumps(stated["settings"]))[setting] == value
        assert stated["weaker_than_usual"] == [setting] * is_weaker
        page = whole.get("/privacy").text
        assert page.count('class="weaker"') == is_weaker
        said = words("en")(f"setting.{setting}")
        (row,) = re.findall(rf"<tr[^>]*><th [^>]*>{said}.*?</tr>", page)
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        assert f">{shown}" in row


def untrue(stated: dict[str, Any], whole: Whole) -> list[str]:
    """Return what a statement for programs says that is not so (P21)."""
    config, control = whole.config, whole.composed.control
    true = {
        "sites": [[s.domain, s.timezone, s.retention_months, 0, 0] for s in control.sites()],
        "settings": {
            "keys_in_ram": True,
            "third_party": config.allow_third_party,
            "visitor_counts": config.visitor_counts,
            "small_cells": config.small_cells,
            "own_geo_database": config.geo_database is not None,
        },
        "deadlines": [GRACE_S, SEAL_AFTER.total_seconds() / 60, 30],
        "stored": set(Event.__struct_fields__),
        "objections": {OPT_OUT_COOKIE, HOST_OPT_OUT_COOKIE},
    }
    said = {
        "sites": [[*site.values()] for site in stated["sites"]],
        "settings": {name: stated["settings"].get(name) for name in true["settings"]},
        "deadlines": [*stated["deadlines"].values()],
        "stored": set(stated["stored"]["until_the_day_is_over"]),
        "objections": set(stated["objections"]["cookies"]),
    }
    return [name for name, value in true.items() if said[name] != value]


def test_nothing_that_is_stated_is_untrue(started: Started) -> None:
    """Settings, sites, deadlines, columns and cookies, as the running program has them."""
    with started(visitor_counts=True, small_cells=7) as whole:
        whole.composed.control.set_retention(SITE, 36, whole.clock.now)
        assert untrue(machine(whole), whole) == []


def test_whatever_is_untrue_would_be_noticed(started: Started) -> None:
    """Each setting turned round, and each list with something missing or more."""
    with started() as whole:
        stated: Any = machine(whole)
        settings = {**stated["settings"]}
        del settings["keys_locked"]  # whether it is so depends on the machine
        for name, value in settings.items():
            faulty = settings | {name: not value if isinstance(value, bool) else value + 1}
            assert untrue(stated | {"settings": faulty}, whole) == ["settings"], name
        for name, faulty in {
            "sites": [],
            "deadlines": stated["deadlines"] | {"raw_gone_after_hours": 48},
            "stored": {"until_the_day_is_over": ["site"]},
            "objections": {"cookies": []},
        }.items():
            assert untrue(stated | {name: faulty}, whole) == [name]


def test_keys_on_a_disk_show_everywhere(started: Started, tmp_path: Path) -> None:
    """In the page, for programs, in the text for the site's policy."""
    with started(key_dir=str(tmp_path / "keys")) as whole:
        assert machine(whole)["weaker_than_usual"] == ["keys_in_ram"]
        assert "lie on a disk" in whole.get("/privacy").text
        assert "lies on a disk" in whole.get("/for-sites").text


def test_counting_for_others_shows_in_the_sites_policy(started: Started) -> None:
    """And otherwise it does not."""
    said = words("en")("for_sites.policy_third_party")
    with started(allow_third_party=True) as whole:
        assert said in whole.get("/for-sites").text
        whole.end()
    with started(sites={"shop.example.com": "UTC"}) as whole:
        assert said not in whole.get("/for-sites").text


def test_how_long_a_site_keeps_its_numbers_is_told(whole: Whole) -> None:
    """With the change, in every form, at once."""
    whole.composed.control.set_retention(SITE, 36, whole.clock.now)
    stated = machine(whole)
    assert stated["sites"] == [
        {
            "domain": SITE,
            "timezone": "UTC",
            "retention_months": 36,
            "excluded_page_patterns": 0,
            "excluded_networks": 0,
        }
    ]
    assert stated["weaker_than_usual"] == ["retention_months"]
    assert stated["changes"] == [
        {
            "changed_at": "2026-11-24T10:00:00+00:00",
            "site": SITE,
            "setting": "retention_months",
            "before": "25",
            "after": "36",
        }
    ]
    page = whole.get("/privacy").text
    assert "is kept for 36 months for example.com" in page
    assert "from \u201c25\u201d to \u201c36\u201d" in page
    assert "deleted after 36 months" in whole.get("/for-sites").text


def test_that_something_is_left_out_is_told(whole: Whole) -> None:
    """How much, in every form, but not which pages and networks."""
    assert "Left out on purpose" not in whole.get("/privacy").text
    wanted = exclusions("/admin/*\n/preview", "203.0.113.0/24")
    ExclusionBook(whole.composed.control).write(1, wanted)
    stated = json.dumps(machine(whole)["sites"])
    assert '"excluded_page_patterns": 2, "excluded_networks": 1' in stated
    page = whole.get("/privacy").text
    assert "2 page patterns, 1 networks" in page
    assert "/admin" not in page
    assert "203.0.113" not in page


@pytest.mark.parametrize(
    ("language", "in_words"),
    [("en", "one month"), ("de", "eine[nm] Monat"), ("fr", "un mois"), ("es", "un mes")],
)
def test_one_month_is_told_in_the_singular(whole: Whole, language: str, in_words: str) -> None:
    """By the privacy page and by the text for a site's own."""
    whole.composed.control.set_retention(SITE, 1, whole.clock.now)
    for path in ("/privacy", "/for-sites"):
        page = whole.get(f"{path}?lang={language}").text
        assert re.search(rf"\b{in_words}\b", page)
        assert not re.search(r"\b1 (?:mon|mes|mois)", page, re.IGNORECASE)


def test_what_changed_between_two_starts_is_on_record(started: Started) -> None:
    """With the date; the record begins with the first start, which is no change."""
    with started(with_dashboard=True) as whole:
        assert machine(whole)["changes"] == []
        assert "Nothing since 2026-11-24" in whole.get("/privacy").text
        assert whole.get("/.well-known/gpc.json").json() == {
            "gpc": True,
            "lastUpdate": "2026-11-24",
        }
        whole.end()
    for number, small_cells in enumerate((1, 1, 5)):
        sites = {f"site-{number}.example.com": "UTC"}
        with started(with_dashboard=True, small_cells=small_cells, sites=sites) as whole:
            stated = machine(whole)
            page = whole.get("/privacy").text
            whole.end()
    changes = [(c["setting"], c["before"], c["after"]) for c in stated["changes"]]  # type: ignore[attr-defined]
    assert changes == [("small_cells", "1", "5"), ("small_cells", "5", "1")]
    assert page.count("<time") == 2


def test_only_the_sites_of_the_host_are_named(started: Started) -> None:
    """One collector may count for several owners."""
    sites = {SITE: "UTC", "shop.example.com": "UTC", "example.net": "UTC"}
    with started(sites=sites) as whole:
        for host, named in (("stats.example.com", 2), ("example.net", 1), ("example.org", 0)):
            assert len(machine(whole, host)["sites"]) == named  # type: ignore[arg-type]
            assert ("example.net" in whole.get("/privacy", host=host).text) == (named == 1)


def test_the_form_for_the_sites_own_page_posts_to_the_collector(started: Started) -> None:
    """Where the configuration says that is, else where it was asked."""
    with started(public_url="https://stats.example.com/") as whole:
        text = whole.get("/for-sites", host="stats.example.com").text
        assert "action=&#34;https://stats.example.com/opt-out&#34;" in text.replace('"', "&#34;")
        assert "https://stats.example.com/privacy" in text
        whole.end()
    with started(sites={"shop.example.com": "UTC"}) as whole:
        headers = {"X-Forwarded-Proto": "https"}
        assert "https://example.com/count/opt-out" not in whole.get("/for-sites", headers).text
        assert "https://example.com/opt-out" in whole.get("/for-sites", headers).text


def test_the_deadline_of_sealing_is_the_one_that_is_stated() -> None:
    """The statement may not know the rooms that own DuckDB."""
    assert SEAL_AFTER.total_seconds() == SEALED_AFTER_MINUTES * 60


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole_in_every_language(whole: Whole, path: str) -> None:
    """No text missing, no script, nothing inline, headings in order, every link relative."""
    whole.composed.control.set_retention(SITE, 36, whole.clock.now)
    for language in LANGUAGES:
        for headers in ({}, {"Sec-GPC": "1"}, {"User-Agent": "curl/8.5.0"}):
            answer = whole.get(f"{path}?lang={language}", headers)
            assert f'<html lang="{language}">' in answer.text
            page = outline(answer)
            assert not {"script", "style", "iframe", "img"} & set(page.tags)
            assert not {a for a in page.attributes if a == "style" or a.startswith("on")}
            assert all(":" not in address or address == "data:," for address in page.addresses)
            levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h\d", tag)]
            assert levels[0] == 1
            assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
            assert page.tags.count("h1") == 1
            assert answer.headers["cache-control"] == "no-store"
