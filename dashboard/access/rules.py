"""The one table of who may do what: each route of the dashboard with the least that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collector.people.accounts import Role
from collector.people.api_keys import Verb


class Open(StrEnum):
    """Who is let in without a role on the site that the address names, or where it names none."""

    ANYONE = "anyone"
    MEMBER = "member"  # has an account, or a key


class Refusing(StrEnum):
    """How a route says no."""

    PAGE = "page"
    JSON = "json"  # to programs alone: a login is nothing here
    SILENT = "silent"  # 204, with which a browser stops asking; source: HTML, 9.2


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route takes.

    Args:
        least: the role on the site of the address, or who is let in at all.
        verb: what a program's key must be for; None where programs are not let in.
        from_anywhere: a form may come from another site, since it needs no login to be believed.
        refusing: how it says no.
        on_all_sites: the role has to be one on all sites, since the address names none.
    """

    least: Role | Open
    verb: Verb | None = None
    refusing: Refusing = Refusing.PAGE
    from_anywhere: bool = False
    on_all_sites: bool = False


_ANYONE = Rule(Open.ANYONE)
_MEMBER = Rule(Open.MEMBER)
_READS = Rule(Role.VIEWER, Verb.READ)
_WRITES = Rule(Role.EDITOR, Verb.WRITE)
_DECIDES = Rule(Role.OWNER)
_DECIDES_ALL = Rule(Role.OWNER, on_all_sites=True)
_ASKS = Rule(Open.MEMBER, Verb.READ, Refusing.JSON)  # the site stands in the question

# A route without a row cannot be made; tests try each row with each role.
RULES: Final[Mapping[str, Rule]] = {
    "GET /": _MEMBER,
    "GET /sites/{domain}": _READS,
    "GET /sites/{domain}/by/{field:path}": _READS,
    "GET /sites/{domain}/now": _READS,
    "GET /sites/{domain}/now/events": Rule(Role.VIEWER, Verb.READ, Refusing.SILENT),
    "GET /sites/{domain}/settings": Rule(Role.EDITOR),
    "POST /sites/{domain}/notes": _WRITES,
    "POST /sites/{domain}/segments": Rule(Role.VIEWER),
    "POST /sites/{domain}/counting": Rule(Role.OWNER),
    "GET /sites/{domain}/people": _DECIDES,
    "POST /sites/{domain}/people": _DECIDES,
    "GET /sites/{domain}/log": _DECIDES,
    "GET /people": _DECIDES_ALL,
    "POST /people": _DECIDES_ALL,
    "GET /log": _DECIDES_ALL,
    "GET /account": _MEMBER,
    "POST /account": _MEMBER,
    "GET /account/keys": _MEMBER,
    "POST /account/keys": _MEMBER,
    "POST /account/passkeys/options": _MEMBER,
    "POST /account/passkeys": _MEMBER,
    "GET /login": _ANYONE,
    "POST /login": _ANYONE,
    "POST /login/code": _ANYONE,
    "POST /login/passkey/options": _ANYONE,
    "POST /login/passkey": _ANYONE,
    "POST /logout": _ANYONE,
    "GET /links/{token}": _ANYONE,
    "POST /links/{token}": _ANYONE,
    "GET /sites/{domain}/sharing": _DECIDES,
    "POST /sites/{domain}/sharing": _DECIDES,
    "GET /public/{domain}": _ANYONE,  # if an owner has switched it on
    "GET /shared/{token}": _ANYONE,
    "POST /shared/{token}": _ANYONE,  # the password of a link, and nothing else
    "GET /sites/{domain}/mails": Rule(Role.VIEWER),  # one's own, so for people alone
    "POST /sites/{domain}/mails": Rule(Role.VIEWER),
    "GET /unsubscribe/{token}": _ANYONE,
    "POST /unsubscribe/{token}": Rule(Open.ANYONE, from_anywhere=True),  # mail programs: RFC 8058
    "POST /theme": _ANYONE,
    "POST /language": _ANYONE,
    "POST /api/v2/query": _ASKS,
    "GET /api/v1/stats/realtime/visitors": _ASKS,
    "GET /assets/{file}": _ANYONE,
}
