"""One's own account: password, logins, codes, passkeys' refusals, keys for programs."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from collector.people.factors import Codes, Passkeys, step_of
from collector.people.trail import Act, Trail
from dashboard.access.seals import Seals, unwritten, written
from dashboard.words.problems import told
from tests.dashboard.reading import DAY, HOUR, Markup
from tests.editors import NOW, Client, Newsroom, newsroom, pageview
from tests.people import EMAIL, PASSWORD, admit

NEW = "lighthouse keeper's notebook"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of nothing


DEEP = written(b"[" * 5_000)


@pytest.fixture(name="room")
def open_room(ram: Path) -> Iterator[Newsroom]:
    """Count a visit on each of two sites."""
    with newsroom(ram) as room:
        for domain in ("example.com", "example.org"):
            room.count(pageview(room.site(domain), 1, HOUR))
        yield room


def send(client: Client, where: str = "/account", **form: str) -> tuple[int, str]:
    """Send a form; return the status and the words of the page."""
    response = client.post(where, data={name.replace("_", "-"): v for name, v in form.items()})
    return response.status_code, Markup(response.text).words


def log_in(client: Client, password: str = PASSWORD) -> int:
    """Send the login form."""
    return client.post("/login", data={"email": EMAIL, "password": password}).status_code


def test_a_password_is_changed_by_who_knows_it(room: Newsroom) -> None:
    """A weak one is refused; afterwards all other logins have ended, and this one goes on."""
    editor, other = room.editor(), room.editor()
    change = {"do": "password", "current": PASSWORD, "password": NEW}
    assert "that is not your password" in send(editor, **{**change, "current": "no"})[1]
    assert "tried first" in send(editor, **{**change, "password": "password1"})[1]
    assert other.get("/account").status_code == 200
    status, words = send(editor, **change)
    assert (status, "The new password holds" in words) == (200, True)
    assert editor.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert log_in(room.client()) == 403
    assert log_in(room.client(), NEW) == 303


def test_guessing_ones_own_password_is_slowed_down(room: Newsroom) -> None:
    """A browser that was left open is not enough."""
    editor = room.editor()
    form = {"do": "turn-codes-off", "current": "no"}
    answers = [send(editor, **form)[1] for _ in range(11)]
    assert ["too many tries" in words for words in answers] == [False] * 10 + [True]


def test_logins_are_listed_and_ended(room: Newsroom) -> None:
    """One of the others, or all of them."""
    editor, second, third = room.editor(), room.editor(), room.editor()
    page = editor.get("/account").text
    assert page.count("in this browser") == 1
    ids = re.findall(r'value="end-login"><input type="hidden" name="id" value="(\d+)"', page)
    assert len(ids) == 2
    send(editor, do="end-login", id=ids[0])  # the newest
    assert [each.get("/account").status_code for each in (second, third)] == [200, 303]
    send(editor, do="end-others")
    assert [each.get("/account").status_code for each in (editor, second)] == [200, 303]


def shown(page: str) -> tuple[str, str]:
    """Return the secret on the page on which codes are set up, and the word of ours beside it."""
    (secret,) = re.findall(r'name="secret" value="(\w{32})"', page)
    (word,) = re.findall(r'name="confirmed" value="([\w-]+)"', page)
    return secret, word


def turn_codes_on(editor: Client, room: Newsroom) -> tuple[pyotp.TOTP, list[str]]:
    """Set an authenticator up by the pages; return it, and the recovery codes."""
    page = editor.post("/account", data={"do": "begin-codes", "current": PASSWORD}).text
    secret, word = shown(page)
    assert "<svg" in page
    assert "style=" not in page
    authenticator = pyotp.TOTP(secret)
    form = {"do": "turn-codes-on", "secret": secret, "confirmed": word}
    wrong = editor.post("/account", data={**form, "code": "000000"})
    assert (wrong.status_code, f'value="{secret}"' in wrong.text) == (400, True)
    made = editor.post("/account", data={**form, "code": authenticator.at(room.now)}).text
    return authenticator, re.findall(r"<code>([2-9a-z-]{27})</code>", made)


def test_codes_are_asked_for_after_the_password(room: Newsroom) -> None:
    """Each is good once; a recovery code stands in; they are turned off by who knows all."""
    editor = room.editor()
    authenticator, recovery = turn_codes_on(editor, room)
    assert len(set(recovery)) == 10
    client = room.client()
    form = {"email": EMAIL, "password": PASSWORD, "next": "/sites/example.com"}

    def step() -> dict[str, str]:
        page = client.post("/login", data=form)
        assert "gatecount-login" not in client.http.cookies
        return {
            str(a["name"]): str(a.get("value") or "")
            for tag, a in Markup(page.text).tags
            if tag == "input" and a["name"] in {"step", "next"}
        }

    used = step()
    assert client.get("/account").status_code == 303
    again = client.post("/login/code", data={**used, "code": authenticator.at(room.now)})
    assert again.status_code == 403  # it was used to turn them on
    room.now += timedelta(seconds=30)
    code = authenticator.at(room.now)
    opened = client.post("/login/code", data={**used, "code": f" {code[:3]} {code[3:]}"})
    assert opened.headers["location"] == "/sites/example.com"
    assert "by password and code" in client.get("/account").text
    client.post("/logout")
    assert client.post("/login/code", data={**used, "code": code}).status_code == 403
    opened = client.post("/login/code", data={**step(), "code": recovery[0].upper()})
    assert opened.status_code == 303
    client.post("/logout")
    assert client.post("/login/code", data={**step(), "code": recovery[0]}).status_code == 403
    assert "9 recovery codes are left" in editor.get("/account").text
    send(editor, do="turn-codes-off", current=PASSWORD)
    assert log_in(client) == 303


def test_codes_are_turned_on_with_the_password_alone(room: Newsroom) -> None:
    """A browser that was left open makes nobody's authenticator that of the account."""
    room = replace(room)
    editor, other = room.editor(), room.editor("other@example.com")
    form = {"do": "turn-codes-on", "secret": SECRET, "code": pyotp.TOTP(SECRET).at(room.now)}
    begin = {"do": "begin-codes", "current": PASSWORD}
    _, of_another = shown(other.post("/account", data=begin).text)
    _, word = shown(editor.post("/account", data=begin).text)
    for given in ({}, {"confirmed": of_another}, {"confirmed": word[:-4]}):
        assert "type your password again" in send(editor, **form, **given)[1]
    assert "nothing of that kind" in send(editor, **{**form, "secret": "!"}, confirmed=word)[1]
    room.now += timedelta(minutes=10)
    form["code"] = pyotp.TOTP(SECRET).at(room.now)
    assert "type your password again" in send(editor, **form, confirmed=word)[1]
    assert log_in(room.client()) == 303
    turn_codes_on(editor, room)
    assert log_in(room.client()) == 200  # and asks for a code


