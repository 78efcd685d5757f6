"""What somebody with the disk, the backups and true lists of visitors can link, and by what.

    python tests/bench/linkage.py [--visitors 10000] [--days 30]

Made-up visitors come to three sites on many days. The attacker has everything that is ever written,
the configuration, and the true address and user agent of every visitor; the day keys they have
not. Two questions, each answered by the area under the ROC curve (AUC: 0.5 is chance, 1 certainty):

- by token: do two tokens of different days or sites belong to the same visitor?
- by behaviour: do two sealed visitors of different days, as their country, device, hours and pages
  say? No software can help that whoever reads a rare page at a rare hour is recognised by it.
"""

import argparse
import math
import random
import secrets
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from collector.anonymise import network, visitor_token
from collector.journal import Event
from tests.house import House, event, house

SITES = ("example.com", "example.net", "example.org")
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
PAIRS = 20_000  # of each kind: the AUC is then right to 0.004
RARE = 0.02  # of visitors, who read what nobody else does at an hour at which few are awake
HABIT = 0.3  # of the others' views, to pages that they read time and again
_BROWSERS = ("Chrome", "Chrome", "Chrome", "Safari", "Safari", "Firefox", "Edge")
_SYSTEMS = {"Chrome": ("Windows", "Android"), "Safari": ("iOS", "macOS")}
_COUNTRIES = ("DE", "DE", "DE", "FR", "US", "GB", "AT", "CH", "NL", "ES")

Keys = Callable[[str, date], bytes]  # of a site and a date
Hash = Callable[[bytes, str, bytes, str], int]


@dataclass(frozen=True)
class Visitor:
    """One made-up visitor: who they are, and what they are like."""

    number: int
    address: bytes
    user_agent: str
    country: str
    device: str
    browser: str
    os: str
    screen: str
    hour: int
    pages: tuple[str, ...]
    returns: float  # how likely on any day
    is_rare: bool


@dataclass
class Seen:
    """One visitor of one site and day, as the attacker finds it; `number` is the truth."""

    number: int
    site: str
    day: date
    token: int = 0
    features: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def visitors(count: int, chance: random.Random) -> list[Visitor]:
    """Make up visitors; some share an address, and many a user agent, as households do."""
    made = []
    for number in range(count):
        browser = chance.choice(_BROWSERS)
        system = chance.choice(_SYSTEMS.get(browser, ("Windows", "Linux")))
        is_rare = chance.random() < RARE
        household = number - number % 2 if chance.random() < 0.3 else number
        made.append(
            Visitor(
                number=number,
                address=network(f"10.{household >> 16}.{household >> 8 & 255}.{household & 255}"),
                user_agent=f"Mozilla/5.0 ({system}; {number % 7}) {browser}/142.0",
                country=chance.choice(_COUNTRIES),
                device="mobile" if system in {"Android", "iOS"} else "desktop",
                browser=browser,
                os=system,
                screen=chance.choice(("xs", "sm", "md", "lg")),
                hour=chance.choice((2, 3, 4)) if is_rare else int(chance.gauss(15, 4)) % 24,
                pages=tuple(_page(chance, number, is_rare=is_rare) for _ in range(6)),
                returns=min(1.0, chance.expovariate(8)),
                is_rare=is_rare,
            )
        )
    return made


def _page(chance: random.Random, number: int, *, is_rare: bool) -> str:
    if is_rare:
        return f"/archive/{number % 997}-{chance.randrange(3)}"
    return f"/{int(chance.paretovariate(0.9)) % 500}"


def random_keys() -> Keys:
    """Return keys as the program makes them: for each site and day another, and none kept."""
    keys: defaultdict[tuple[str, date], bytes] = defaultdict(lambda: secrets.token_bytes(32))
    return lambda site, day: keys[site, day]


def tokens(
    who: Sequence[Visitor],
    days: int,
    chance: random.Random,
    keys: Keys,
    hashed: Hash = visitor_token,
) -> list[Seen]:
    """Let visitors come to all sites on the days they return; return their tokens."""
    seen = []
    for day, visitor in product(range(days), who):
        if chance.random() < visitor.returns:
            at = (FIRST + timedelta(days=day)).date()
            seen += [
                Seen(
                    visitor.number,
                    site,
                    at,
                    hashed(keys(site, at), site, visitor.address, visitor.user_agent),
                )
                for site in SITES
            ]
    return seen


