"""What must hold of objections for all cookies, browsers and orders of events."""

import asyncio
from dataclasses import dataclass, field

import httpx
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount as Prefix

from collector.objection import Objection, objection
from collector.visitors import routes
from tests.chance import examples
from tests.visiting import parts

NAMES = ("gatecount-optout", "__Host-gatecount-optout")
_NEAR = [
    *NAMES,
    *(f"x{name}" for name in NAMES),
    *(f"{name}2" for name in NAMES),
    *(name.upper() for name in NAMES),
    "gatecount",
    "optout",
]
# RFC 6265, section 4.1.1: what a name may have. Values here are wider, as browsers' are.
_NAME_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_names = st.sampled_from(_NEAR) | st.text(_NAME_CHARACTERS, min_size=1, max_size=20)
_values = st.sampled_from(_NEAR) | st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters=";\x7f"), max_size=20
)


@examples(300)
@given(st.lists(st.tuples(_names, _values), max_size=8), st.sampled_from(["; ", ";", " ;  "]))
def test_a_jar_objects_exactly_when_it_holds_one_of_the_names(
    jar: list[tuple[str, str]], separator: str
) -> None:
    """Whatever else it holds, and whatever the values are."""
    header = separator.join(f"{name}={value}" for name, value in jar).encode("latin-1")
    expected = Objection.COOKIE if {name for name, _ in jar} & set(NAMES) else None
    assert objection(header, b"", b"") is expected


@examples(300)
@given(
    st.lists(
        st.sampled_from(
            [*(name.encode() for name in NAMES), b";", b"=", b" ", b'"', b"\xff", b"\0"]
        )
        | st.binary(max_size=3)
    ).map(b"".join),
    st.binary(max_size=3),
    st.binary(max_size=3),
)
def test_no_header_is_too_odd_to_be_judged(cookie: bytes, sec_gpc: bytes, dnt: bytes) -> None:
    """A request never fails for it, and a signal counts whatever the cookies are."""
    assert objection(cookie, sec_gpc, dnt) in {None, *Objection}
    assert objection(cookie, b"1", dnt) in {Objection.COOKIE, Objection.GPC}
    assert objection(cookie, b"", b"1") in {Objection.COOKIE, Objection.DNT}


@dataclass
class _Browser:
    """A browser's cookies by RFC 6265bis, as far as ours go: name, domain, or host alone."""

    app: Starlette
    jar: set[tuple[str, str, bool]] = field(default_factory=set)

    def cookies(self, host: str) -> str:
        return "; ".join(
            sorted(
                f"{name}=1"
                for name, domain, is_shared in self.jar
                if host == domain or (is_shared and host.endswith(f".{domain}"))
            )
        )

    def objects(self, host: str) -> bool:
        return objection(self.cookies(host).encode(), b"", b"") is not None

    def post(self, address: str) -> str:
        """Post like a form and take the cookies; return where the answer leads."""
        url = httpx.URL(address)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
                return await client.post(url, headers={"Cookie": self.cookies(url.host)})

        answer = asyncio.run(send())
        for line in answer.headers.get_list("set-cookie"):
            self._take(line, url.host)
        return str(url.join(answer.headers["location"]))

    def _take(self, line: str, host: str) -> None:
        pair, *rest = line.split("; ")
        name = pair.partition("=")[0]
        attributes = dict(part.partition("=")[::2] for part in rest)
        domain = attributes.get("Domain")
        assert domain is None or host == domain or host.endswith(f".{domain}")
        assert not (name.startswith("__Host-") and (domain or attributes["Path"] != "/"))
        assert "Secure" in attributes
        entry = (name, domain or host, domain is not None)
        if attributes["Max-Age"] == "0":
            self.jar.discard(entry)
        else:
            self.jar.add(entry)


PLACES = (
    "https://stats.example.com/",
    "https://www.example.com/count/",
    "https://example.com/count/",
    "https://stats.example.org/",
    "https://localhost/",
)
# A page beside, or at, each place, whose visitors it counts.
SITES = ("www.example.com", "www.example.com", "example.com", "example.org", "localhost")


def _app() -> Starlette:
    visitors = routes(parts(*PLACES))
    return Starlette(routes=[*visitors, Prefix("/count", routes=visitors)])


_place = st.integers(0, len(PLACES) - 1)
_left_behind = st.sets(
    st.sampled_from(
        [
            ("gatecount-optout", "example.com", True),
            ("gatecount-optout", "example.com", False),
            ("gatecount-optout", "stats.example.com", False),
            ("__Host-gatecount-optout", "www.example.com", False),
            ("__Host-gatecount-optout", "stats.example.org", False),
        ]
    )
)


@examples(60)
@given(
    _left_behind,
    st.lists(st.tuples(st.sampled_from(["out", "in"]), _place), min_size=1, max_size=6),
)
def test_the_last_choice_holds_whatever_was_before(
    left_behind: set[tuple[str, str, bool]], choices: list[tuple[str, int]]
) -> None:
    """Opting out is seen by collector and site, opting in by the collector; twice is once."""
    browser = _Browser(_app(), set(left_behind))
    for choice, place in choices:
        address = f"{PLACES[place]}opt-{choice}"
        assert browser.post(address) == f"{PLACES[place]}opt-out?set={choice}"
        after = set(browser.jar)
        assert browser.objects(httpx.URL(address).host) is (choice == "out")
        if choice == "out":
            assert browser.objects(SITES[place])
        browser.post(address)
        assert browser.jar == after