def test_codes_cannot_be_tried_one_after_the_other(room: Newsroom) -> None:
    """Five, then one in ten minutes; the step ends, and one of another start is none."""
    room = replace(room)
    authenticator, recovery = turn_codes_on(room.editor(), room)
    client = room.client()
    page = client.post("/login", data={"email": EMAIL, "password": PASSWORD}).text
    (step,) = re.findall(r'name="step" value="([\w-]+)"', page)

    def status(code: str, step: str = step) -> int:
        return client.post("/login/code", data={"step": step, "code": code}).status_code

    assert [status("000000") for _ in range(6)] == [403] * 5 + [429]
    room.now += timedelta(minutes=5)
    assert status(authenticator.at(room.now)) == 429
    assert status(recovery[0]) == 303
    room.now += timedelta(minutes=5)
    assert status(recovery[1]) == 403  # ten minutes are over
    assert status(recovery[1], step[:-2]) == 403
    assert room.client().post("/login/code", data={"step": step}).status_code == 403


def test_a_code_is_of_about_now() -> None:
    """One step off at most; blanks do not matter; anything else is none."""
    authenticator = pyotp.TOTP(SECRET)
    for off, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = authenticator.at(NOW + off * timedelta(seconds=30))
        assert (step_of(SECRET, code, NOW) is not None) == good
    for code in ("", "12345", "abcdef", "\N{SUPERSCRIPT TWO}" * 6, "-1"):
        assert step_of(SECRET, code, NOW) is None
    assert step_of("no base32!", "123456", NOW) is None


