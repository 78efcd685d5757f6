"""The wire format: what may be posted, under short keys or long ones as in Plausible's API."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec

from collector.scrub import scrub_text

MAX_NAME_CHARACTERS = 120
MAX_URL_CHARACTERS = 2_000
MAX_REFERRER_CHARACTERS = 2_000
MAX_PROPS = 30
MAX_PROP_CHARACTERS = 2_000
_MAX_PROP_NAME_CHARACTERS = 300
_MAX_DOMAIN_CHARACTERS = 253
_MAX_ENGAGED_MS = 24 * 3600 * 1000  # a token lives no longer


class MalformedError(ValueError):
    """The body is not an event; `field` names the part at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class _Revenue(msgspec.Struct):
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    amount: str | int | float


_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URL_CHARACTERS)]
_Domain = Annotated[str, msgspec.Meta(max_length=_MAX_DOMAIN_CHARACTERS)]
_PropName = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_PROP_NAME_CHARACTERS)]
_PropText = Annotated[str, msgspec.Meta(max_length=MAX_PROP_CHARACTERS)]
_Props = Annotated[
    dict[_PropName, _PropText | int | float | bool | None], msgspec.Meta(max_length=MAX_PROPS)
]


class _Body(msgspec.Struct):
    n: _Name | None = None
    name: _Name | None = None
    u: _Url | None = None
    url: _Url | None = None
    d: _Domain | None = None
    domain: _Domain | None = None
    r: str | None = None
    referrer: str | None = None
    p: _Props | None = None
    props: _Props | None = None
    dollar: _Revenue | None = msgspec.field(name="$", default=None)
    revenue: _Revenue | None = None
    i: bool | None = None
    interactive: bool | None = None
    s: str | None = None
    sd: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    e: Annotated[float, msgspec.Meta(ge=0)] | None = None


class Posted(msgspec.Struct, frozen=True):
    """A well-formed event as it was posted, in the units it is kept in."""

    name: str
    url: str
    domain: str
    referrer: str
    screen: str
    interactive: bool
    engaged_s: int
    scroll: int  # tenths of the page
    props: dict[str, str]
    revenue: str  # decimal amount, "" for none
    currency: str  # ISO 4217


_decoder = msgspec.json.Decoder(_Body)


def decode(body: bytes) -> Posted:
    """Read a posted body.

    Raises:
        MalformedError: it is not JSON, a field has the wrong type or is beyond its limit, or the
            name or URL is missing.
    """
    try:
        read = _decoder.decode(body)
    except msgspec.ValidationError as error:
        # "... - at `$.p[...]`", of a key "... - at `key` in `$.p`".
        message, _, path = str(error).partition(" - at `")
        raise MalformedError(_field(path.partition("$.")[2]), message) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedError("body", "this is not JSON") from None
    except RecursionError:  # of a field that nobody reads; msgspec follows it all the same
        raise MalformedError("body", "this is nested too deeply") from None
    name = read.n or read.name or ""
    url = read.u or read.url
    if name != "pageview":
        name = scrub_text(name, MAX_NAME_CHARACTERS)
    if not name:  # or nothing but blanks
        raise MalformedError("n", "the event's name is missing")
    if not url:
        raise MalformedError("u", "the page's URL is missing")
    revenue, currency = _money(read.dollar or read.revenue)
    return Posted(
        name=name,
        url=url,
        domain=read.d or read.domain or "",
        referrer=(read.r or read.referrer or "")[:MAX_REFERRER_CHARACTERS],
        screen=read.s or "",
        interactive=not (read.i is False or read.interactive is False),
        engaged_s=round(min(read.e, _MAX_ENGAGED_MS) / 1000) if read.e else 0,
        scroll=round(read.sd / 10) if read.sd else 0,
        props=_props(read.p or read.props),
        revenue=revenue,
        currency=currency,
    )


def _field(path: str) -> str:
    """Return the top-level field a msgspec path begins with: `p` of `p[...]`."""
    return path.rstrip("`").partition(".")[0].partition("[")[0] or "body"


def _props(posted: dict[str, str | int | float | bool | None] | None) -> dict[str, str]:
    if not posted:
        return {}
    return {
        scrub_text(name, _MAX_PROP_NAME_CHARACTERS): scrub_text(_shown(value), MAX_PROP_CHARACTERS)
        for name, value in posted.items()
        if value is not None
    }


def _shown(value: str | float | bool) -> str:  # noqa: FBT001 - a JSON scalar
    return str(value).lower() if isinstance(value, bool) else str(value)


def _money(revenue: _Revenue | None) -> tuple[str, str]:
    if revenue is None:
        return "", ""
    try:
        amount = Decimal(str(revenue.amount)).quantize(Decimal("0.001"))
    except InvalidOperation:
        raise MalformedError("$", "the amount is no number") from None
    if not amount.is_finite() or abs(amount) >= 10**12:
        raise MalformedError("$", "the amount is beyond what is counted")
    return str(amount), revenue.currency
