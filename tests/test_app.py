"""The application: who answers where, with which headers, and what it does beside answering."""

import gzip
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector import app
from tests.application import NOW, SITE, Started, Whole, application, pageview

CHORES_EVERY_S = 0.05
BESIDE = "stats.example.com"
URLS = [f"https://{SITE}/count/", f"https://{BESIDE}/"]
SCRIPT = Path(__file__).parents[1] / "collector" / "static" / "beacon.js"
VISITORS_PATHS = [
    "/opt-out",
    "/your-visit",
    "/privacy",
    "/for-sites",
    "/.well-known/gatecount.json",
    "/.well-known/gpc.json",
    "/visitors.css",
    "/beacon.js",
    "/healthz",
]
EDITORS_PATHS = ["/", "/login", "/logout", "/sites/example.com", "/api/v2/query"]


@pytest.fixture(name="whole", scope="module")
def run(ram_of_module: Path, country_database: Path) -> Iterator[Whole]:
    """Run collector and dashboard, reached below a path of the site and on a host beside it."""
    flags = {"geo_database": str(country_database), "public_url": URLS}
    with application(ram_of_module, flags, with_dashboard=True) as running:
        yield running


@pytest.mark.parametrize("path", VISITORS_PATHS)
@pytest.mark.parametrize("prefix", ["", "/count"])
def test_below_a_path_of_the_site_visitors_are_answered(
    whole: Whole, path: str, prefix: str
) -> None:
    """Whether or not the proxy strips the prefix."""
    assert whole.get(prefix + path, host=SITE).status_code == 200


@pytest.mark.parametrize("path", EDITORS_PATHS)
@pytest.mark.parametrize("prefix", ["", "/count"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_below_a_path_of_the_site_editors_are_not(
    whole: Whole, path: str, prefix: str, method: str
) -> None:
    """The site's own scripts are same-origin there: they could read a dashboard."""
    for host in (SITE, f"{SITE}:8443", "EXAMPLE.com."):
        assert whole.ask(method, prefix + path, host=host).status_code == 404


def test_who_logs_in_is_looked_at_before_anything_is_read(whole: Whole) -> None:
    """By the server, on the path of the form alone; nobody is sent away who did not guess."""
    assert [*whole.composed.short_cuts.looks] == [b"/login"]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "scheme": "http",
        "client": ("127.0.0.1", 40_000),
        "headers": [(b"host", b"stats.example.com")],
    }
    assert whole.composed.short_cuts.looks[b"/login"](scope) is None


def test_a_prefix_is_a_whole_part_of_the_path(whole: Whole) -> None:
    """A path that only begins alike is another one."""
    for path in ("/counters/opt-out", "/countopt-out", "/count", "/count/count/opt-out"):
        assert whole.get(path, host=SITE).status_code == 404


def test_on_a_host_beside_the_site_all_are_answered(whole: Whole) -> None:
    """Editors have to log in."""
    for path in VISITORS_PATHS:
        assert whole.get(path, host=BESIDE).status_code == 200
    for path in EDITORS_PATHS:
        assert whole.get(path, host=BESIDE).status_code != 404
    assert whole.get("/login", host=BESIDE).status_code == 200
    assert whole.get("/", host=BESIDE).headers["location"].startswith("/login")


def test_a_proxy_says_by_which_host_it_was_reached(whole: Whole) -> None:
    """A stranger's word does not open the dashboard below the site's path."""
    forwarded = {"X-Forwarded-Host": BESIDE}
    assert whole.get("/login", forwarded, host=SITE).status_code == 200
    assert whole.ask("GET", "/login", headers=forwarded, peer="203.0.113.5").status_code == 404
    below = {"X-Forwarded-Host": SITE}
    assert whole.get("/login", below, host="127.0.0.1:8000").status_code == 404


@pytest.mark.parametrize("path", ["/opt-out", "/nowhere", "/healthz", "/beacon.js"])
def test_every_page_has_the_security_headers(whole: Whole, path: str) -> None:
    """Scripts and styles of our own only, in no frame, guessed at by nobody."""
    headers = whole.get(path, host=SITE).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_the_script_is_the_same_for_everyone(whole: Whole) -> None:
    """Compressed to those who can; nothing in its headers tells one client from another."""
    plain = whole.get("/beacon.js", {"Accept-Encoding": "identity"})
    zipped = whole.get("/beacon.js", {"Accept-Encoding": "br, gzip"})
    assert plain.content == zipped.content == SCRIPT.read_bytes()
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))
    for answer in (plain, zipped):
        assert answer.headers["cache-control"] == "public, max-age=86400"
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert not {"etag", "last-modified", "set-cookie"} & set(answer.headers)
    assert whole.ask("HEAD", "/beacon.js").status_code == 200


def test_an_address_with_a_slash_too_many_leads_nowhere(whole: Whole) -> None:
    """A redirect would be absolute, and wrong behind a proxy."""
    for path in ("/opt-out/", "/healthz/", "/beacon.js/"):
        assert whole.get(path, host=SITE).status_code == 404


@pytest.fixture
def busy(started: Started, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Return what starts applications that do their chores more often than usual."""
    monkeypatch.setattr(app, "_REFRESH_EVERY_S", CHORES_EVERY_S)
    monkeypatch.setattr(app, "_CHORES_EVERY_S", CHORES_EVERY_S)
    return started


def test_a_chore_that_fails_is_told_and_does_not_end_the_others(
    busy: Started, caplog: pytest.LogCaptureFixture
) -> None:
    """Events count meanwhile, by what was known last."""
    with busy() as whole:
        whole.composed.control.close()
        whole.wait_until(lambda: len(caplog.records) > 1, "a second failure")
        assert {(r.message, r.levelno) for r in caplog.records} == {("chore_failed", logging.ERROR)}
        assert whole.post(pageview("/")).status_code == 202
        assert len(whole.events()) == 1


def test_keys_of_days_that_are_over_are_destroyed(busy: Started) -> None:
    """Within seconds of the next start, if none was running; but not by a clock that jumps."""
    with busy() as whole:
        whole.post(pageview("/"))
        keys = whole.folder / "keys"
        assert len(list(keys.iterdir())) == 1
        whole.wait(5 * CHORES_EVERY_S)  # they see the clock
        whole.clock.turn(days=2)
        whole.wait(5 * CHORES_EVERY_S)
        assert len(list(keys.iterdir())) == 1
    with busy(now=NOW + timedelta(days=2), sites={"example.org": "UTC"}) as whole:
        whole.wait_until(lambda: not list(keys.iterdir()), "the end of the key")
