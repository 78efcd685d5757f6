"""control.sqlite: accounts, roles, logins, links, API keys, the audit log."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.control import Control
from collector.people.accounts import ALL_SITES, AccountError, Accounts, Role, User
from collector.people.api_keys import PREFIX, ApiKeys, Verb
from collector.people.links import LinkGoneError, Links, Purpose
from collector.people.logins import LOGIN_IDLE, LOGIN_LIFETIME, MOST_LOGINS, Logins, Way
from collector.people.passwords import (
    MAX_CHARACTERS,
    MIN_CHARACTERS,
    RFC_9106,
    BusyError,
    Passwords,
    WeakPasswordError,
    checked,
)
from collector.people.trail import KEPT, Act, Entry, Trail
from tests.people import CHEAP, admit

NOW = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
HOUR, DAY, MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture(name="path")
def choose_path(ram: Path) -> Path:
    """Where the file is going to be."""
    return ram / "control.sqlite"


@pytest.fixture(name="control")
def open_control(path: Path) -> Iterator[Control]:
    """Open a new file."""
    with contextlib.closing(Control.open(path)) as opened:
        yield opened


@pytest.fixture(name="owner")
def make_owner(control: Control) -> User:
    """Make an account that owns all sites."""
    return admit(control)


def test_a_role_includes_those_before_it() -> None:
    """An owner may do what editors may, and they what viewers may."""
    included = {role: [other for other in Role if role.includes(other)] for role in Role}
    assert included[Role.VIEWER] == [Role.VIEWER]
    assert included[Role.EDITOR] == [Role.VIEWER, Role.EDITOR]
    assert included[Role.OWNER] == list(Role)


@pytest.mark.parametrize("name", ["", "somebody", "a b@example.com", "@", "a@", "<a@b>", "a@b\n@"])
def test_an_account_is_named_by_an_email_address(control: Control, name: str) -> None:
    """What can be none is refused."""
    with pytest.raises(AccountError, match="e-mail address"):
        Accounts(control).add(name, "", NOW)


def test_a_name_is_the_same_in_whatever_case(control: Control) -> None:
    """And there is one account of it."""
    accounts = Accounts(control)
    user = accounts.add(" Owner@Example.com", "a hash", NOW)
    assert user.email == "owner@example.com"
    assert accounts.named("OWNER@example.com ") == accounts.user(user.id) == user
    assert accounts.all() == (user,)
    assert accounts.password(user) == "a hash"
    with pytest.raises(AccountError, match="has an account already"):
        accounts.add("owner@EXAMPLE.com", "", NOW)


def test_somebody_is_left_who_decides_about_all_sites(control: Control, owner: User) -> None:
    """However the last one is to go; nothing has changed then."""
    accounts = Accounts(control)
    with pytest.raises(AccountError, match="somebody has to be left"):
        accounts.remove(owner)
    with pytest.raises(AccountError, match="somebody has to be left"):
        accounts.take(owner, ALL_SITES)
    with pytest.raises(AccountError, match="somebody has to be left"):
        accounts.give(owner, ALL_SITES, Role.EDITOR)
    assert accounts.roles(owner) == {ALL_SITES: Role.OWNER}
    second = admit(control, "second@example.com")
    accounts.remove(owner)
    assert accounts.all() == (second,)


def test_members_of_a_site_are_those_of_all_sites_too(control: Control, owner: User) -> None:
    """By name; what belongs to a removed site is gone with it."""
    site = control.add_site("example.com", "UTC", NOW)
    viewer = admit(control, "a@example.com", Role.VIEWER, site.id)
    admit(control, "b@example.com", Role.EDITOR, site.id + 1)
    accounts = Accounts(control)
    found = [(each.user, each.role, each.on_all_sites) for each in accounts.members(site.id)]
    assert found == [(viewer, Role.VIEWER, False), (owner, Role.OWNER, True)]
    control.remove_site("example.com", NOW)
    control.forget(site.id)
    assert accounts.roles(viewer) == {}


def test_passwords_cost_what_the_standard_recommends() -> None:
    """RFC 9106, section 4, the second option: t=3, p=4, 64 MiB, salt 128 bits, tag 256 bits."""
    kept = Passwords().hash("a password")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (RFC_9106.salt_len, RFC_9106.hash_len) == (16, 32)


def test_a_password_is_checked_just_as_it_is() -> None:
    """In its case, with its blanks; nobody has a password that is not kept."""
    passwords = Passwords(CHEAP)
    kept = passwords.hash(" Straße ")
    assert kept != passwords.hash(" Straße ")
    assert passwords.fits(" Straße ", kept)
    for wrong in ("", "Straße", " straße ", " Strasse "):
        assert not passwords.fits(wrong, kept)
    assert not passwords.fits("x", None)
    assert not passwords.fits("x", "")
    assert not passwords.is_outdated(kept)
    assert Passwords().is_outdated(kept)


def test_those_who_come_when_many_wait_are_sent_away() -> None:
    """Before anything is worked out; when all are through there is room again."""
    passwords = Passwords(CHEAP)
    with contextlib.ExitStack() as stack:
        while passwords._room.acquire(blocking=False):  # noqa: SLF001 - as those who wait do
            stack.callback(passwords._room.release)  # noqa: SLF001
        with pytest.raises(BusyError):
            passwords.hash("a password")
    assert passwords.hash("a password")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("x" * (MIN_CHARACTERS - 1), "at least 8"),
        ("seven77", "at least 8"),
        ("lantern " * 32 + "x", "at most 256"),
        ("password", "tried first"),
        ("PassWord123!", "tried first"),
        ("iloveyou", "tried first"),
        ("aaaaaaaaaaaa", "tried first"),
        ("1234567890", "tried first"),
        ("gatecount1", "name of what it opens"),
        ("somebody99", "name of what it opens"),
        ("somebody@paper.example", "name of what it opens"),
        ("paper.example", "name of what it opens"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str, why: str) -> None:
    """Too short, too long, common, or what one would think of."""
    with pytest.raises(WeakPasswordError, match=why):
        checked(password, "somebody@paper.example")


@pytest.mark.parametrize("password", ["lantern wooden", "kO3%zz9!", "ключ от дома"])
def test_a_password_may_be_made_of_anything(password: str) -> None:
    """No kind of character is asked for, and none is forbidden; it is not changed."""
    assert checked(password, "somebody@paper.example") == password
    assert checked(password.ljust(MAX_CHARACTERS, "~")) == password.ljust(MAX_CHARACTERS, "~")


def test_a_login_ends_after_thirty_days_or_two_weeks_of_rest(control: Control, owner: User) -> None:
    """To the hour that it was last used in; its last moment is out."""
    logins = Logins(control)
    token = logins.open(owner, Way.PASSWORD, NOW)
    assert (LOGIN_LIFETIME.days, LOGIN_IDLE.days) == (30, 14)
    idle = NOW.replace(minute=0, second=0, microsecond=0) + LOGIN_IDLE
    assert logins.find(token, idle) is None
    assert logins.find(token, idle - MOMENT) is not None
    assert logins.find(token, NOW + 20 * DAY) is not None
    assert logins.find(token, NOW + LOGIN_LIFETIME - MOMENT) is not None
    assert logins.find(token, NOW + LOGIN_LIFETIME) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "' OR 1 = 1 --"])
def test_an_unknown_token_is_nothing(control: Control, owner: User, token: str) -> None:
    """Whatever a cookie, an address or a header may hold."""
    logins = Logins(control)
    logins.open(owner, Way.PASSWORD, NOW)
    assert logins.find(token, NOW) is None
    assert not logins.knows_device(owner.email, token, NOW)
    assert Links(control).find(token, NOW) is None
    assert ApiKeys(control).find(token, NOW) is None
    logins.close(token)
    with pytest.raises(LinkGoneError):
        Links(control).accept(token, "", None, NOW)


def test_ones_own_logins_are_listed_and_ended(control: Control, owner: User) -> None:
    """One, or all but one; nobody ends another's."""
    other = admit(control, "other@example.com")
    logins = Logins(control)
    tokens = [logins.open(owner, Way.PASSWORD, NOW + n * HOUR) for n in range(3)]
    assert [each.opened_at for each in logins.of(owner, NOW)] == [NOW + n * HOUR for n in (2, 1, 0)]
    newest, second, _ = logins.of(owner, NOW)
    logins.end(other, second.id)
    assert logins.find(tokens[1], NOW) is not None
    logins.end(owner, second.id)
    assert logins.find(tokens[1], NOW) is None
    logins.end_others(owner, newest.id)
    assert [logins.find(token, NOW) is not None for token in tokens] == [False, False, True]
    logins.end_others(owner)
    assert logins.of(owner, NOW) == ()


