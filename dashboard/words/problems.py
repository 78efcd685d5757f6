"""What the collector says to people, in the language of the page at hand."""

import re
from functools import cache

from collector.question import QueryError
from dashboard.words.languages import say, to_say

_SENTENCES = (
    to_say("an account's name is an e-mail address"),
    to_say("this address has an account already"),
    to_say("somebody has to be left who decides about all sites"),
    to_say("choose a password"),
    to_say("give the key a name by which you will know it again"),
    to_say("say what the key is for"),
    to_say("nobody needs so many keys: revoke some"),
    to_say("this passkey is there already"),
    to_say("nobody needs so many passkeys: remove some"),
    to_say("write networks such as 192.0.2.0/24 or 2001:db8::/32"),
    to_say("that is more networks than a list may have"),
    to_say("a password has at least 8 characters"),
    to_say("a password has at most 256 characters"),
    to_say("this password is on the list of those that are tried first"),
    to_say("a password is not the name of what it opens, nor one's own"),
    to_say("write an origin as https://www.example.com"),
    to_say("that is more origins than a site may name"),
    to_say("say for whom the link is, in at most 100 characters"),
    to_say("nobody needs so many links: revoke some"),
)


# What the collector puts into a sentence of its own stands in braces.
_TEMPLATES = (
    to_say("This took longer than {seconds} s."),
    to_say(
        "This took longer than {seconds} s. Ask about a shorter period, or with fewer dimensions"
        " and filters."
    ),
    to_say(
        "This takes more memory than memory_limit allows. Ask about a shorter period, or with"
        " fewer dimensions and filters."
    ),
    to_say("Other questions are being answered. Try again in a moment."),
    to_say("choose filters first"),
    to_say("these are too long"),
    to_say("there are at most {n} of them"),
    to_say("write something"),
    to_say("at most {n} characters"),
    to_say("{pattern} is no pattern RE2 knows"),
    to_say("a value has at most {n} characters"),
    to_say("at most {n} conditions, {depth} levels deep"),
    to_say("at most {n} of them can be left out"),
    to_say("a path has at most {n} characters here"),
    to_say("{text} is no path: write it as in /admin/* or /preview"),
    to_say("{text} is every page: then nothing would be counted"),
    to_say("{text} is everybody: then nothing would be counted"),
    to_say("{text} has bits set behind its mask: did you mean {other}?"),
    to_say("of {text} only the first {n} bits are looked at: write {other}"),
    to_say("{text} is no network: write it as in 203.0.113.7, 203.0.113.0/24 or 2001:db8:1::/48"),
    to_say("{text} is no time zone: did you mean {other}?"),
    to_say("{text} is no time zone: write it as in Europe/Berlin, America/New_York or UTC"),
    to_say("There is no country database: every country is unknown."),
    to_say("The country database {path} is not there: every country is unknown."),
    to_say("The country database {path} is broken or no MMDB file: every country is unknown."),
    to_say("The country database is damaged: some countries are unknown."),
    to_say("The day keys are not in RAM: {path} is not on a tmpfs."),
    to_say(
        "Swap is on and memory cannot be locked, so that a day key may be written to swap: raise"
        " the limit of locked memory (RLIMIT_MEMLOCK)."
    ),
)


def told(error: Exception | str) -> str:
    """Return what an error or a notice says; what nobody translated stays as it is."""
    said = error.message if isinstance(error, QueryError) else str(error)
    for template, pattern in _patterns().items():
        if found := pattern.fullmatch(said):
            return say(template, **found.groupdict())
    return say(said) if said else said


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Return what each template looks like with anything in its braces."""
    return {
        each: re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(each)), re.DOTALL)
        for each in reversed(_TEMPLATES)  # the longer of two that begin alike goes first
    }
