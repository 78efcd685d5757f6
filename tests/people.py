"""People for tests: an account that owns all sites, and a key for its programs."""

from datetime import UTC, datetime

from argon2 import Parameters, Type

from collector.control_file import ControlFile
from collector.people.accounts import ALL_SITES, Accounts, Role, User
from collector.people.api_keys import ApiKeys, Verb
from collector.people.logins import Logins, Way
from collector.people.passwords import Passwords

EMAIL = "owner@example.com"
PASSWORD = "wooden-lantern-over-harbour"  # noqa: S105 - of an account that only tests have
# Next to nothing, so that tests need not wait. A hash carries its parameters, so `serve` takes it.
CHEAP = Parameters(Type.ID, 19, 16, 16, time_cost=1, memory_cost=8, parallelism=1)
_passwords = Passwords(CHEAP)


def admit(
    control: ControlFile,
    email: str = EMAIL,
    role: Role = Role.OWNER,
    site: int = ALL_SITES,
    password: str = PASSWORD,
) -> User:
    """Return the account of an address with a role on a site, made as needed."""
    accounts = Accounts(control)
    now = datetime.now(UTC)
    user = accounts.named(email) or accounts.add(email, _passwords.hash(password), now)
    accounts.give(user, site, role)
    return user


def key_of(control: ControlFile, email: str = EMAIL, *sites: int) -> str:
    """Return a new key that may do everything, of an account that is made as needed."""
    user = Accounts(control).named(email) or admit(control, email)
    return ApiKeys(control).add(user, "a program", sites, tuple(Verb), datetime.now(UTC))


def token_of(control: ControlFile, user: User, now: datetime | None = None) -> str:
    """Return the token of a new login, for the cookie `gatecount-login`."""
    return Logins(control).open(user, Way.PASSWORD, now or datetime.now(UTC))