def test_a_device_is_known_to_its_account_alone(control: Control, owner: User) -> None:
    """Until all logins are ended, or it was not used for 400 days."""
    logins = Logins(control)
    token = logins.remember_device(owner, NOW)
    assert logins.knows_device("OWNER@example.com", token, NOW + timedelta(days=399))
    assert not logins.knows_device("OWNER@example.com", token, NOW + timedelta(days=400))
    admit(control, "other@example.com")
    assert not logins.knows_device("other@example.com", token, NOW)
    logins.end_others(owner)
    assert not logins.knows_device(owner.email, token, NOW)


def test_of_very_many_logins_those_end_that_rest(control: Control, owner: User) -> None:
    """An account has a hundred, and is known in as many browsers; nobody's else are touched."""
    other = admit(control, "other@example.com")
    logins = Logins(control)
    theirs = logins.open(other, Way.PASSWORD, NOW), logins.remember_device(other, NOW)
    used, rested = (logins.open(owner, Way.PASSWORD, NOW) for _ in range(2))
    first = logins.remember_device(owner, NOW)
    assert logins.find(used, NOW + HOUR)
    for _ in range(MOST_LOGINS - 1):
        logins.open(owner, Way.PASSWORD, NOW + HOUR)
        logins.remember_device(owner, NOW + HOUR)
    found = [logins.find(token, NOW + HOUR) is not None for token in (used, rested, theirs[0])]
    assert found == [True, False, True]
    assert len(logins.of(owner, NOW + HOUR)) == MOST_LOGINS
    assert logins.knows_device(owner.email, first, NOW + HOUR)
    logins.remember_device(owner, NOW + HOUR)
    assert not logins.knows_device(owner.email, first, NOW + HOUR)
    assert logins.knows_device(other.email, theirs[1], NOW + HOUR)


