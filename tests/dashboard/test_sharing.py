"""What people without an account see, and that it is nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import ingest
from collector.control import Site
from collector.people.accounts import Role
from collector.people.trail import Trail
from collector.settings.notebook import Notebook
from collector.settings.shares import Shares
from dashboard.access.rules import RULES, Open
from dashboard.assets import asset_url
from dashboard.web import SECURITY_HEADERS
from tests.application import NOW, SITE, application
from tests.dashboard.reading import DAY, HOUR, XSS, Markup
from tests.editors import Client, Newsroom, newsroom, pageview
from tests.people import admit, token_of

OWNERS = "/sites/example.com/sharing"
PUBLIC = "/public/example.com"
SECRET = "tulips-in-february"  # noqa: S105 - of a link that only tests have
HERE = "http://127.0.0.1"
_LOOKS = 4  # that one network has in a minute, instead of 120


@pytest.fixture(name="room")
def open_room(ram: Path) -> Iterator[Newsroom]:
    """Count 12 visitors yesterday: all by Google, nine of them from Germany; and 5 today."""
    with newsroom(ram) as room:
        site = room.site()
        room.site("example.org")
        room.count(
            *(
                pageview(site, n, DAY, "/news" if n else "/rare", source="Google", country=country)
                for n, country in enumerate(["DE"] * 9 + ["FR"] * 3)
            ),
            *(pageview(site, n, HOUR, "/today", source="Bing") for n in range(5)),
        )
        yield room


@pytest.fixture(name="site")
def find_site(room: Newsroom) -> Site:
    """Return the site."""
    found = room.control.site("example.com")
    assert found is not None
    return found


def link_made(owner: Client, **form: str) -> str:
    """Make a link as an owner does; return its path."""
    page = owner.post(OWNERS, {"do": "share", "name": "The board", **form})
    assert page.status_code == 200, page.text
    found = re.search(r'id="made">http://127\.0\.0\.1(/shared/[\w-]+)<', page.text)
    assert found is not None
    return found[1]


def test_a_site_is_not_public_until_an_owner_says_so(room: Newsroom) -> None:
    """And not any more once it is switched off; the log says who did it."""
    owner, anybody = room.editor(), room.client()
    assert anybody.get(PUBLIC).status_code == 404
    owner.post(OWNERS, {"do": "publish"})
    assert anybody.get(PUBLIC).status_code == 200
    assert f"{HERE}{PUBLIC}" in owner.get(OWNERS).text
    assert anybody.get("/public/example.org").text == anybody.get("/public/no.example").text
    owner.post(OWNERS, {"do": "withdraw"})
    assert anybody.get(PUBLIC).status_code == 404
    log = [
        (entry.who, entry.act.value, entry.about)
        for entry in Trail(room.control).of(1, with_all=False)
    ]
    assert log == [
        ("owner@example.com", "stopped sharing", "the public page"),
        ("owner@example.com", "shared", "the public page"),
    ]


def test_the_public_page_has_whole_days_in_fixed_tables(room: Newsroom) -> None:
    """Nothing of today; what has fewer than ten visitors is left out."""
    room.editor().post(OWNERS, {"do": "publish"})
    page = room.client().get(PUBLIC).text
    texts = [text.strip() for text in Markup(page).texts if text.strip()]
    assert texts.count("12") >= 3
    for told in ("Google", "/news", "28 days"):
        assert any(told in text for text in texts), told
    for left_out in ("/rare", "France", "Germany", "Bing", "/today"):
        assert left_out not in page
    assert "Nothing here has 10 visitors or more." in page


def test_of_fewer_than_ten_no_number_is_told(room: Newsroom, site: Site) -> None:
    """Neither of all, nor of a day."""
    other = room.control.site("example.org")
    assert other is not None
    room.count(*(pageview(other, n, 2 * DAY, "/x") for n in range(9)))
    Shares(room.control).publish(other.id, is_public=True)
    texts = [text.strip() for text in Markup(room.client().get("/public/example.org").text).texts]
    assert texts.count("<10") == 2  # in all, and on that day
    assert "9" not in texts


def test_the_public_page_takes_no_filters_and_no_dates(room: Newsroom) -> None:
    """Whatever stands in the address; and it offers none."""
    room.editor().post(OWNERS, {"do": "publish"})
    anybody = room.client()
    plain = anybody.get(PUBLIC).text
    for query in ("f=is,country,FR", "period=day", "period=custom&from=2026-11-23&to=2026-11-23"):
        assert _without_path(anybody.get(f"{PUBLIC}?{query}").text) == _without_path(plain)
    links = [attrs["href"] for tag, attrs in Markup(plain).tags if tag == "a" and "href" in attrs]
    assert set(links) == {
        "#main", "/", "?period=7d", "?period=28d", "?period=12mo", "/privacy",
    }  # fmt: skip
    month = anybody.get(f"{PUBLIC}?period=12mo").text
    assert "Visitors per month" in month


def test_within_another_page_nothing_is_offered_that_does_not_work_there(room: Newsroom) -> None:
    """Browsers keep no cookie of ours there, and show no page but the one."""
    room.editor().post(OWNERS, {"do": "publish"})
    anybody, place = room.client(), f"{PUBLIC}?period=12mo"
    alone, within = (
        anybody.get(place, {"Sec-Fetch-Dest": kind}).text for kind in ("document", "iframe")
    )
    assert alone.count(f'name="back" value="{place}"') == 2
    assert '<a href="/">' in alone
    assert 'method="post"' not in within
    assert '<a href="/">' not in within
    assert "Visitors per month" in within


def _without_path(page: str) -> str:
    return re.sub(r'<input type="hidden" name="back"[^>]*>', "", page)


def test_a_link_shows_one_site_until_it_is_revoked(room: Newsroom, site: Site) -> None:
    """It is shown once, and kept as a digest."""
    owner, anybody = room.editor(), room.client()
    path = link_made(owner)
    assert "example.com" in anybody.get(path).text
    assert path not in owner.get(OWNERS).text
    token = path.rpartition("/")[2].encode()
    assert token not in (room.folder / "control.sqlite").read_bytes()
    (share,) = Shares(room.control).of(site.id)
    owner.post("/sites/example.org/sharing", {"do": "revoke", "id": str(share.id)})
    assert anybody.get(path).status_code == 200
    owner.post(OWNERS, {"do": "revoke", "id": str(share.id)})
    assert anybody.get(path).status_code == 404
    assert "the link The board" in owner.get("/sites/example.com/log").text


def test_a_link_may_show_a_segment_alone(room: Newsroom, site: Site) -> None:
    """It stays what it was when the link was made."""
    notebook = Notebook(room.control)
    notebook.keep(site.id, "From France", "f=is,country,FR")
    notebook.keep(site.id, "By Google", "f=is,source,Google")
    owner, anybody = room.editor(), room.client()
    france, google = (
        link_made(owner, segment=str(each.id))
        for each in sorted(notebook.segments(site.id), key=lambda each: each.name, reverse=True)
    )
    notebook.keep(site.id, "From France", "f=is,country,DE")
    page = anybody.get(france).text
    assert "From France" in page
    assert "&lt;10" in page
    assert "Google" not in page
    assert "/news" in anybody.get(google).text
    gone = owner.post(OWNERS, {"do": "share", "name": "x", "segment": "99"})
    assert (gone.status_code, "this segment is gone" in gone.text) == (400, True)


def test_a_link_may_ask_for_a_password(room: Newsroom) -> None:
    """Who knows it is let in for a day, by that link alone."""
    owner, knows = room.editor(), room.client()
    path, other = link_made(owner, password=SECRET), link_made(owner, password=SECRET)
    assert "12" not in [text.strip() for text in Markup(knows.get(path).text).texts]
    wrong = knows.post(path, {"password": "tulips"})
    assert (wrong.status_code, "That is not the password" in wrong.text) == (403, True)
    right = knows.post(path, {"password": SECRET})
    assert (right.status_code, right.headers["location"]) == (303, path)
    assert "HttpOnly" in right.headers["set-cookie"]
    assert "Google" in knows.get(path).text
    assert "This link has a password" in knows.get(other).text
    assert "This link has a password" in room.client().get(path).text
    elsewhere = room.client("https")
    secure = elsewhere.post(path, {"password": SECRET}).headers["set-cookie"]
    assert secure.startswith("__Host-gatecount-share-")
    assert "Secure" in secure
    assert SECRET.encode() not in (room.folder / "control.sqlite").read_bytes()


def test_a_password_cannot_be_guessed(room: Newsroom) -> None:
    """After ten tries the right one is not looked at either, and logins go on."""
    owner = room.editor()
    path, other = link_made(owner, password=SECRET), link_made(owner, password=SECRET)
    anybody = room.client()
    for number in range(10):
        assert anybody.post(path, {"password": f"guess {number}"}).status_code == 403
    assert anybody.post(path, {"password": SECRET}).status_code == 429
    assert anybody.post(other, {"password": SECRET}).status_code == 303
    weak = owner.post(OWNERS, {"do": "share", "name": "x", "password": "password1"})
    assert (weak.status_code, "tried first" in weak.text) == (400, True)


@pytest.mark.parametrize("password", ["", SECRET])
def test_a_link_opens_no_other_route(room: Newsroom, password: str) -> None:
    """Shown as a key, as a login, or just held: each route says what it says to nobody."""
    owner = room.editor()
    path = link_made(owner, password=password)
    token = path.rpartition("/")[2]
    holder, nobody = room.client(), room.client()
    if password:
        holder.post(path, {"password": password})
    holder.http.cookies.set("gatecount-login", token, domain="127.0.0.1")
    before = list(room.control.texts())
    for route, rule in RULES.items():
        method, _, pattern = route.partition(" ")
        if rule.least is Open.ANYONE:
            continue
        where = pattern.replace("{domain}", "example.com").replace("{field:path}", "page")
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            answers = [
                client.get(where, headers=headers)
                if method == "GET"
                else client.post(where, {"do": "publish"}, headers=headers)
                for client in (holder, nobody)
            ]
            first, second = ((each.status_code, each.text) for each in answers)
            assert first == second, route
            assert answers[0].status_code in {204, 303, 401}, route
    assert list(room.control.texts()) == before


def test_a_link_can_only_be_looked_at(room: Newsroom) -> None:
    """Nothing but GET does anything, but for the password; and nothing ever changes."""
    path = link_made(room.editor())
    anybody, before = room.client(), list(room.control.texts())
    assert anybody.post(path, {"do": "revoke", "id": "1"}).status_code == 405
    assert anybody.post(PUBLIC, {"do": "publish"}).status_code == 405
    assert anybody.get(path + "x").status_code == 404
    assert list(room.control.texts()) == before


def test_only_owners_share(room: Newsroom, site: Site) -> None:
    """Editors see neither the page nor its forms."""
    admit(room.control)
    editor = room.editor("editor@example.com", Role.EDITOR, site.id)
    assert editor.get(OWNERS).status_code == 403
    assert editor.post(OWNERS, {"do": "publish"}).status_code == 403
    assert not Shares(room.control).publicity(site.id).is_public


def test_named_origins_alone_may_embed(room: Newsroom) -> None:
    """What was named, on public pages and links only; all else is as strict as ever."""
    owner, anybody = room.editor(), room.client()
    owner.post(OWNERS, {"do": "publish"})
    path = link_made(owner)
    assert "frame-ancestors 'none'" in anybody.get(PUBLIC).headers["content-security-policy"]
    owner.post(OWNERS, {"do": "embed", "origins": "https://WWW.example.com/\nhttp://a.example:81"})
    for where in (PUBLIC, path):
        headers = anybody.get(where).headers
        allowed = "frame-ancestors https://www.example.com http://a.example:81"
        assert headers["content-security-policy"].endswith(allowed)
        assert "x-frame-options" not in headers
    for where in ("/login", "/public/example.org", OWNERS):
        headers = owner.get(where).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


NO_ORIGINS = (
    "*", "https://*.example.com", "https://a.example/path", "a.example", "'self'",
    "https://a.example;script-src", "javascript:x", "https://", "https://a.example:", "http://-a",
)  # fmt: skip


def test_what_is_no_origin_is_refused(room: Newsroom) -> None:
    """It would end up in a header."""
    owner = room.editor()
    for origin in NO_ORIGINS:
        refused = owner.post(OWNERS, {"do": "embed", "origins": f"https://fine.example {origin}"})
        assert refused.status_code == 400, origin
        assert "write an origin as https://www.example.com" in refused.text
    assert Shares(room.control).publicity(1).framers == ()


def test_a_removed_site_is_shared_no_more(room: Newsroom, site: Site) -> None:
    """Nor is one of the same name that comes later."""
    owner = room.editor()
    owner.post(OWNERS, {"do": "publish"})
    path = link_made(owner)
    room.control.remove_site("example.com", room.now)
    again = room.site()
    room.count(pageview(again, 1, DAY))
    anybody = room.client()
    assert [anybody.get(each).status_code for each in (PUBLIC, path)] == [404, 404]


def test_what_visitors_send_is_no_markup_on_a_public_page(room: Newsroom, site: Site) -> None:
    """Ten visitors make anything public."""
    for text in XSS:
        room.count(*(pageview(site, n, 2 * DAY, "/" + text, source=text) for n in range(10)))
    Shares(room.control).publish(site.id, is_public=True)
    tags = Markup(room.client().get(PUBLIC).text).tags
    scripts = [attrs.get("src") for tag, attrs in tags if tag == "script"]
    assert scripts == [asset_url("script.js")]
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]


def test_numbers_are_asked_for_once_for_all_who_look(room: Newsroom) -> None:
    """For some minutes; the day after they are others."""
    room.editor().post(OWNERS, {"do": "publish"})
    anybody = room.client()
    first = anybody.get(PUBLIC).text
    site = room.control.site("example.com")
    assert site is not None
    room.count(*(pageview(site, n, 3 * DAY, "/later") for n in range(20, 40)))
    assert anybody.get(PUBLIC).text == first
    room.now += HOUR
    assert "/later" in anybody.get(PUBLIC).text


def test_one_network_may_look_often_but_not_without_end(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its minute is over; others look on, and who is logged in. Links count as pages do."""
    monkeypatch.setattr(ingest, "READER_LIMIT", _LOOKS)
    with application(ram, {}, with_dashboard=True) as whole:
        control = whole.composed.control
        site = control.site(SITE)
        assert site is not None
        shares = Shares(control)
        shares.publish(site.id, is_public=True)
        link = f"/shared/{shares.add(site.id, 'The board', NOW)}"
        for path in [PUBLIC, link] * (_LOOKS // 2):
            assert whole.get(path).status_code == 200
        for path in (PUBLIC, link):
            refused = whole.get(path)
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "60"
            assert "In a minute they are here again" in refused.text
        assert whole.get(PUBLIC, {"X-Forwarded-For": "198.51.100.7"}).status_code == 200
        forged = {"Cookie": "__Host-gatecount-login=x", "X-Forwarded-Proto": "https"}
        for _ in range(2):
            assert whole.get(PUBLIC, forged).status_code == 429
        token = token_of(control, admit(control), NOW)
        known = {"Cookie": f"__Host-gatecount-login={token}", "X-Forwarded-Proto": "https"}
        assert whole.get(PUBLIC, known).status_code == 200
        whole.clock.turn(seconds=60)
        assert whole.get(PUBLIC).status_code == 200