def auc(same: Sequence[float], different: Sequence[float]) -> float:
    """Return how likely a pair of the same visitor scores above one of different visitors."""
    scores = sorted([(score, 1) for score in same] + [(score, 0) for score in different])
    wins, below, start = 0.0, 0, 0
    while start < len(scores):
        end = start
        while end < len(scores) and scores[end][0] == scores[start][0]:
            end += 1
        equal = sum(is_same for _, is_same in scores[start:end])
        wins += equal * (below + (end - start - equal) / 2)
        below += end - start - equal
        start = end
    return wins / (len(same) * len(different))


def pairs(
    seen: Sequence[Seen], chance: random.Random, *, within_site: bool = False
) -> tuple[list[tuple[Seen, Seen]], list[tuple[Seen, Seen]]]:
    """Return pairs of the same and of different visitors, of different days or sites each."""
    by_visitor: defaultdict[int, list[Seen]] = defaultdict(list)
    for one in seen:
        by_visitor[one.number].append(one)
    returning = [each for each in by_visitor.values() if len({(s.site, s.day) for s in each}) > 1]
    same: list[tuple[Seen, Seen]] = []
    different: list[tuple[Seen, Seen]] = []
    for _ in range(100 * PAIRS):
        if len(same) == len(different) == PAIRS:
            break
        one, other = chance.sample(chance.choice(returning), 2)
        if len(same) < PAIRS and _may_be_paired(one, other, within_site=within_site):
            same.append((one, other))
        one, other = chance.sample(seen, 2)
        differ = one.number != other.number
        if (
            len(different) < PAIRS
            and differ
            and _may_be_paired(one, other, within_site=within_site)
        ):
            different.append((one, other))
    return same, different


def _may_be_paired(one: Seen, other: Seen, *, within_site: bool) -> bool:
    if within_site:
        return one.site == other.site and one.day != other.day
    return (one.site, one.day) != (other.site, other.day)


def guessed(who: Sequence[Visitor], seen: Sequence[Seen]) -> Callable[[Seen], int]:
    """Return whom the attacker takes a token for, trying every key they could think of.

    They have the lists, so that one right key would name everybody: the empty one, zeros, the
    site's name, the date, and hashes of these.
    """
    of: dict[tuple[str, date], dict[int, int]] = {}
    for site, day in {(s.site, s.day) for s in seen}:
        words = (b"", bytes(32), site.encode(), day.isoformat().encode())
        tried = {word.ljust(32, b"\0") for word in words}
        tried |= {blake2b(word, digest_size=32).digest() for word in words}
        of[site, day] = {
            visitor_token(key, site, visitor.address, visitor.user_agent): visitor.number
            for key in tried
            for visitor in who
        }
    return lambda one: of[one.site, one.day].get(one.token, -1)


def by_token(seen: Sequence[Seen], chance: random.Random) -> float:
    """Return how far tokens that are alike tell the same visitor: the best of several measures."""
    same, different = pairs(seen, chance)
    measures: tuple[Callable[[int, int], float], ...] = (
        lambda a, b: a == b,
        lambda a, b: -(a ^ b).bit_count(),
        lambda a, b: -abs(a - b),
        lambda a, b: a >> 48 == b >> 48,
        lambda a, b: a & 0xFFFF == b & 0xFFFF,
    )
    found = [
        auc(
            [measure(a.token, b.token) for a, b in same],
            [measure(a.token, b.token) for a, b in different],
        )
        for measure in measures
    ]
    return max(found, key=lambda area: abs(area - 0.5))


def sealed(who: Sequence[Visitor], days: int, chance: random.Random, here: House) -> Iterator[Seen]:
    """Count one site's visits by the real code, seal each day, and read the archive again.

    The truth is in the path of a page that is taken out of what the attacker sees.
    """
    site = here.site(SITES[0])
    for day in track(range(days), "Sealing"):
        midnight = FIRST + timedelta(days=day)
        coming = [visitor for visitor in who if chance.random() < visitor.returns]
        here.load(*(each for visitor in coming for each in _visit(site, visitor, midnight, chance)))
        here.sealer.seal_due(midnight + timedelta(days=1, hours=1))
        yield from _archived(here, midnight.date())


def _visit(
    site: int, visitor: Visitor, midnight: datetime, chance: random.Random
) -> Iterator[Event]:
    hour = (visitor.hour + chance.choice((-1, 0, 0, 1))) % 24
    at = midnight + timedelta(hours=hour, seconds=chance.randrange(3000))
    token = secrets.randbits(64)
    read = [
        chance.choice(visitor.pages)
        if visitor.is_rare or chance.random() < HABIT
        else _page(chance, visitor.number, is_rare=False)
        for _ in range(3)
    ]
    for page in (f"/truth-{visitor.number}-", *read):
        at += timedelta(seconds=chance.randrange(1, 60))
        yield event(
            site,
            at,
            token,
            path=page,
            country=visitor.country,
            device=visitor.device,
            browser=visitor.browser,
            os=visitor.os,
            screen=visitor.screen,
        )


