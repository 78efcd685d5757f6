"""From where alone people of a role may come to a site, in control.sqlite."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final

from collector.control_file import ControlFile
from collector.people.accounts import AccountError, Role

MOST: Final = 50


class Networks:
    """Lists of networks by site and role; no list lets in from everywhere.

    Every method may be called from any thread, and blocks.
    """

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def all(self) -> Mapping[tuple[int, Role], Sequence[str]]:
        """Return every list by its site and role."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT site, role, network FROM networks").fetchall()
        found: dict[tuple[int, Role], list[str]] = {}
        for site, role, network in rows:
            found.setdefault((site, Role(role)), []).append(network)
        return found

    def allow(self, site: int, role: Role, networks: Sequence[str]) -> None:
        """Put a list in the place of the one before; an empty one lets in from everywhere."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM networks WHERE site = ? AND role = ?", (site, role))
            rows = [(site, role, network) for network in networks]
            connection.executemany("INSERT INTO networks VALUES (?, ?, ?)", rows)


def parsed(text: str) -> tuple[str, ...]:
    """Return the networks of a text, separated by blanks or commas.

    Raises:
        AccountError: one is none, or there are too many.
    """
    try:
        found = {str(_network(item)) for item in text.replace(",", " ").split()}
    except ValueError:
        raise AccountError("write networks such as 192.0.2.0/24 or 2001:db8::/32") from None
    if len(found) > MOST:
        raise AccountError("that is more networks than a list may have")
    return tuple(sorted(found))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    found = ipaddress.ip_network(text)
    if not found.prefixlen:
        raise ValueError("everybody: leave the list empty")
    return found
