"""What identifiers look like, whatever text they stand in, and `:id` in their place.

By shape: e-mail addresses, long numbers, UUIDs, JWTs, IP and MAC addresses, telephone and card
numbers. By chance: strings whose characters follow one another as in no language.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, pairwise
from socket import AF_INET6, inet_pton
from typing import Final

MARK: Final = ":id"  # stands where an identifier stood
_SPELT_MAX_CHARACTERS = 8_000  # 2,000 in any script; one ligature may spell out as eighteen

# Still encoded, also as HTML or JavaScript do it; or bytes that are no UTF-8, which decoding leaves
# as lone surrogates.
_SPOILT = re.compile(
    r"%[0-9A-Fa-f]{2}|%u[0-9A-Fa-f]{4}|&#(?:\d|[xX][0-9A-Fa-f])|\\[ux][0-9A-Fa-f]{2}|[\ud800-\udfff]"
)
_AT_SIGN = r"(?:[@\uff20\ufe6b]|&commat;?|[(\[{<] ?[aA][tT] ?[)\]}>])"
AT = re.compile(_AT_SIGN)
# What AT and _SPOILT begin with: without one of these no chunk goes as a whole.
WHOLE_HINT = re.compile(r"[%@&\\(\[{<\uff20\ufe6b\ud800-\udfff]")
# "someone" @example.com, someone @ example.com
SPACED_EMAIL = re.compile(rf"[\"']{_AT_SIGN}|\w {_AT_SIGN} ?[\w-]+\.\w|{_AT_SIGN} [\w-]+\.\w")
_HEX = "[0-9A-Fa-f]"
_SHAPE = re.compile(
    r"\d{6,}"  # a long number, in any script's digits
    rf"|{_HEX}{{16,}}"
    rf"|{_HEX}{{8}}(?P<by>[-_.:~ ]){_HEX}{{4}}(?:(?P=by){_HEX}{{4}}){{2}}(?P=by){_HEX}{{12}}"
    rf"|(?:{_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}"  # an IPv6 address in full, whatever follows
    rf"|(?:{_HEX}{{2}}[:-]){{5,}}{_HEX}{{2}}"  # a MAC address, a fingerprint
    r"|eyJ[\w-]{10,}(?:\.[\w-]*)*"  # a JWT, or any JSON object in base64
    r"|\d{1,3}(?:\.\d{1,3}){3,}"  # an IPv4 address, or a version like one
)
_HINT = re.compile(rf"\d|eyJ|{_HEX}{{16}}")
_GROUPS = re.compile(r"\d(?:[ (),.+_-]{0,2}\d){8,}")  # telephone, account and card numbers
_GROUPED_DIGITS = 9
_DATE = re.compile(
    r"(?:19|20)\d\d[-_. ](?:0?[1-9]|1[0-2])[-_. ](?:3[01]|[12]\d|0?[1-9])(?!\d)"
    r"|(?<!\d)(?:3[01]|[12]\d|0?[1-9])[-_. ](?:0?[1-9]|1[0-2])[-_. ](?:19|20)\d\d(?!\d)"
)
_YEARS = re.compile(r"(?:(?:19|20)\d\d[-_. ]+)*(?:19|20)\d\d")
_COLONS = re.compile(rf"(?:{_HEX}|[:.]){{3,}}")
_MANY_COLONS = 2
_DIGIT = re.compile(r"\d")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def masked_chunk(chunk: str) -> str:
    """Return `:id` for a chunk that must go as a whole, else the chunk."""
    return MARK if _SPOILT.search(chunk) or _is_email(chunk) else chunk


def _is_email(chunk: str) -> bool:
    """Tell whether something stands before an at sign; @someone alone is a public handle."""
    someone = _LETTER_OR_DIGIT.search(chunk)
    return someone is not None and AT.search(chunk, someone.end()) is not None


def masked_shapes(text: str) -> str:
    """Return a text with `:id` for every identifier, and for letters and digits glued to it."""
    if _HINT.search(text):
        text = _replaced(text, _shapes(text))
    if _ODD.search(text):
        text = _RUN.sub(_masked_run, text)
    return text


def _shapes(text: str) -> Iterator[tuple[int, int]]:
    for match in _SHAPE.finditer(text):
        yield match.span()
    for match in _GROUPS.finditer(text):
        if _is_number(match[0]):
            yield match.span()
    if text.count(":") >= _MANY_COLONS:
        for match in _COLONS.finditer(text):
            if _is_ipv6(match[0]):
                yield match.span()


def _is_number(groups: str) -> bool:
    if _YEARS.fullmatch(groups):
        return False
    return len(_DIGIT.findall(_DATE.sub("", groups))) >= _GROUPED_DIGITS


def _is_ipv6(run: str) -> bool:
    if run[0] == ":" != run[1]:  # a colon of the sentence's
        run = run[1:]
    if run[-1] == ":" != run[-2]:
        run = run[:-1]
    if run.count(":") < _MANY_COLONS or not _DIGIT.search(run):
        return False
    first, *middle, last = run.split(":")
    # Letters a to f may be glued to either end.
    bare = ":".join((first[-4:], *middle, last if "." in last else last[:4]))
    try:
        inet_pton(AF_INET6, bare.rstrip("."))
    except OSError:
        return False
    return True


def _replaced(text: str, spans: Iterator[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = -1
    for span in sorted(spans):
        start, end = _widened(text, *span)
        if start > done:
            parts += (text[max(done, 0) : start], MARK)
        done = max(done, end)
    return "".join((*parts, text[max(done, 0) :]))


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    while start and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isascii() and text[end].isalnum():
        end += 1
    return start, end


def unveiled(chunk: str) -> str:
    """Return `:id` for a chunk whose plain spelling (no accents, no styles) shows an identifier."""
    if chunk.isascii():
        return chunk
    spelt = unicodedata.normalize("NFKD", chunk)
    if len(spelt) > _SPELT_MAX_CHARACTERS:
        return MARK
    plain = "".join(c for c in spelt if unicodedata.category(c)[0] not in "MC")
    if plain == chunk or (masked_chunk(plain) == plain and masked_shapes(plain) == plain):
        return chunk
    return MARK


# --- what chance looks like ---

# How much likelier than by chance one letter follows another in words: a row for each first letter,
# a column for each second; the binary logarithm, from 2**-6 ("0") to 2**3 ("9"). Counted in the
# message catalogues of Debian's programs, in some forty languages written in Latin letters, without
# accents.
_FOLLOWS = (
    "67885575867989574989775466"  # a
    "73317114731712620643612040"  # b
    "81427118836524820646601044"  # c
    "83359335833535830653633144"  # d
    "76786675757889563998564656"  # e
    "61126523711512710544501030"  # f
    "72238155743535620764623041"  # g
    "81237100723434720536522030"  # h
    "86878674467879864898573547"  # i
    "70027000502214500143510001"  # j
    "82327124735624820666633041"  # k
    "94469453954755840366743052"  # l
    "86238225823454770353621031"  # m
    "94788584856546731379753264"  # n
    "56775564656889673987775335"  # o
    "81338234712623750855611040"  # p
    "20001000200200000001600000"  # q
    "95669464946566852677753155"  # r
    "84738446847655773479743055"  # s
    "93439436934545840876743265"  # t
    "66666453656778461777442335"  # u
    "81218000712304610432410041"  # v
    "61225022500204410331100040"  # w
    "41314001401010240015200210"  # x
    "63545332433455450455323022"  # y
    "73237034613334520233432043"  # z
)
_EVEN = 6
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_JOINTS = "+/=_.~-"
# Evidence in bits that chance, not language, put a character after another.
_DIGIT_BY_LETTER = 4
_CAPITAL_WITHIN = 3
_AFTER_JOINT = 0
_BEFORE_JOINT = -2
# What it takes: for a stretch within a longer run; for 20 characters or more, by themselves or
# joined; for 20 or more letters alone. Random strings of 20 have some 50 bits, words -30, and the
# oddest compounds of German or Danish some 2.
_STRETCH_BITS = 18
_STRETCH_CHARACTERS = 16
_STRETCH_DROP_BITS = 16  # that much evidence against ends a stretch
_STRING_BITS = 0
_LETTERS_BITS = 4

_RUN = re.compile(r"[A-Za-z0-9+/=_.~-]{16,}")
_STRING = re.compile(r"[A-Za-z0-9+_-]{20,}")
_LONG_WORD = re.compile(r"[A-Za-z0-9]{20,}")
# Only these are worth a look: digits next to letters, capitals within, long words.
_ODD = re.compile(r"[a-z][A-Z0-9]|[0-9][A-Za-z]|[A-Z][0-9]|[A-Z]{2}|[A-Za-z]{16}")
# Short words and numbers by themselves speak for nothing: "rtx", "vs", "4090".
_SHORT = re.compile(r"(?<![A-Za-z0-9])(?:[a-z]{2,3}|[A-Z]{2,3})(?![A-Za-z0-9])")
_LEFTOVER_BEFORE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{0,3}[+=_-]+\Z")
_LEFTOVER_AFTER = re.compile(r"=+|[+_-]+[A-Za-z0-9]{0,3}(?![A-Za-z0-9])=*")


def _evidence(first: str, second: str) -> int:
    if first.isalpha() and second.isalpha():
        if first.islower() and second.isupper():
            return _CAPITAL_WITHIN
        place = len(_LETTERS) * _LETTERS.index(first.lower()) + _LETTERS.index(second.lower())
        return _EVEN - int(_FOLLOWS[place])
    if first.isalnum() and second.isalnum():
        return 0 if first.isdigit() and second.isdigit() else _DIGIT_BY_LETTER
    return _AFTER_JOINT if first in _JOINTS else _BEFORE_JOINT


_CHARACTERS = _LETTERS + _LETTERS.upper() + "0123456789" + _JOINTS
_EVIDENCE = {
    (ord(first), ord(second)): _evidence(first, second)
    for first in _CHARACTERS
    for second in _CHARACTERS
}


def _masked_run(match: re.Match[str]) -> str:
    run = match[0]
    if not _ODD.search(run):
        return run
    steps = [_EVIDENCE[pair] for pair in pairwise(run.encode("ascii"))]
    for short in _SHORT.finditer(run):
        for place in range(short.start(), short.end() - 1):
            steps[place] = min(steps[place], 0)
    spans = [_without_leftovers(run, *_widened(run, *span)) for span in _stretches(steps)]
    spans = [
        (start, end)
        for start, end in spans
        if end - start >= _STRETCH_CHARACTERS and not _is_word(run[start:end])
    ]
    sums = list(accumulate(steps, initial=0))
    for pattern in (_LONG_WORD, _STRING):
        if not spans:
            spans = [
                found.span()
                for found in pattern.finditer(run)
                if _is_random(found[0], sums[found.end() - 1] - sums[found.start()])
            ]
    return _replaced(run, iter(spans)) if spans else run


def _is_random(string: str, bits: int) -> bool:
    return bits > (_LETTERS_BITS if _is_word(string) else _STRING_BITS)


def _is_word(string: str) -> bool:
    return string.isalpha() and string[1:].islower()


def _stretches(steps: list[int]) -> Iterator[tuple[int, int]]:
    """Yield where the evidence of `steps`, from character to character, is for chance."""
    total = best = start = end = 0
    for place, step in enumerate(steps, 1):
        total += step
        if total > best:
            best, end = total, place + 1
        elif total <= 0 or total < best - _STRETCH_DROP_BITS:
            if best >= _STRETCH_BITS:
                yield start, end
            total = best = 0
            start = place
    if best >= _STRETCH_BITS:
        yield start, end


def _without_leftovers(run: str, start: int, end: int) -> tuple[int, int]:
    """Return a stretch with the bits that a token's own hyphens cut off it."""
    before = _LEFTOVER_BEFORE.search(run, max(0, start - 8), start)
    after = _LEFTOVER_AFTER.match(run, end)
    return before.start() if before else start, after.end() if after else end