def test_a_set_up_link_makes_an_account_once(control: Control) -> None:
    """A second link ends the first; it is good for a day."""
    links = Links(control)
    first, token = links.set_up(NOW), links.set_up(NOW)
    assert links.find(first, NOW) is None
    assert links.find(token, NOW + timedelta(days=1)) is None
    with pytest.raises(AccountError, match="e-mail address"):
        links.accept(token, "nobody", "a hash", NOW)
    user = links.accept(token, "owner@example.com", "a hash", NOW)
    assert Accounts(control).roles(user) == {ALL_SITES: Role.OWNER}
    with pytest.raises(LinkGoneError):
        links.accept(token, "other@example.com", "a hash", NOW)


def test_an_invitation_gives_a_role_and_never_less(control: Control, owner: User) -> None:
    """To whom it is for, whatever name they type; it is listed until then, and can be withdrawn."""
    site = control.add_site("example.com", "UTC", NOW)
    links, accounts = Links(control), Accounts(control)
    token = links.invite("New@Example.com", site.id, Role.EDITOR, owner.email, NOW)
    (listed,) = links.invitations(site.id, NOW)
    assert (listed.email, listed.role, listed.made_by) == (
        "new@example.com", Role.EDITOR, owner.email,
    )  # fmt: skip
    assert links.invitations(site.id, NOW + timedelta(days=7)) == ()
    links.withdraw(site.id + 1, listed.id)
    user = links.accept(token, "other@example.com", "a hash", NOW)
    assert user.email == "new@example.com"
    assert accounts.roles(user) == {site.id: Role.EDITOR}
    lower = links.invite("new@example.com", site.id, Role.VIEWER, owner.email, NOW)
    links.accept(lower, "", None, NOW)
    assert accounts.roles(user) == {site.id: Role.EDITOR}
    links.invite("third@example.com", site.id, Role.VIEWER, owner.email, NOW)
    links.withdraw(site.id, links.invitations(site.id, NOW)[0].id)
    assert links.invitations(site.id, NOW) == ()


def test_a_new_password_ends_all_logins(control: Control, owner: User) -> None:
    """By a link that only the command line makes."""
    logins, links = Logins(control), Links(control)
    login, device = logins.open(owner, Way.PASSWORD, NOW), logins.remember_device(owner, NOW)
    with pytest.raises(AccountError, match="there is no account"):
        links.reset("nobody@example.com", NOW)
    token = links.reset("Owner@example.com", NOW)
    found = links.find(token, NOW)
    assert found is not None
    assert found.purpose is Purpose.RESET
    assert links.accept(token, "", "another hash", NOW) == owner
    assert Accounts(control).password(owner) == "another hash"
    assert logins.find(login, NOW) is None
    assert not logins.knows_device(owner.email, device, NOW)


