"""The commands about accounts."""

import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from collector.control import Control
from collector.people.accounts import Accounts, Role
from collector.people.factors import Codes
from collector.people.links import Links, Purpose
from collector.people.logins import Logins
from tests.commands.terminal import Command, told
from tests.people import admit, token_of


def test_people_are_let_back_in_by_the_command_line(tmp_path: Path, gatecount: Command) -> None:
    """With a link to a new password, or one that makes another account; or they are put out."""
    data = ("--data", str(tmp_path / "data"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "GATECOUNT_PUBLIC_URL", "https://example.com/count/ https://stats.example.com/"
        )
        assert "No account yet" in gatecount(*data, "user", "list").stdout
        link = gatecount(*data, "user", "link").stdout
        assert re.match(r"https://stats\.example\.com/links/[\w-]{43}   \(good once: ", link)
    with contextlib.closing(Control.open(tmp_path / "data" / "control.sqlite")) as control:
        admit(control)
        found_user = admit(control, "viewer@example.com", Role.VIEWER)
        listed = gatecount(*data, "user", "list").stdout
        assert re.search(r"owner@example\.com +20\d\d-\d\d-\d\d +owner of all sites", listed)
        link = gatecount(*data, "user", "reset", "Viewer@Example.com").stdout
        assert link.startswith("http://127.0.0.1:8000/links/")
        token = link.split()[0].rpartition("/")[2]
        found = Links(control).find(token, datetime.now(UTC))
        assert found is not None
        assert (found.purpose, found.email) == (Purpose.RESET, "viewer@example.com")
        login = token_of(control, found_user)
        assert gatecount(*data, "user", "logout", "viewer@example.com").exit_code == 0
        assert Logins(control).find(login, datetime.now(UTC)) is None
        codes = Codes(control)
        secret = pyotp.random_base32()
        codes.turn_on(found_user, secret, pyotp.TOTP(secret).now(), datetime.now(UTC))
        gatecount(*data, "user", "reset", "--without-codes", "viewer@example.com")
        assert codes.left(found_user) == 0
        assert gatecount(*data, "user", "remove", "viewer@example.com", "--yes").exit_code == 0
        assert Accounts(control).named("viewer@example.com") is None
    for command in (
        ("reset", "nobody@example.com"),
        ("logout", "nobody@example.com"),
        ("remove", "nobody@example.com", "--yes"),
    ):
        assert "there is no account" in told(gatecount(*data, "user", *command))
    message = told(gatecount(*data, "user", "remove", "owner@example.com", "--yes"))
    assert "somebody has to be left" in message
