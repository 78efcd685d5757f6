"""Checks passwords and codes for the forms that take them, slowed down as the throttle says."""

from datetime import datetime

from collector.people.accounts import Accounts, User
from collector.people.factors import Codes
from collector.people.logins import Logins, Way
from collector.people.passwords import BusyError, Passwords, checked
from dashboard.parts import Parts
from dashboard.throttle import Buckets


class TooManyError(Exception):
    """There were so many tries that this one is not looked at."""


class Checking:
    """The one place where passwords and codes are compared. What blocks says so."""

    def __init__(self, parts: Parts) -> None:
        self._accounts = Accounts(parts.control)
        self._logins = Logins(parts.control)
        self._codes = Codes(parts.control)
        self._passwords = Passwords(parts.password_cost)
        self._throttle = parts.throttle
        self._others = Buckets(capacity=10, refill_s=60)

    def holder(self, email: str, password: str, device: str, now: datetime) -> User | None:
        """Return whose password this is. Blocking.

        Whether there is such an account takes no other time.

        Raises:
            TooManyError: it must not be looked at.
        """
        is_known = bool(device) and self._logins.knows_device(email, device, now)
        known = device if is_known else ""
        if not self._throttle.enter(email, known, now):
            raise TooManyError
        user = self._accounts.named(email)
        if not self._fits(password, user):
            return None
        self._throttle.succeeded(email, known, now)
        return user

    def confirms(self, user: User, password: str, now: datetime) -> bool:
        """Tell whether who is logged in knows the password. Blocking.

        Raises:
            TooManyError: it must not be looked at.
        """
        browser = f"account {user.id}"
        if not self._throttle.enter(user.email, browser, now):
            raise TooManyError
        if not self._fits(password, user):
            return False
        self._throttle.succeeded(user.email, browser, now)
        return True

    def takes(self, user: User, code: str, now: datetime) -> Way | None:
        """Use up a code of an authenticator or a recovery code. Blocking.

        Raises:
            TooManyError: it must not be looked at.
        """
        if self._codes.take_recovery(user, code):  # too long to be guessed
            return Way.RECOVERY
        if not self._throttle.enter_code(user.email, now):
            raise TooManyError
        if not self._codes.take(user, code, now):
            return None
        self._throttle.code_succeeded(user.email, now)
        return Way.CODE

    def hash_of(self, password: str, email: str) -> str:
        """Return what is kept of a password that somebody chooses. Blocking.

        Raises:
            WeakPasswordError: it may not be chosen.
            TooManyError: too many wait already.
        """
        chosen = checked(password, email)
        try:
            return self._passwords.hash(chosen)
        except BusyError:
            raise TooManyError from None

    def opens(self, name: str, kept: str, password: str, now: datetime) -> bool:
        """Tell whether this is the password of something that no account has. Blocking.

        Its tries are counted by themselves, so that who guesses here shuts no door elsewhere.

        Raises:
            TooManyError: it must not be looked at.
        """
        if not self._others.enter(name, now):
            raise TooManyError
        try:
            fits = self._passwords.fits(password, kept)
        except BusyError:
            raise TooManyError from None
        if fits:
            self._others.give_back(name, now)
        return fits

    def _fits(self, password: str, user: User | None) -> bool:
        kept = None if user is None else self._accounts.password(user)
        try:
            if not self._passwords.fits(password, kept):
                return False
            if user is not None and kept is not None and self._passwords.is_outdated(kept):
                self._accounts.set_password(user, self._passwords.hash(password))
        except BusyError:
            raise TooManyError from None
        return True