def test_a_key_is_shown_once_and_can_be_revoked(control: Control, owner: User) -> None:
    """By its owner; that it is used is noted to the hour."""
    keys = ApiKeys(control)
    key = keys.add(owner, "  nightly   report ", (3, 1), [Verb.READ], NOW)
    assert key.startswith(PREFIX)
    found = keys.find(key, NOW)
    assert found is not None
    assert (found.name, found.sites, found.verbs) == (
        "nightly report", frozenset({1, 3}), frozenset({Verb.READ}),
    )  # fmt: skip
    assert found.used_at is None
    (listed,) = keys.of(owner)
    assert listed.used_at == NOW.replace(minute=0, second=0, microsecond=0)
    other = admit(control, "other@example.com")
    assert keys.revoke(other, listed.id) is None
    assert keys.find(key, NOW) is not None
    assert keys.revoke(owner, listed.id) == listed
    assert keys.find(key, NOW) is None


@pytest.mark.parametrize(("name", "verbs"), [("", Verb), (" ", Verb), ("x" * 101, Verb), ("x", ())])
def test_a_key_has_a_name_and_a_purpose(
    control: Control, owner: User, name: str, verbs: tuple[Verb, ...]
) -> None:
    """One that nobody would know again, or that is good for nothing, is not made."""
    with pytest.raises(AccountError):
        ApiKeys(control).add(owner, name, (), tuple(verbs), NOW)


def test_a_key_for_a_site_that_is_gone_opens_no_other(control: Control, owner: User) -> None:
    """It was for that one; without any it would be for all that its owner has."""
    keys = ApiKeys(control)
    gone, stays = (control.add_site(name, "UTC", NOW).id for name in ("example.com", "example.org"))
    of_one = keys.add(owner, "x", [gone], [Verb.READ], NOW)
    of_both = keys.add(owner, "x", [gone, stays], [Verb.READ], NOW)
    of_all = keys.add(owner, "x", [], [Verb.READ], NOW)
    control.remove_site("example.com", NOW)
    control.forget(gone)
    assert keys.find(of_one, NOW) is None
    found = [keys.find(key, NOW) for key in (of_both, of_all)]
    assert [key and key.sites for key in found] == [{stays}, frozenset()]


def test_with_an_account_all_goes_that_belongs_to_it(control: Control, owner: User) -> None:
    """Its logins, browsers, keys and roles; not what it did."""
    user = admit(control, "leaving@example.com", Role.EDITOR)
    logins, keys, trail = Logins(control), ApiKeys(control), Trail(control)
    login, device = logins.open(user, Way.PASSWORD, NOW), logins.remember_device(user, NOW)
    key = keys.add(user, "x", (1,), [Verb.READ], NOW)
    trail.note(NOW, user.email, Act.ANNOTATED, 1, "a day")
    Accounts(control).remove(user)
    assert logins.find(login, NOW) is None
    assert not logins.knows_device(user.email, device, NOW)
    assert keys.find(key, NOW) is None
    assert [each.user for each in Accounts(control).members(ALL_SITES)] == [owner]
    assert trail.of(1, with_all=False) == (Entry(NOW, user.email, Act.ANNOTATED, 1, "a day"),)


def test_the_audit_log_is_by_site_and_goes_after_400_days(control: Control) -> None:
    """Newest first; what is about all sites is for who decides about all."""
    trail = Trail(control)
    trail.note(NOW - KEPT, "a", Act.ANNOTATED, 1)
    trail.note(NOW, "b", Act.SET_UP, ALL_SITES)
    trail.note(NOW, "c", Act.KEPT_SEGMENT, 1, "x" * 1000)
    assert [(each.who, len(each.about)) for each in trail.of(1, with_all=True)] == [
        ("c", 300), ("b", 0),
    ]  # fmt: skip
    assert [each.who for each in trail.of(1, with_all=False)] == ["c"]
    assert [each.who for each in trail.of(1, with_all=True, offset=1)] == ["b"]


def test_no_secret_is_in_the_file(path: Path, control: Control, owner: User) -> None:
    """Only digests of those that are made here, and a hash of the password."""
    logins, links, keys = Logins(control), Links(control), ApiKeys(control)
    secrets = [
        logins.open(owner, Way.PASSWORD, NOW),
        logins.remember_device(owner, NOW).partition(".")[0],
        links.set_up(NOW),
        links.invite("new@example.com", 1, Role.VIEWER, owner.email, NOW),
        links.reset(owner.email, NOW),
        keys.add(owner, "x", (), [Verb.READ], NOW).removeprefix(PREFIX),
    ]
    assert {len(secret) for secret in secrets} == {43}  # 256 bits
    content = path.read_bytes()
    assert owner.email.encode() in content
    assert not [secret for secret in secrets if secret.encode() in content]
