"""Passwords: which may be chosen, and Argon2id hashes of them, made by few threads at a time."""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

MIN_CHARACTERS: Final = 8  # OWASP ASVS 5.0, 6.2.1; NIST SP 800-63B
MAX_CHARACTERS: Final = 256  # 6.2.9 asks for 64 at least
# RFC 9106, section 4, the second recommended option: t=3, p=4, m=2^16 KiB, a salt of 128 bits and
# a tag of 256 bits. The first takes 2 GiB a try, more than the machines this is made for have.
Cost = argon2.Parameters
RFC_9106: Final[Cost] = argon2.profiles.RFC_9106_LOW_MEMORY
_WORKERS = 1  # a hash fills up to four lanes and 64 MiB as it is
_WAITING = 4  # who comes then is sent away: threads are shared with the dashboard
_COMMON = Path(__file__).parents[1] / "lists" / "common_passwords.txt"
_AROUND = "0123456789!?.,;:-_+*#$%&@=/ "  # what people put behind a word that is refused
_LEAST_WORD = 4


class WeakPasswordError(ValueError):
    """A password may not be chosen; the message says why."""


class BusyError(Exception):
    """So many passwords are being checked that this one has to come again."""


def checked(password: str, *about: str) -> str:
    """Return a password that may be chosen, just as it is.

    `about` are words that would be guessed first, such as the e-mail address.

    Raises:
        WeakPasswordError: it is too short or too long, is common, or is about its owner.
    """
    if len(password) < MIN_CHARACTERS:
        raise WeakPasswordError("a password has at least 8 characters")
    if len(password) > MAX_CHARACTERS:
        raise WeakPasswordError("a password has at most 256 characters")
    folded = password.casefold()
    core = folded.strip(_AROUND)
    if len(set(folded)) < _LEAST_WORD or _is_common(folded) or _is_common(core):
        raise WeakPasswordError("this password is on the list of those that are tried first")
    told = {"gatecount", *about, *(part for each in about for part in each.casefold().split("@"))}
    if core in told or folded in told:
        raise WeakPasswordError("a password is not the name of what it opens, nor one's own")
    return password


def _is_common(word: str) -> bool:
    # Read when somebody chooses a password, which is seldom: nothing of it stays in memory.
    return bool(word) and f"\n{word}\n" in "\n" + _COMMON.read_text(encoding="utf-8")


class Passwords:
    """Makes and checks hashes; every method may be called from any thread, and blocks.

    Args:
        cost: the parameters of a hash; tests take less than RFC_9106.
    """

    def __init__(self, cost: Cost = RFC_9106) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(cost)
        self._workers = threading.BoundedSemaphore(_WORKERS)
        self._room = threading.BoundedSemaphore(_WORKERS + _WAITING)

    def hash(self, password: str) -> str:
        """Return what is kept of a password, salted at random.

        Raises:
            BusyError: too many wait already.
        """
        with self._turn():
            return self._hasher.hash(password)

    def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether this is the password; without a hash to compare with it takes as long.

        Raises:
            BusyError: too many wait already.
        """
        with self._turn(), contextlib.suppress(VerifyMismatchError, InvalidHashError):
            return self._hasher.verify(kept or self._nobodys, password) and kept is not None
        return False

    def is_outdated(self, kept: str) -> bool:
        """Tell whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise BusyError
        try:
            with self._workers:
                yield
        finally:
            self._room.release()
