"""Logging in and out, and the links that are good once."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from collector.people.accounts import Accounts, Role
from collector.people.links import Links
from collector.people.passwords import Passwords
from dashboard.throttle import Buckets
from dashboard.web import SECURITY_HEADERS, local_path
from tests.dashboard.reading import DAY, Markup
from tests.editors import NOW, Client, Newsroom
from tests.people import CHEAP, EMAIL, PASSWORD, admit

LOGIN, DEVICE = "gatecount-login", "gatecount-device"
COOKIE_DOMAIN = "stats.example.com"


def log_in(client: Client, password: str = PASSWORD, **form: str) -> httpx.Response:
    """Send the login form."""
    return client.post("/login", data={"email": EMAIL, "password": password} | form)


@pytest.fixture(name="known", scope="module")
def make_account(busy: Newsroom) -> Newsroom:
    """Make the account."""
    admit(busy.control)
    return busy


@pytest.mark.parametrize("path", ["/", "/sites/example.com?period=7d", "/sites/nobody.example"])
def test_without_a_login_every_page_leads_to_the_form(known: Newsroom, path: str) -> None:
    """And says nothing about which sites there are."""
    client = known.client()
    response = client.get(path)
    assert response.status_code == 303
    assert response.text == ""
    form = client.get(response.headers["location"])
    assert form.status_code == 200
    assert 'name="password"' in form.text


def test_before_the_first_account_the_form_says_where_its_link_is(room: Newsroom) -> None:
    """Nobody has forgotten a password of an account that is not there."""
    said = room.client().get("/login").text
    assert "<code>gatecount user link</code>" in said
    assert "user reset" not in said
    admit(room.control)
    said = room.client().get("/login").text
    assert "user link" not in said
    assert "<code>gatecount user reset</code>" in said


def test_the_right_password_leads_to_where_one_wanted_to_go(known: Newsroom) -> None:
    """The form carries the address along; the name is taken in any case."""
    client = known.client()
    form = client.get(client.get("/sites/example.com?period=7d").headers["location"])
    wanted = next(a["value"] for t, a in Markup(form.text).tags if a.get("name") == "next")
    response = log_in(client, next=str(wanted), email=f" {EMAIL.upper()} ")
    assert response.status_code == 303
    assert response.headers["location"] == "/sites/example.com?period=7d"
    assert client.get(response.headers["location"]).status_code == 200


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_cookies_are_kept_from_scripts_and_other_sites(known: Newsroom, scheme: str) -> None:
    """Secure with the `__Host-` prefix over https; never with a domain."""
    response = log_in(known.client(scheme))
    prefix = "__Host-" if scheme == "https" else ""
    lifetimes = {prefix + LOGIN: 30 * 86_400, prefix + DEVICE: 400 * 86_400}
    for cookie in response.headers.get_list("set-cookie"):
        value, *attributes = cookie.split("; ")
        name, _, token = value.partition("=")
        assert re.fullmatch(r"[\w-]{43}(\.[0-9a-f]{16})?", token)
        expected = {"HttpOnly", f"Max-Age={lifetimes.pop(name)}", "Path=/", "SameSite=lax"}
        assert set(attributes) == (expected | {"Secure"} if scheme == "https" else expected)
    assert lifetimes == {}


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost:8000", True), ("127.0.0.1", True), ("127.9.9.9:80", True), ("[::1]:80", True),
        ("dash.localhost", True), ("stats.example.com", False), ("192.0.2.1:8000", False),
        ("localhost.example.com", False), ("127.0.0.1.example.com", False),
    ],
)  # fmt: skip
def test_over_plain_http_one_logs_in_on_this_machine_alone(
    known: Newsroom, host: str, *, is_loopback: bool
) -> None:
    """Elsewhere the page says why not, and neither password nor cookie is looked at."""
    client = known.client()
    page = client.get("/login", headers={"Host": host})
    assert ("plain HTTP" in page.text) != is_loopback
    response = client.post(
        "/login", data={"email": EMAIL, "password": PASSWORD}, headers={"Host": host}
    )
    assert response.status_code == (303 if is_loopback else 403)
    assert ("set-cookie" in response.headers) == is_loopback
    editor = known.editor()
    seen = editor.get("/sites/example.com", headers={"Host": host}).status_code
    assert seen == (200 if is_loopback else 303)
    token = Links(known.control).reset(EMAIL, NOW)
    for answer in (
        client.get(f"/links/{token}", headers={"Host": host}),
        client.post(f"/links/{token}", data={"password": "short"}, headers={"Host": host}),
    ):
        assert ("plain HTTP" in answer.text) != is_loopback


def test_over_https_a_cookie_without_the_prefix_is_not_believed(known: Newsroom) -> None:
    """A neighbour host could have planted it."""
    plain = known.editor().http.cookies[LOGIN]
    client = known.client("https")
    client.http.cookies.set(LOGIN, plain, domain=COOKIE_DOMAIN)
    assert client.get("/").status_code == 303
    client.http.cookies.set("__Host-" + LOGIN, plain, domain=COOKIE_DOMAIN)
    assert client.get("/sites/example.com").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, ""), (EMAIL, "wrong"), (EMAIL, PASSWORD + " "), (EMAIL, PASSWORD.upper()),
        (EMAIL, "\0"), ("nobody@example.com", PASSWORD), ("", PASSWORD), ("\0", "ключ"),
    ],
)  # fmt: skip
def test_a_wrong_password_opens_nothing(known: Newsroom, email: str, password: str) -> None:
    """Whether there is such an account is not told, and nothing is repeated on the page."""
    response = log_in(known.client(), password, email=email, next="/sites/example.com")
    assert response.status_code == 403
    assert "That is not an account with its password." in response.text
    assert "set-cookie" not in response.headers
    assert not password or f'value="{password}"' not in response.text
    assert 'value="/sites/example.com"' in response.text


@pytest.mark.parametrize(
    "wanted",
    [
        "", "sites", "//evil.example", "//evil.example/sites", "/\\evil.example",
        "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example",
        "https://evil.example/", "https:evil.example", "javascript:alert(1)", "/ä",
        "/" + "a" * 2001,
    ],
)  # fmt: skip
def test_a_login_leads_to_no_other_host(known: Newsroom, wanted: str) -> None:
    """What is not plainly a path of ours becomes the front page."""
    response = log_in(known.client(), next=wanted)
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
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://stats.example.com"}, True),
        ({"Origin": "http://stats.example.com"}, False),  # TLS may end at a proxy
        ({"Origin": "https://stats.example.com"}, False),
        ({"Origin": "http://example.com"}, True),
        ({"Origin": "http://stats.example.com.evil.example"}, True),
        ({"Origin": "null"}, True),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/logout", "/theme", "/sites/example.com/notes"])
def test_forms_are_taken_from_our_own_pages_only(
    known: Newsroom, path: str, headers: dict[str, str], *, is_refused: bool
) -> None:
    """Sec-Fetch-Site decides, and Origin where a browser is too old for it."""
    client = known.client("https")
    response = client.post(path, data={"email": EMAIL, "password": PASSWORD}, headers=headers)
    assert (response.status_code == 403) == is_refused


def test_wrong_passwords_are_slowed_down_by_account(known: Newsroom) -> None:
    """Ten at once, then one a minute; logins that are open stay so, and no address is kept."""
    room = replace(known)
    editor = room.editor()
    assert [log_in(editor, "no").status_code for _ in range(10)] == [403] * 10
    refused = log_in(editor)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    assert editor.get("/sites/example.com").status_code == 200
    room.now += timedelta(seconds=59)
    assert log_in(editor).status_code == 429
    room.now += timedelta(seconds=1)
    assert log_in(editor).status_code == 303


def test_who_guesses_elsewhere_locks_nobody_out_of_a_browser_they_use(known: Newsroom) -> None:
    """It shows its token; one of another account does not help."""
    client, thief = known.client(), known.client()
    assert log_in(client).status_code == 303
    thief.http = httpx.AsyncClient(transport=client.http._transport, base_url=client.http.base_url)  # noqa: SLF001 - the same server
    while log_in(thief, "no").status_code != 429:
        pass
    assert log_in(client, "no").status_code == 403
    assert log_in(client).status_code == 303
    admit(known.control, "thief@example.com")
    thief.http.cookies.set(DEVICE, client.http.cookies[DEVICE], domain="127.0.0.1")
    assert log_in(thief, email="thief@example.com").status_code == 303
    assert log_in(thief, "no", email="nobody@example.com").status_code == 403


def test_guessing_many_accounts_shuts_the_form_before_it_is_read(known: Newsroom) -> None:
    """Twenty tries in all; then nothing is worked out, and one comes back in ten seconds."""
    room = replace(known)
    client = room.client()
    tries = [log_in(client, "no", email=f"{n}@example.com").status_code for n in range(21)]
    assert tries == [403] * 20 + [429]
    refused = client.post("/login", content=b"%" * 100_000)
    assert refused.status_code == 429
    assert "Zu viele Versuche" in refused.text
    assert {name: refused.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert client.get("/login").status_code == 200
    for made_up in ("x", "x.y", f"{'x' * 43}.{'0' * 16}", '"', "%ff"):
        cookie = {"Cookie": f"a=b; {DEVICE}={made_up}"}
        assert client.post("/login", headers=cookie).headers["content-length"] == str(
            len(refused.content)
        )
    room.now += timedelta(seconds=10)
    assert log_in(client).status_code == 303


def test_a_clock_that_runs_back_refills_nothing() -> None:
    """Otherwise setting it would reset the buckets."""
    buckets = Buckets(capacity=1, refill_s=60)
    assert buckets.enter("a", NOW)
    assert not buckets.enter("a", NOW - DAY)
    assert not buckets.enter("a", NOW - DAY + timedelta(seconds=59))
    assert buckets.enter("b", NOW)
    buckets.give_back("b", NOW)
    assert buckets.enter("b", NOW)


def test_buckets_are_not_kept_for_ever() -> None:
    """Whoever was quiet longest is forgotten first; each is a few bytes."""
    buckets = Buckets(capacity=1, refill_s=60)
    buckets.enter("first", NOW)
    for number in range(9_999):
        buckets.enter(f"{number}", NOW)
    assert not buckets.has_room("0", NOW)
    buckets.enter("one more", NOW)
    assert buckets.has_room("first", NOW)
    assert not buckets.has_room("0", NOW)


@pytest.mark.parametrize(
    "body", [b"", b"email", b"&" * 100, b"email=\xff\xfe", b"email=" + b"a" * 5000, b"%" * 100]
)
def test_a_form_that_is_none_opens_nothing(known: Newsroom, body: bytes) -> None:
    """It is refused, however odd or long."""
    client = known.client()
    assert client.post("/login", content=body).status_code in {400, 403}
    token = Links(known.control).set_up(NOW)
    assert client.post(f"/links/{token}", content=body).status_code == 400


def test_a_login_takes_the_place_of_the_one_before(known: Newsroom) -> None:
    """A token from before is worth nothing, so nobody can have planted one."""
    client = known.client()
    log_in(client)
    old, device = client.http.cookies[LOGIN], client.http.cookies[DEVICE]
    log_in(client)
    assert client.http.cookies[LOGIN] != old
    assert client.http.cookies[DEVICE] == device
    thief = known.client()
    thief.http.cookies.set(LOGIN, old, domain="127.0.0.1")
    assert thief.get("/sites/example.com").status_code == 303


def test_logging_out_ends_the_login_also_where_it_was_copied(known: Newsroom) -> None:
    """The token is closed, not only its cookie dropped."""
    editor = known.client()
    log_in(editor)
    token = editor.http.cookies[LOGIN]
    response = editor.post("/logout")
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert LOGIN not in editor.http.cookies
    thief = known.client()
    thief.http.cookies.set(LOGIN, token, domain="127.0.0.1")
    assert thief.get("/sites/example.com").status_code == 303
    assert editor.get("/logout").status_code == 405  # a link or an image must not do it


def test_whoever_is_logged_in_is_not_asked_again(known: Newsroom) -> None:
    """The form leads on."""
    response = known.editor().get("/login?next=/sites/example.com")
    assert (response.status_code, response.headers["location"]) == (303, "/sites/example.com")


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_login(room: Newsroom) -> None:
    """Passwords grow stronger with the program."""
    user = admit(room.control)
    weak = replace(CHEAP, memory_cost=16)
    accounts = Accounts(room.control)
    accounts.set_password(user, Passwords(weak).hash(PASSWORD))
    assert log_in(room.client()).status_code == 303
    assert "m=8," in accounts.password(user)


def test_the_first_account_is_made_by_its_link(room: Newsroom) -> None:
    """It is logged in with it, and is told what is wrong; then the link is good no more."""
    room.site()
    path = f"/links/{Links(room.control).set_up(room.now)}"
    client = room.client()
    page = client.get(path)
    assert page.status_code == 200
    assert "Set up gatecount" in page.text
    form = {"email": "First@example.com", "password": "password1"}
    refused = client.post(path, data=form)
    assert refused.status_code == 400
    assert "tried first" in refused.text
    assert 'value="first@example.com"' in refused.text
    assert "password1" not in refused.text
    wrong = client.post(path, data={**form, "email": "first", "password": PASSWORD})
    assert "is an e-mail address" in wrong.text
    made = client.post(path, data={**form, "password": PASSWORD})
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert client.get("/").headers["location"] == "/sites/example.com"
    for again in (client.get(path), client.post(path, data={**form, "password": PASSWORD})):
        assert again.status_code == 404
        assert "not good any more" in again.text


def test_an_invitation_is_for_whom_it_is_for(room: Newsroom) -> None:
    """Somebody new chooses a password; who has an account logs in first; nobody else takes it."""
    site = room.site()
    room.site("example.org")
    links = Links(room.control)
    path = f"/links/{links.invite('new@example.com', site.id, Role.EDITOR, EMAIL, room.now)}"
    client = room.client()
    page = Markup(client.get(path).text).words
    assert f"{EMAIL} invites new@example.com to look at the numbers of example.com, as" in page
    form = {"email": "other@example.com", "password": PASSWORD}
    assert client.post(path, data=form).headers["location"] == "/"
    assert client.get("/").headers["location"] == "/sites/example.com"
    assert client.get("/sites/example.com/settings").status_code == 200
    assert client.get("/sites/example.org").status_code == 404
    assert Accounts(room.control).named("other@example.com") is None
    second = room.control.site("example.org")
    assert second is not None
    path = f"/links/{links.invite('new@example.com', second.id, Role.VIEWER, EMAIL, room.now)}"
    for stranger in (room.client(), room.editor()):
        for answer in (stranger.get(path), stranger.post(path, data=form)):
            assert answer.status_code == 403
            assert "This invitation is for new@example.com" in answer.text
    assert "password" not in client.get(path).text
    assert client.post(path).headers["location"] == "/"
    assert client.get("/sites/example.org").status_code == 200


def test_a_forgotten_password_is_replaced_by_a_link(room: Newsroom) -> None:
    """All logins end, and one logs in with the new one."""
    room.site()
    editor = room.editor()
    path = f"/links/{Links(room.control).reset(EMAIL, room.now)}"
    client = room.client()
    assert f"For {EMAIL}." in client.get(path).text
    answer = client.post(path, data={"password": "another-lantern-altogether"})
    assert answer.headers["location"] == "/login"
    assert editor.get("/sites/example.com").status_code == 303
    assert log_in(client).status_code == 403
    assert log_in(client, "another-lantern-altogether").status_code == 303
