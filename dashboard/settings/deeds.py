"""The audit log in the language of the page: who did what, and what is kept about it."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Final

from collector.people.accounts import Role
from collector.people.trail import Act, Entry
from dashboard.asker import role_name
from dashboard.words.formats import plain_day
from dashboard.words.languages import say, say_n, to_say, to_say_n

# What is kept is English. Of each act, the forms of what is kept that are ours to translate; all
# else is a name, and stays. Roles and numbers of things are translated as well.
_FORMS: Final[Mapping[Act, tuple[str, ...]]] = {
    **dict.fromkeys((Act.INVITED, Act.GAVE_ROLE), (to_say("{name}: {role}"),)),
    Act.JOINED: ("{role}",),
    Act.LIMITED: (to_say("{role}: everywhere"), to_say("{role}: {networks}")),
    Act.ANNOTATED: ("{day}",),
    Act.STRUCK: (to_say("an annotation"), to_say("a segment")),
    Act.CHANGED_SETTING: (
        to_say("numbers are kept for {months}"),
        to_say("kept for {months}, not {months_before}"),
        to_say("left out: {patterns}, {networks_count}"),
        to_say("time zone {zone}, not {zone_before}"),
        to_say("time zone stays {zone}"),
        to_say("embedded by nobody"),
        to_say("embedded by {origins}"),
    ),
    **dict.fromkeys(
        (Act.SHARED, Act.UNSHARED), (to_say("the public page"), to_say("the link {name}"))
    ),
}
# Numbers of things, and the names in braces that stand for them.
_COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "months": to_say_n("{n} month", "{n} months"),
    "months_before": to_say_n("{n} month", "{n} months"),
    "patterns": to_say_n("{n} pattern", "{n} patterns"),
    "networks_count": to_say_n("{n} network", "{n} networks"),
}


def in_words(entry: Entry) -> str:
    """Return a line of the log as a sentence."""
    sentences = {
        Act.SET_UP: say("{who} set up gatecount"),
        Act.INVITED: say("{who} invited {about}"),
        Act.WITHDREW: say("{who} withdrew the invitation of {about}"),
        Act.JOINED: say("{who} joined as {about}"),
        Act.GAVE_ROLE: say("{who} gave a role to {about}"),
        Act.TOOK_ROLE: say("{who} took away the role of {about}"),
        Act.LIMITED: say("{who} said from where to come in, as {about}"),
        Act.MADE_KEY: say("{who} made the API key {about}"),
        Act.REVOKED_KEY: say("{who} revoked the API key {about}"),
        Act.CHANGED_PASSWORD: say("{who} changed their password"),
        Act.TURNED_CODES_ON: say("{who} turned codes on"),
        Act.TURNED_CODES_OFF: say("{who} turned codes off"),
        Act.ADDED_PASSKEY: say("{who} added the passkey {about}"),
        Act.REMOVED_PASSKEY: say("{who} removed the passkey {about}"),
        Act.MADE_RESET: say("{who} made a link to a new password for {about}"),
        Act.REMOVED_ACCOUNT: say("{who} removed the account {about}"),
        Act.ANNOTATED: say("{who} annotated {about}"),
        Act.STRUCK: say("{who} deleted {about}"),
        Act.KEPT_SEGMENT: say("{who} kept the segment {about}"),
        Act.EXPORTED: say("{who} exported {about}"),
        Act.CHANGED_SETTING: say("{who} changed a setting: {about}"),
        Act.SHARED: say("{who} shared {about}"),
        Act.UNSHARED: say("{who} stopped sharing {about}"),
    }
    who = entry.who or say("The operator")
    return sentences[entry.act].format(who=who, about=_about(entry))


def _about(entry: Entry) -> str:
    """Return what is kept about a deed, as far as it is ours to say in another language."""
    for form in _FORMS.get(entry.act, ()):
        if found := _pattern(form).fullmatch(entry.about):
            return say(
                form, **{name: _value(name, text) for name, text in found.groupdict().items()}
            )
    return entry.about


def _value(name: str, text: str) -> str:
    if name == "role":
        return role_name(Role(text))
    if name == "day":
        return plain_day(date.fromisoformat(text))
    if name in _COUNTED:
        number, *_ = text.split()
        return say_n(*_COUNTED[name], int(number))
    return text


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", _group, re.escape(form)), re.DOTALL)


def _group(found: re.Match[str]) -> str:
    """Return what may stand where a form has a name in braces."""
    name = found[1]
    kinds = {"role": "|".join(Role), "day": r"\d{4}-\d\d-\d\d"}
    counted = dict.fromkeys(_COUNTED, r"\d+(?: [a-z]+)?")
    return f"(?P<{name}>{(kinds | counted).get(name, '.+')})"
