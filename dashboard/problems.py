"""What the collector says about accounts and links, in the language of the page at hand."""

from dashboard.languages import say, to_say

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


def told(error: Exception) -> str:
    """Return what an error says; tests know of each whether it is translated."""
    return say(str(error))
