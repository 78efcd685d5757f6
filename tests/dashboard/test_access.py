"""Who may look."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.web import local_path
from tests.dashboard.reading import (
    DAY,
    Markup,
)
from tests.editors import KEY, Newsroom


@pytest.mark.parametrize("path", ["/", "/sites/example.com?period=7d", "/sites/nobody.example"])
def test_without_a_login_every_page_leads_to_the_form(busy: Newsroom, path: str) -> None:
    """And says nothing about which sites there are."""
    client = busy.client()
    response = client.get(path)
    assert response.status_code == 303
    assert response.text == ""
    form = client.get(response.headers["location"])
    assert form.status_code == 200
    assert 'name="key"' in form.text


def test_the_right_key_leads_to_where_one_wanted_to_go(busy: Newsroom) -> None:
    """The form carries the address along."""
    client = busy.client()
    form = client.get(client.get("/sites/example.com?period=7d").headers["location"])
    wanted = next(a["value"] for t, a in Markup(form.text).tags if a.get("name") == "next")
    response = client.post("/login", data={"key": f" {KEY}\n", "next": str(wanted)})
    assert response.status_code == 303
    assert response.headers["location"] == "/sites/example.com?period=7d"
    assert client.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    ("scheme", "cookie"),
    [("https", r"__Host-gatecount-login=[\w-]+"), ("http", r"gatecount-login=[\w-]+")],
)
def test_the_login_cookie_is_kept_from_scripts_and_other_sites(
    busy: Newsroom, scheme: str, cookie: str
) -> None:
    """Secure with the `__Host-` prefix over https; never with a domain."""
    response = busy.client(scheme).post("/login", data={"key": KEY})
    value, *attributes = response.headers["set-cookie"].split("; ")
    assert re.fullmatch(cookie, value)
    expected = {"HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax"}
    assert set(attributes) == (expected | {"Secure"} if scheme == "https" else expected)


def test_over_https_a_cookie_without_the_prefix_is_not_believed(busy: Newsroom) -> None:
    """A neighbour host could have planted it."""
    plain = busy.editor().http.cookies["gatecount-login"]
    client = busy.client("https")
    client.http.cookies.set("gatecount-login", plain, domain="stats.example.com")
    assert client.get("/").status_code == 303
    client.http.cookies.set("__Host-gatecount-login", plain, domain="stats.example.com")
    assert client.get("/sites/example.com").status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "\0", "ключ"])
def test_a_wrong_key_opens_nothing(busy: Newsroom, key: str) -> None:
    """And is not repeated on the page."""
    response = busy.client().post("/login", data={"key": key, "next": "/sites/example.com"})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers
    assert not key or f'value="{key}"' not in response.text
    assert 'value="/sites/example.com"' in response.text


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "sites",
        "//evil.example",
        "//evil.example/sites",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/ä",
        "/" + "a" * 2001,
    ],
)
def test_a_login_leads_to_no_other_host(busy: Newsroom, wanted: str) -> None:
    """What is not plainly a path of ours becomes the front page."""
    response = busy.client().post("/login", data={"key": KEY, "next": wanted})
    assert (response.status_code, response.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/", "/sites/a.example", "/sites/a?x=%2F&y=b", "/" + "a" * 2000])
def test_a_path_of_ours_is_kept(path: str) -> None:
    """Queries and escapes included, up to 2,001 characters."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://stats.example.com"}, True),
        ({"Origin": "http://stats.example.com"}, False),
        ({"Origin": "https://stats.example.com"}, False),  # TLS may end at a proxy
        ({"Origin": "http://example.com"}, True),
        ({"Origin": "http://stats.example.com.evil.example"}, True),
        ({"Origin": "null"}, True),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_forms_are_taken_from_our_own_pages_only(
    busy: Newsroom, path: str, headers: dict[str, str], *, is_refused: bool
) -> None:
    """Sec-Fetch-Site decides, and Origin where a browser is too old for it."""
    response = busy.client().post(path, data={"key": KEY}, headers=headers)
    assert (response.status_code == 403) == is_refused


def test_wrong_keys_are_slowed_down_for_everyone_together(busy: Newsroom) -> None:
    """Ten at once, then one a second; logins that are open stay so, and no address is kept."""
    room = replace(busy)
    editor = room.editor()
    path = "/login"
    assert [editor.post(path, data={"key": "no"}).status_code for _ in range(10)] == [403] * 10
    refused = editor.post(path, data={"key": KEY})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert editor.get("/sites/example.com").status_code == 200
    room.now += timedelta(seconds=1)
    assert editor.post(path, data={"key": KEY}).status_code == 303
    assert editor.post(path, data={"key": KEY}).status_code == 303


def test_a_clock_that_runs_back_refills_nothing(busy: Newsroom) -> None:
    """Otherwise setting it would reset the bucket."""
    room = replace(busy)
    client = room.client()
    for _ in range(10):
        client.post("/login", data={"key": "no"})
    room.now -= DAY
    assert client.post("/login", data={"key": "no"}).status_code == 429


@pytest.mark.parametrize(
    "body", [b"", b"key", b"&" * 100, b"key=\xff\xfe", b"key=" + b"a" * 5000, b"%" * 100]
)
def test_a_form_that_is_none_opens_nothing(busy: Newsroom, body: bytes) -> None:
    """It is refused, however odd or long."""
    assert busy.client().post("/login", content=body).status_code in {400, 403}


def test_logging_out_ends_the_login_also_where_it_was_copied(busy: Newsroom) -> None:
    """The token is closed, not only its cookie dropped."""
    editor = busy.editor()
    token = editor.http.cookies["gatecount-login"]
    response = editor.post("/logout")
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "gatecount-login" not in editor.http.cookies
    thief = busy.client()
    thief.http.cookies.set("gatecount-login", token)
    assert thief.get("/sites/example.com").status_code == 303


def test_a_login_ends_after_thirty_days(busy: Newsroom) -> None:
    """The dashboard asks the control database each time."""
    room = replace(busy)
    editor = room.editor()
    room.now += 30 * DAY
    assert editor.get("/sites/example.com").status_code == 303


def test_whoever_is_logged_in_is_not_asked_again(busy: Newsroom) -> None:
    """The form leads on."""
    response = busy.editor().get("/login?next=/sites/example.com")
    assert (response.status_code, response.headers["location"]) == (303, "/sites/example.com")


def test_logging_out_needs_a_post(busy: Newsroom) -> None:
    """A link or an image must not do it."""
    assert busy.editor().get("/logout").status_code == 405