def test_only_ones_own_is_used_up(room: Newsroom) -> None:
    """A recovery code of somebody else is none, and nobody removes another's passkey."""
    one, other = admit(room.control), admit(room.control, "other@example.com")
    codes, passkeys = Codes(room.control), Passkeys(room.control)
    made = codes.turn_on(one, SECRET, pyotp.TOTP(SECRET).at(NOW), NOW)
    assert made is not None
    assert not codes.take_recovery(other, made[0])
    assert not codes.take(other, pyotp.TOTP(SECRET).at(NOW), NOW)
    passkeys.add(one, "  my   key ", b"credential", b"public", 0, NOW)
    (kept,) = passkeys.of(one)
    assert kept.name == "my key"
    assert passkeys.remove(other, kept.id) is None
    found = passkeys.find(b"credential")
    assert found is not None
    passkeys.used(found, 7, NOW)
    editor = room.editor()
    form = {"do": "remove-passkey", "id": str(kept.id)}
    assert "not your password" in send(editor, **form)[1]
    assert "my key" in editor.get("/account").text
    send(editor, **form, current=PASSWORD)
    assert passkeys.of(one) == ()


def test_a_word_of_ours_is_good_once_and_not_for_long() -> None:
    """Nobody makes one up, and a tampered one is none."""
    seals = Seals(timedelta(minutes=5))
    word = seals.make(7, NOW)
    assert unwritten(written(word)) == word
    assert seals.read(word, NOW) == 7
    for other in (b"", word[:-1], word[:-1] + b"x", b"\0" * 64, Seals(HOUR).make(7, NOW)):
        assert seals.read(other, NOW) is None
    assert seals.read(word, NOW + timedelta(minutes=5)) is None
    assert seals.use(word, NOW) == 7
    assert seals.use(word, NOW) is None
    assert seals.read(word, NOW) is None
    later = seals.make(0, NOW + DAY)
    assert seals.use(later, NOW + DAY) == 0
    assert len(seals._used) == 1  # noqa: SLF001 - those that are over are forgotten
    assert unwritten("\0ä") == b""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/login/passkey", "{}"),
        ("/login/passkey", '{"credential": 7}'),
        ("/login/passkey", '{"credential": {"response": {"clientDataJSON": "e30"}}}'),
        ("/login/passkey", '{"credential": {"response": {"clientDataJSON": "bm8"}}}'),
        ("/login/passkey", "no"),
        ("/login/passkey", "[]"),
        ("/login/passkey", "[" * 10_000),
        ("/login/passkey", json.dumps({"credential": {"response": {"clientDataJSON": DEEP}}})),
        ("/login/passkey", '"' + "x" * 20_000 + '"'),
        ("/account/passkeys", "{}"),
        ("/account/passkeys/options", '{"password": "wrong"}'),
    ],
)
def test_a_passkey_that_is_none_is_refused(busy: Newsroom, path: str, body: str) -> None:
    """However odd what is sent; the answer says what is wrong."""
    editor = busy.editor()
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    response = editor.post(path, content=body.encode(), headers=headers)
    assert response.status_code == 400
    assert response.json()["problem"]


