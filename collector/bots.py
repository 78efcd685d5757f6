"""Who does not count: robots, by their user agent, and sites that fake referrers.

The lists are two packages' (crawler-user-agents, ua-parser) and lists/bots.txt, lists/spam.txt.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from collector import agents

_LISTS = Path(__file__).with_name("lists")
# Verdicts by user agent, at most 512 bytes each: 6 MB if someone fills them with the longest.
_CACHE_ENTRIES = 8192
# The longest user agents of in-app browsers have some 350 characters, the shortest of any 60.
_MIN_CHARACTERS = 32
_MAX_CHARACTERS = 512
# Every browser that runs the script calls itself one of these and names its platform in brackets.
_FAMILIES = ("Mozilla/", "Opera/", "UCWEB/")

_Judge = Callable[[str], bool]
_verdicts: dict[str, bool] = {}


class _Patterns(NamedTuple):
    own: tuple[str, ...]
    disbelieved: frozenset[str]


def warm() -> None:
    """Load all lists now rather than at the first event."""
    is_bot("Mozilla/5.0 (X11; Linux x86_64; rv:0.0) Gecko/20100101")
    _spam()


def is_bot(user_agent: str) -> bool:
    """Tell whether a user agent is not a person's browser; empty, odd and over-long ones are not.

    Takes time linear in the length: the patterns run in an engine without backtracking.
    """
    verdict = _verdicts.get(user_agent)
    if verdict is not None:
        return verdict
    if not _MIN_CHARACTERS <= len(user_agent) <= _MAX_CHARACTERS:
        return True
    if len(_verdicts) >= _CACHE_ENTRIES:
        for old in list(islice(_verdicts, _CACHE_ENTRIES // 2)):
            _verdicts.pop(old, None)
    verdict = _verdicts[user_agent] = _judge(user_agent)
    return verdict


def forget() -> None:
    """Drop the remembered user agents."""
    _verdicts.clear()


def is_referrer_spam(host: str) -> bool:
    """Tell whether a referrer's host, or a domain it lies under, is known to fake referrers."""
    spam = _spam()
    while host:
        if host in spam:
            return True
        host = host.partition(".")[2]
    return False


def _judge(user_agent: str) -> bool:
    if not user_agent.startswith(_FAMILIES) or "(" not in user_agent:
        return True
    readable = user_agent.encode("utf-8", "replace").decode()  # the engines refuse surrogates
    return any(judge(readable) for judge in _judges())


@lru_cache(maxsize=1)
def _judges() -> tuple[_Judge, ...]:
    # Together 60 ms at import and 70 ms when built: commands that take no events never pay it.
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415
    from ua_parser_rs import UserAgentExtractor  # noqa: PLC0415

    patterns = _patterns()
    known = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA]
    believed = [pattern for pattern in known if pattern not in patterns.disbelieved]
    # Made for browser families, the extractor is a set of expressions searched in one pass. The
    # package keeps its list free of look-around for Go's engine, so this one takes it too; as one
    # expression it needs half the memory. Ours stay apart: their word boundaries make the engine
    # slow on letters that are not ASCII, each by itself only where it may match.
    expressions = [f"(?i){pattern}" for pattern in patterns.own]
    expressions.append("|".join(f"(?:{pattern})" for pattern in believed))
    robots = UserAgentExtractor((each, "robot", *(None,) * 4) for each in expressions)

    def is_listed(user_agent: str) -> bool:
        return robots.extract(user_agent) is not None

    def is_spider(user_agent: str) -> bool:
        # The rule of user_agents.parse(...).is_bot, without its parser: that takes up to 4 ms.
        device = agents.parser().parse_device(user_agent)
        return device is not None and device.family == "Spider"

    return is_listed, is_spider


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    lines = _lines("bots.txt")
    return _Patterns(
        tuple(line for line in lines if not line.startswith("! ")),
        frozenset(line[2:] for line in lines if line.startswith("! ")),
    )


@lru_cache(maxsize=1)
def _spam() -> frozenset[str]:
    return frozenset(_lines("spam.txt"))


def _lines(name: str) -> list[str]:
    lines = (_LISTS / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
