"""Slows guessing down without remembering who guesses: by account, by known browser, and in all."""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime

_MOST_NAMES = 10_000  # of accounts and browsers; whoever was quiet longest is forgotten first


class Bucket:
    """A bucket of failures: it starts full, and one try comes back every `refill_s` seconds.

    A clock that runs back refills nothing.
    """

    def __init__(self, capacity: int, refill_s: float) -> None:
        self._capacity = capacity
        self._refill_s = refill_s
        self._left = float(capacity)
        self._at: datetime | None = None
        self._lock = threading.Lock()

    def enter(self, now: datetime) -> bool:
        """Take one before an attempt is looked at; False when there is none left."""
        with self._lock:
            self._refill(now)
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def has_room(self, now: datetime) -> bool:
        """Tell whether `enter` would say yes."""
        with self._lock:
            self._refill(now)
            return self._left >= 1

    def give_back(self, now: datetime) -> None:
        """Put back what an attempt took that succeeded, or was not looked at."""
        with self._lock:
            self._refill(now)
            self._left = min(self._capacity, self._left + 1)

    def _refill(self, now: datetime) -> None:
        if self._at is not None:
            gone_s = max(0.0, (now - self._at).total_seconds())
            self._left = min(self._capacity, self._left + gone_s / self._refill_s)
        self._at = now


class Buckets:
    """A bucket for each name."""

    def __init__(self, capacity: int, refill_s: float) -> None:
        self._capacity = capacity
        self._refill_s = refill_s
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, name: str, now: datetime) -> bool:
        """Take one from a bucket before an attempt is looked at; False when there is none left."""
        return self._bucket(name).enter(now)

    def has_room(self, name: str, now: datetime) -> bool:
        """Tell whether `enter` would say yes."""
        return self._bucket(name).has_room(now)

    def give_back(self, name: str, now: datetime) -> None:
        """Put back what an attempt took that succeeded, or was not looked at."""
        self._bucket(name).give_back(now)

    def _bucket(self, name: str) -> Bucket:
        key = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            bucket = self._buckets.setdefault(key, Bucket(self._capacity, self._refill_s))
            self._buckets.move_to_end(key)
            while len(self._buckets) > _MOST_NAMES:
                self._buckets.popitem(last=False)
            return bucket


class Throttle:
    """Decides whether a password or a code is looked at.

    Browsers in which the account was logged in to before have a bucket of their own, so that
    who guesses elsewhere locks nobody out of theirs; all others share one in all and have one for
    each account. Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
    """

    def __init__(self) -> None:
        self._all = Bucket(capacity=20, refill_s=10)
        self._accounts = Buckets(capacity=10, refill_s=60)
        self._devices = Buckets(capacity=10, refill_s=60)
        # A code is one of a million, and three are good at a time.
        self._codes = Buckets(capacity=5, refill_s=600)

    def is_shut(self, now: datetime) -> bool:
        """Tell whether browsers that nobody was logged in with are sent away unheard."""
        return not self._all.has_room(now)

    def enter(self, account: str, device: str, now: datetime) -> bool:
        """Take a try; False when it must not be looked at.

        `device` is the token of a browser that the account is known in, "" for any other.
        """
        if device:
            return self._devices.enter(device, now)
        # Of both, also when the account has none left: who goes on all the same shuts the form,
        # and is then sent away for next to nothing.
        return self._all.enter(now) and self._accounts.enter(account, now)

    def enter_code(self, account: str, now: datetime) -> bool:
        """Take a try of a code; False when it must not be looked at."""
        return self._codes.enter(account, now)

    def code_succeeded(self, account: str, now: datetime) -> None:
        """Put back what a try of a code took."""
        self._codes.give_back(account, now)

    def succeeded(self, account: str, device: str, now: datetime) -> None:
        """Put back what a try took."""
        if device:
            self._devices.give_back(device, now)
            return
        self._all.give_back(now)
        self._accounts.give_back(account, now)