def test_there_are_no_passkeys_where_there_is_no_host_name(busy: Newsroom) -> None:
    """Nor over plain http; the page says so, and by a name it offers them."""
    editor = busy.editor()
    assert "Passkeys need a host name" in editor.get("/account").text
    refused = editor.post("/login/passkey/options", content=b"{}")
    assert "Passkeys need a host name" in refused.json()["problem"]
    by_name = {"Host": "localhost:8000"}
    assert 'data-passkey="make"' in editor.get("/account", headers=by_name).text
    assert 'data-passkey="show"' in busy.client().get("/login", headers=by_name).text
    options = editor.post("/login/passkey/options", content=b"{}", headers=by_name).json()
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    asked = json.dumps({"password": PASSWORD}).encode()
    made = editor.post("/account/passkeys/options", content=asked, headers=by_name).json()
    assert made["user"]["name"] == EMAIL
    assert made["authenticatorSelection"]["residentKey"] == "required"
    forged = {
        "type": "webauthn.create",
        "challenge": made["challenge"],
        "origin": "http://localhost",
    }
    client_data = written(json.dumps(forged).encode())
    sent = {"response": {"clientDataJSON": client_data, "attestationObject": "oA"}, "type": "x"}
    body = json.dumps({"credential": sent | {"id": "AA", "rawId": "AA"}}).encode()
    for problem in ("not shown as it has to be", "done already"):
        answer = editor.post("/account/passkeys", content=body, headers=by_name)
        assert problem in answer.json()["problem"]


def test_a_key_is_made_for_sites_and_verbs_and_shown_once(room: Newsroom) -> None:
    """It opens what it is for, and nothing else; revoked, it opens nothing."""
    editor = room.editor()
    site = room.control.site("example.com")
    assert site is not None
    form = {"do": "add", "name": "nightly", "verb-write": "on", f"site-{site.id}": "on"}
    page = editor.post("/account/keys", data=form)
    (key,) = re.findall(r"gatecount_[\w-]{43}", page.text)
    assert "nightly write annotations and segments: example.com; made on" in Markup(page.text).words
    assert key not in editor.get("/account/keys").text
    headers = {"Authorization": f"Bearer {key}"}
    note = {"do": "annotate", "date": "2026-11-23", "text": "Deployed"}
    client = room.client()
    assert client.post("/sites/example.com/notes", note, headers=headers).status_code == 303
    assert client.post("/sites/example.org/notes", note, headers=headers).status_code == 404
    assert client.get("/sites/example.com", headers=headers).status_code == 403
    assert "Deployed" in editor.get("/sites/example.com/settings").text
    listed = editor.get("/account/keys").text
    assert "last used on 24 November 2026" in listed
    (number,) = re.findall(r'name="id" value="(\d+)"', listed)
    send(editor, "/account/keys", do="revoke", id=number)
    assert client.post("/sites/example.com/notes", note, headers=headers).status_code == 401
    about = Trail(room.control).of(site.id, with_all=False)
    assert [each.act for each in about] == [Act.REVOKED_KEY, Act.ANNOTATED, Act.MADE_KEY]


@pytest.mark.parametrize(
    ("path", "form", "problem"),
    [
        ("/account/keys", {"do": "add", "name": " ", "verb-read": "on"}, "give the key a name"),
        ("/account/keys", {"do": "add", "name": "x"}, "say what the key is for"),
        ("/account/keys", {"do": "revoke", "id": "x"}, "nothing of that kind"),
        ("/account/keys", {}, "nothing of that kind"),
        ("/account", {}, "nothing of that kind"),
        ("/account", {"do": "end-login", "id": "\N{SUPERSCRIPT TWO}"}, "nothing of that kind"),
        ("/account", {"do": "turn-codes-on", "secret": "!"}, "type your password again"),
    ],
)
def test_what_cannot_be_done_is_explained(
    busy: Newsroom, path: str, form: dict[str, str], problem: str
) -> None:
    """On the page one does it on."""
    status, words = send(busy.editor(), path, **form)
    assert (status, problem in words) == (400, True)
    assert busy.editor().post(path, content=b"&" * 50_000).status_code == 400


def test_what_the_collector_says_is_translated(busy: Newsroom) -> None:
    """Each sentence that can come up on these pages is in the catalogue."""
    editor = busy.editor()
    headers = {"Accept-Language": "de"}
    form = {"do": "password", "current": PASSWORD, "password": "short"}
    page = editor.post("/account", data=form, headers=headers).text
    assert "ein Passwort hat mindestens 8 Zeichen" in page
    assert told(ValueError("something else")) == "something else"
