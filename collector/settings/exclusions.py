"""What the operator of a site leaves out of its numbers: pages, and networks of their own."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.anonymise import Network, NetworkError, own_network
from collector.control import Control

MOST_OF_A_SITE: Final = 100  # patterns, and networks: what people write by hand
PATTERN_MAX_CHARACTERS: Final = 500


class ExclusionError(ValueError):
    """A pattern or a network cannot be left out; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left out of a site's numbers, as its operator wrote it.

    Args:
        patterns: of paths, as the dashboard shows them; `*` stands for any text.
    """

    patterns: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.patterns or self.networks)


class Exclusion:
    """The exclusions of a site, made ready to be asked about every event."""

    def __init__(self, exclusions: Exclusions) -> None:
        self._paths = re.compile("|".join(map(_expression, exclusions.patterns)), re.DOTALL)
        self._has_paths = bool(exclusions.patterns)
        # By how many bytes a network has and how many of its bits are dropped: one look for each.
        self._networks: dict[tuple[int, int], set[int]] = defaultdict(set)
        for first, bits in exclusions.networks:
            shift = 8 * len(first) - bits
            self._networks[len(first), shift].add(int.from_bytes(first, "big") >> shift)

    def has_path(self, path: str) -> bool:
        """Tell whether a path, as it is counted, is left out."""
        return self._has_paths and self._paths.fullmatch(path) is not None

    def has_network(self, network: bytes) -> bool:
        """Tell whether a visitor's network is left out."""
        number = int.from_bytes(network, "big")
        for (size, shift), prefixes in self._networks.items():
            if size == len(network) and number >> shift in prefixes:
                return True
        return False


def _expression(pattern: str) -> str:
    # What stands between two stars is found where it comes first and never looked for again
    # (an atomic group), so that no path takes longer than its length.
    first, *others = map(re.escape, pattern.split("*"))
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>.*?{part})" for part in between) + f".*{last}"


def exclusions(patterns: str, networks: str) -> Exclusions:
    """Read what people write, one a line.

    Raises:
        ExclusionError: one is none; the message names it, and what to write.
    """
    return Exclusions(
        tuple(dict.fromkeys(map(_pattern, _lines(patterns)))),
        tuple(dict.fromkeys(map(_network, _lines(networks)))),
    )


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_OF_A_SITE:
        raise ExclusionError(f"at most {MOST_OF_A_SITE} of them can be left out")
    return lines


def _pattern(text: str) -> str:
    if len(text) > PATTERN_MAX_CHARACTERS:
        raise ExclusionError(f"a path has at most {PATTERN_MAX_CHARACTERS} characters here")
    if not text.startswith(("/", "*")):
        raise ExclusionError(f"{text!r} is no path: write it as in /admin/* or /preview")
    if not text.strip("*/"):
        raise ExclusionError(f"{text!r} is every page: then nothing would be counted")
    return re.sub(r"\*+", "*", text)


def _network(text: str) -> Network:
    try:
        return own_network(text)
    except NetworkError as error:
        raise ExclusionError(str(error)) from None


class ExclusionBook:
    """What is left out of each site; every method may be called from any thread, and blocks."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def of(self, site: int) -> Exclusions:
        """Return what is left out of a site."""
        return self.all().get(site, Exclusions())

    def all(self) -> Mapping[int, Exclusions]:
        """Return what is left out, by the ids of those sites of which anything is."""
        patterns: defaultdict[int, list[str]] = defaultdict(list)
        networks: defaultdict[int, list[Network]] = defaultdict(list)
        with self._control.reading() as connection:
            for site, pattern in connection.execute(
                "SELECT site, pattern FROM excluded_paths ORDER BY rowid"
            ):
                patterns[site].append(pattern)
            for site, first, bits in connection.execute(
                "SELECT site, first, bits FROM excluded_networks ORDER BY rowid"
            ):
                networks[site].append(Network(first, bits))
        return {
            site: Exclusions(tuple(patterns[site]), tuple(networks[site]))
            for site in {*patterns, *networks}
        }

    def write(self, site: int, wanted: Exclusions) -> None:
        """Leave out of a site what is given and nothing else; events to come are told by it."""
        with self._control.writing() as connection:
            connection.execute("DELETE FROM excluded_paths WHERE site = ?", (site,))
            connection.execute("DELETE FROM excluded_networks WHERE site = ?", (site,))
            connection.executemany(
                "INSERT INTO excluded_paths VALUES (?, ?)",
                [(site, pattern) for pattern in wanted.patterns],
            )
            connection.executemany(
                "INSERT INTO excluded_networks VALUES (?, ?, ?)",
                [(site, *network) for network in wanted.networks],
            )
            connection.execute("UPDATE revision SET number = number + 1")
