"""Short-lived words of ours that come back with the next request, and are good once.

Nothing is written down for those who only ask: a word carries what it says and till when, under a
key that this process has made for itself, and only those that were used are remembered so long.
"""

import base64
import hmac
import secrets
import threading
from datetime import datetime, timedelta

_KEY_BYTES = 32
_NONCE_BYTES = 16
_MAC_BYTES = 32


class Seals:
    """Words for one purpose; every method may be called from any thread."""

    def __init__(self, lifetime: timedelta) -> None:
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._lifetime = lifetime
        self._used: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def make(self, about: int, now: datetime) -> bytes:
        """Return a word about an account, or about nobody (0)."""
        ends_at = now + self._lifetime
        said = about.to_bytes(8, "big") + int(ends_at.timestamp()).to_bytes(8, "big")
        said += secrets.token_bytes(_NONCE_BYTES)
        return said + self._mac(said)

    def read(self, word: bytes, now: datetime) -> int | None:
        """Return what a word is about while it is good; it stays so."""
        said, mac = word[:-_MAC_BYTES], word[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said)):
            return None
        ends_at_s = int.from_bytes(said[8:16], "big")
        with self._lock:
            if now.timestamp() >= ends_at_s or said in self._used:
                return None
        return int.from_bytes(said[:8], "big")

    def use(self, word: bytes, now: datetime) -> int | None:
        """Return what a word is about, and take it no more."""
        about = self.read(word, now)
        if about is None:
            return None
        said = word[:-_MAC_BYTES]
        with self._lock:
            if said in self._used:
                return None
            now_s = now.timestamp()
            self._used = {each: end for each, end in self._used.items() if end > now_s}
            self._used[said] = int.from_bytes(said[8:16], "big")
        return about

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")


def written(word: bytes) -> str:
    """Return a word as a form or an address can hold it."""
    return base64.urlsafe_b64encode(word).decode().rstrip("=")


def unwritten(text: str) -> bytes:
    """Return what `written` was given; nothing when it was something else."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
