"""control.sqlite: the access key, logins."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.access import LOGIN_LIFETIME, AccessKeyConfiguredError
from collector.control import Control

NOW = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
OWN_KEY = "a-key-of-the-operator"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is going to be."""
    return tmp_path / "control.sqlite"


@pytest.fixture
def control(path: Path) -> Iterator[Control]:
    """Open a new file."""
    with contextlib.closing(Control.open(path)) as opened:
        yield opened


@pytest.fixture
def other(path: Path, control: Control) -> Iterator[Control]:
    """Open the same file once more, as another process would."""
    with contextlib.closing(Control.open(path)) as opened:
        yield opened


def test_the_access_key_is_shown_once_ever(path: Path) -> None:
    """Later starts keep it and do not know it."""
    with contextlib.closing(Control.open(path)) as control:
        assert not control.access.check_access_key("")
        key = control.access.ensure_access_key()
        assert key is not None
        assert control.access.ensure_access_key() is None
    with contextlib.closing(Control.open(path)) as control:
        assert control.access.ensure_access_key() is None
        assert control.access.check_access_key(key)
        assert control.access.check_access_key(f" {key}\n")
        assert not control.access.check_access_key(key[:-1])
        assert not control.access.check_access_key(key.upper())
        assert not control.access.check_access_key("\ud800")


def test_keys_are_long_and_free_of_look_alikes(control: Control) -> None:
    """193 bits, and a double click selects the whole of it."""
    keys = [control.access.reset_access_key() for _ in range(20)]
    assert len(set(keys)) == 20
    assert {len(key) for key in keys} == {39}
    assert not set("".join(keys)) & set("0o1il-_ ")


def test_neither_key_nor_login_is_in_the_file(path: Path, control: Control) -> None:
    """Their digests are; a configured key has not even that."""
    key = control.access.ensure_access_key() or ""
    token = control.access.open_login(NOW)
    with contextlib.closing(Control.open(path, OWN_KEY)) as configured:
        own_token = configured.access.open_login(NOW)
        assert configured.access.login_valid(own_token, NOW)
    content = path.read_bytes()
    for secret in (key, token, OWN_KEY, own_token):
        assert secret.encode() not in content


def test_a_configured_key_wins(path: Path) -> None:
    """The stored one rests until the option is gone; then one is made if there is none."""
    with contextlib.closing(Control.open(path, OWN_KEY)) as control:
        assert control.access.ensure_access_key() is None
        assert control.access.check_access_key(OWN_KEY)
        with pytest.raises(AccessKeyConfiguredError, match="option access_key"):
            control.access.reset_access_key()
    with contextlib.closing(Control.open(path)) as control:
        assert not control.access.check_access_key(OWN_KEY)
        key = control.access.ensure_access_key() or ""
        assert control.access.check_access_key(key)
    with contextlib.closing(Control.open(path, OWN_KEY)) as control:
        assert not control.access.check_access_key(key)


def test_a_login_lasts_thirty_days(control: Control, other: Control) -> None:
    """It is open in every process until its last moment, which is out."""
    control.access.ensure_access_key()
    token = control.access.open_login(NOW)
    end = NOW + LOGIN_LIFETIME
    assert end - NOW == timedelta(days=30)
    assert other.access.login_valid(token, end - timedelta(microseconds=1))
    assert not other.access.login_valid(token, end)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "' OR 1 = 1 --"])
def test_an_unknown_token_is_no_login(control: Control, token: str) -> None:
    """Whatever a cookie may hold."""
    assert not control.access.login_valid(token, NOW)
    control.access.close_login(token)
    control.access.ensure_access_key()
    control.access.open_login(NOW)
    assert not control.access.login_valid(token, NOW)
    control.access.close_login(token)


def test_closing_a_login_leaves_the_others(control: Control) -> None:
    """And may be done twice."""
    control.access.ensure_access_key()
    here, there = control.access.open_login(NOW), control.access.open_login(NOW)
    control.access.close_login(here)
    control.access.close_login(here)
    assert not control.access.login_valid(here, NOW)
    assert control.access.login_valid(there, NOW)


def test_a_new_key_ends_all_logins(path: Path, control: Control, other: Control) -> None:
    """Also when the operator configures another."""
    control.access.ensure_access_key()
    before = control.access.open_login(NOW)
    control.access.reset_access_key()
    assert not other.access.login_valid(before, NOW)
    assert _logins(path) == 0
    since = control.access.open_login(NOW)
    assert other.access.login_valid(since, NOW)
    with contextlib.closing(Control.open(path, OWN_KEY)) as configured:
        assert not configured.access.login_valid(since, NOW)


def test_expired_logins_are_swept_when_one_is_opened(path: Path, control: Control) -> None:
    """The table does not grow for ever."""
    control.access.ensure_access_key()
    control.access.open_login(NOW)
    control.access.open_login(NOW + LOGIN_LIFETIME)
    assert _logins(path) == 1


def _logins(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM logins").fetchone()[0])