def _archived(here: House, day: date) -> Iterator[Seen]:
    rows = here.rows(
        "SELECT v.visitor, v.hour, country, device, browser, os, screen,"
        " (SELECT list(DISTINCT path) FROM archive.events e JOIN archive.pages USING (site, page)"
        "  WHERE e.date = v.date AND e.visitor = v.visitor)"
        " FROM archive.visits v JOIN archive.arrivals USING (site, arrival) WHERE v.date = $day",
        day=day,
    )
    for visitor, hour, *words, paths in rows:
        (truth,) = [path for path in paths if path.startswith("/truth-")]
        features = {("hour", str(hour)), *((str(n), word) for n, word in enumerate(words))}
        features |= {("page", path) for path in paths if path != truth}
        number = int(truth.strip("/-").rpartition("-")[2])
        yield Seen(number, SITES[0], day, visitor, frozenset(features))


def likeness(seen: Sequence[Seen]) -> Callable[[Seen, Seen], float]:
    """Return how much two visitors have in common: the rarer, the more it says."""
    known = Counter(feature for one in seen for feature in one.features)
    says = {feature: math.log(len(seen) / times) for feature, times in known.items()}
    return lambda one, other: sum(says[feature] for feature in one.features & other.features)


def recognised(
    seen: Sequence[Seen], chance: random.Random, chosen: Callable[[int], bool], most: int = 400
) -> tuple[int, int]:
    """Return how many who come again are the one most like themselves among all of that day."""
    by_day: defaultdict[date, list[Seen]] = defaultdict(list)
    for one in seen:
        by_day[one.day].append(one)
    alike = likeness(seen)
    tried = right = 0
    for one in chance.sample(seen, len(seen)):
        later = by_day.get(one.day + timedelta(days=7), [])
        if tried == most or not chosen(one.number):
            continue
        if any(other.number == one.number for other in later):
            tried += 1
            right += max(later, key=lambda other: alike(one, other)).number == one.number
    return right, tried


def main() -> None:
    """Run the experiment and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    console = Console(width=100)
    who = visitors(asked.visitors, chance)

    table = Table("by token", "AUC", box=None, pad_edge=False)
    seen = tokens(who, asked.days, chance, random_keys())
    table.add_row("as the program makes them", f"{by_token(seen, chance):.3f}")
    some = seen[:: max(1, len(seen) // 20_000)]
    names = guessed(who, some)
    named = sum(names(one) >= 0 for one in some)
    table.add_row(f"named by a guessed key, of {len(some):,}", f"{named}")
    for name, keys, hashed in FAULTS:
        faulty = tokens(who, asked.days, chance, keys(), hashed)
        table.add_row(f"planted: {name}", f"{by_token(faulty, chance):.3f}")
    console.print(table)

    folder = tempfile.TemporaryDirectory(prefix="gatecount-bench-")
    with folder as path, house(Path(path)) as here:
        read = list(sealed(who, asked.days, chance, here))
    same, different = pairs(read, chance, within_site=True)
    alike = likeness(read)
    areas = {
        "by random number": lambda a, b: -abs(a.token - b.token),
        "by behaviour": alike,
    }
    table = Table("sealed days", "", box=None, pad_edge=False)
    for name, measure in areas.items():
        area = auc([measure(a, b) for a, b in same], [measure(a, b) for a, b in different])
        table.add_row(f"{name}: AUC", f"{area:.3f}")
    rare = {visitor.number for visitor in who if visitor.is_rare}
    for name, chosen in (
        ("who read rare pages at rare hours", rare.__contains__),
        ("all others", lambda number: number not in rare),
    ):
        right, tried = recognised(read, chance, chosen)
        table.add_row(f"recognised after a week, {name}", f"{right} of {tried}")
    console.print(table)


def _constant_key() -> Keys:
    return lambda _site, _day: b"k" * 32


def _never_rotated() -> Keys:
    keys = random_keys()
    return lambda site, _day: keys(site, FIRST.date())


def _without_site(key: bytes, _site: str, address: bytes, user_agent: str) -> int:
    return visitor_token(key, "", address, user_agent)


def _one_key_a_day() -> Keys:
    keys = random_keys()
    return lambda _site, day: keys("", day)


FAULTS: tuple[tuple[str, Callable[[], Keys], Hash], ...] = (
    ("a constant key", _constant_key, _without_site),
    ("a key for ever", _never_rotated, visitor_token),
    ("no site in the hash", _one_key_a_day, _without_site),
)


if __name__ == "__main__":
    main()
