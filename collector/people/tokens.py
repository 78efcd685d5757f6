"""Random secrets that open something, and what is kept of them."""

import hashlib
import secrets
from typing import Final

_BYTES: Final = 32  # 256 bits: twice what OWASP ASVS 5.0 asks of a session token (7.2.3)


def new_token() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


def digest(token: str) -> bytes:
    """Return what is kept of a secret.

    A fast hash will do: 256 random bits cannot be guessed, however fast each guess.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
