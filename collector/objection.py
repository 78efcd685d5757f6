"""Who objects to being counted: by a cookie of ours, or by a signal of their browser."""

from enum import Enum

OPT_OUT_COOKIE = "gatecount-optout"
# A browser takes a cookie of this name only from the host itself, never from one beside it.
HOST_OPT_OUT_COOKIE = "__Host-gatecount-optout"
# 400 days, the most that browsers grant. Source: RFC 6265bis, section 5.5.
OPT_OUT_LIFETIME_S = 34_560_000

_MARK = OPT_OUT_COOKIE.encode()
_NAMES = frozenset({OPT_OUT_COOKIE.encode(), HOST_OPT_OUT_COOKIE.encode()})


class Objection(Enum):
    """How a browser says that it does not want to be counted."""

    COOKIE = "cookie"
    GPC = "gpc"  # Global Privacy Control: the header `Sec-GPC: 1`
    DNT = "dnt"  # Do Not Track: the header `DNT: 1`


def objection(cookie: bytes, sec_gpc: bytes, dnt: bytes) -> Objection | None:
    """Return how a request objects to being counted, or None.

    The one place that decides, for events and pages alike. A cookie objects by its exact name,
    whatever its value.

    Args:
        cookie: the Cookie header; several ones joined by `b";"`; empty if there is none.
        sec_gpc: the Sec-GPC header; several ones joined by `b","`; empty if there is none.
        dnt: the DNT header, likewise.
    """
    if _MARK in cookie and _is_opted_out(cookie):
        return Objection.COOKIE
    if sec_gpc and _is_on(sec_gpc):
        return Objection.GPC
    if dnt and _is_on(dnt):
        return Objection.DNT
    return None


def _is_on(signal: bytes) -> bool:
    """Tell whether a signal says 1, at least once if it came several times."""
    return b"1" in (line.strip() for line in signal.split(b","))


def _is_opted_out(cookie: bytes) -> bool:
    # Browsers give quotes no meaning and cannot keep a semicolon in a value (RFC 6265, 5.2).
    return any(pair.partition(b"=")[0].strip() in _NAMES for pair in cookie.split(b";"))
