"""Slows guessing down without remembering who guesses: by account, by known browser, and in all."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

_MOST_NAMES = 10_000  # of accounts and browsers; whoever was quiet longest is forgotten first


@dataclass
class _Bucket:
    left: float
    at: datetime


class Buckets:
    """Buckets of failures by name. Each starts full; one try comes back every `refill_s` seconds.

    A clock that runs back refills nothing.
    """

    def __init__(self, capacity: int, refill_s: float) -> None:
        self._capacity = capacity
        self._refill_s = refill_s
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, name: str, now: datetime) -> bool:
        """Take one before an attempt is looked at; False when there is none left."""
        with self._lock:
            bucket = self._bucket(name, now)
            if bucket.left < 1:
                return False
            bucket.left -= 1
            return True

    def has_room(self, name: str, now: datetime) -> bool:
        """Tell whether `enter` would say yes."""
        with self._lock:
            return self._bucket(name, now).left >= 1

    def give_back(self, name: str, now: datetime) -> None:
        """Put back what an attempt took that succeeded, or was not looked at."""
        with self._lock:
            bucket = self._bucket(name, now)
            bucket.left = min(self._capacity, bucket.left + 1)

    def _bucket(self, name: str, now: datetime) -> _Bucket:
        key = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        bucket = self._buckets.setdefault(key, _Bucket(self._capacity, now))
        self._buckets.move_to_end(key)
        gone_s = max(0.0, (now - bucket.at).total_seconds())
        bucket.left = min(self._capacity, bucket.left + gone_s / self._refill_s)
        bucket.at = now
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
        self._all = Buckets(capacity=20, refill_s=10)
        self._accounts = Buckets(capacity=10, refill_s=60)
        self._devices = Buckets(capacity=10, refill_s=60)
        # A code is one of a million, and three are good at a time.
        self._codes = Buckets(capacity=5, refill_s=600)

    def is_shut(self, now: datetime) -> bool:
        """Tell whether browsers that nobody was logged in with are sent away unheard."""
        return not self._all.has_room("", now)

    def enter(self, account: str, device: str, now: datetime) -> bool:
        """Take a try; False when it must not be looked at.

        `device` is the token of a browser that the account is known in, "" for any other.
        """
        if device:
            return self._devices.enter(device, now)
        # Of both, also when the account has none left: who goes on all the same shuts the form,
        # and is then sent away for next to nothing.
        return self._all.enter("", now) and self._accounts.enter(account, now)

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
        self._all.give_back("", now)
        self._accounts.give_back(account, now)
