"""What visits to made-up sites are like, in the words of the statements that make their days.

Two kinds of sites, as in `demo`: the same sources, devices, countries and events.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from collector import anonymise, demo, scrub, sources
from collector.session import Session

_PATHS = 50_000
_PAGES_MAX = 30
_DRAWS = 1000
_SECTIONS = ["news", "guide", "blog", "product", "help", "archive", "review", "sport", "recipe"]
_WORDS = [
    "amber", "anchor", "basket", "bridge", "candle", "copper", "cotton", "engine", "falcon",
    "garden", "harbour", "island", "kettle", "ladder", "lantern", "marble", "meadow", "mirror",
    "needle", "orchard", "paper", "pepper", "quarry", "ribbon", "saddle", "shutter", "silver",
    "spindle", "thimble", "timber", "valley", "velvet", "window", "winter", "wooden", "yellow",
]  # fmt: skip
_EVERYWHERE: dict[str, object] = {
    "paths": _PATHS,
    "pages_max": _PAGES_MAX,
    "spike_page": 17,
    "engaged_share": 0.5,  # of pageviews; what became of the others nobody knows
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What visits of a made-up site are like, as the statements take it."""

    number: int
    events_a_visit: float
    ways: dict[str, object]
    draws: dict[str, object]
    habits: dict[str, object]


def kinds() -> list[Kind]:
    """Return the kinds of sites there are."""
    return [_kind(n, site) for n, site in enumerate(demo.sites().values())]


def prepare(session: Session) -> None:
    """Make the temporary tables that every day draws from."""
    session.run("demo_paths", paths=_PATHS, sections=_SECTIONS, words=_WORDS)
    session.run("demo_ways_table")
    session.run("demo_draws_table")
    for kind in kinds():
        session.run("demo_ways", **kind.ways)
        session.run("demo_draws", **kind.draws)


def _kind(number: int, site: demo.Site) -> Kind:
    readers = demo.readers()
    ways = [_way(source) for source in site.sources]
    distinct = list(dict.fromkeys([_way(demo.Source(weight=0)), *ways]))
    screens = [
        ((*anonymise.device(device.user_agent), screen), device.weight / len(device.screens))
        for device in readers.devices
        for screen in device.screens
    ]
    devices = list(dict.fromkeys(device for device, _ in screens))
    chances = [event.chance for event in site.events]
    return Kind(
        number=number,
        events_a_visit=_pages_a_visit(site) * (1 + sum(chances)),
        ways={
            "kind": number,
            "sources": [list(way) for way in distinct],
            "countries": list(readers.countries),
            "devices": [list(map(str, device)) for device in devices],
        },
        draws={
            "kind": number,
            "draws": _DRAWS,
            "hours": _listed(_drawn(site.hours)),
            "source_of": _listed(
                distinct.index(ways[n]) for n in _drawn([source.weight for source in site.sources])
            ),
            "country_of": _listed(_drawn(list(readers.countries.values()))),
            "device_of": _listed(
                devices.index(screens[n][0]) for n in _drawn([weight for _, weight in screens])
            ),
            "event_of": _listed(_drawn([1 - sum(chances), *chances])),
        },
        habits={
            **_EVERYWHERE,
            **_of_site(site),
            "kind": number,
            "draws": _DRAWS,
            "spike_source": [way[1] for way in distinct].index(sources.Channel.SOCIAL),
            "countries": len(readers.countries),
            "devices": len(devices),
        },
    )


def _of_site(site: demo.Site) -> dict[str, object]:
    """Return how a site is read, and which events it has."""
    return {
        "one_page": site.one_page,
        "further_pages": site.further_pages,
        "reading_s": site.reading_s,
        "event_names": [event.name for event in site.events],
        "event_interactive": [event.interactive for event in site.events],
        "event_properties": [event.property for event in site.events],
        "event_values": [list(event.values) for event in site.events],
        "event_amounts": [event.amount or None for event in site.events],
        "event_currencies": [event.currency or None for event in site.events],
    }


def _pages_a_visit(site: demo.Site) -> float:
    """Return the mean: one page, or two and the whole of an exponential distribution's number."""
    one_more = math.exp(-1 / site.further_pages)
    several = 2 + sum(one_more**n for n in range(1, _PAGES_MAX - 1))
    return site.one_page + (1 - site.one_page) * several


def _way(source: demo.Source) -> tuple[str, ...]:
    """Return what is kept of where a visit comes from, in the order of the columns."""
    url = scrub.scrub_url(f"https://example.com/{source.query}")
    host = sources.referrer_host(source.referrer)
    origin = sources.origin(host, url.utm_source, url.utm_medium, url.paid_click)
    tags = url.utm_source, url.utm_medium, url.utm_campaign
    return (origin.source, origin.channel.value, origin.referrer, *tags)


def _drawn(weights: Sequence[float]) -> list[int]:
    """Return a thousand positions, each as often as its weight says."""
    ends = [round(end / sum(weights) * _DRAWS) for end in accumulate(weights)]
    return [bisect_right(ends, n) for n in range(_DRAWS)]


def _listed(numbers: Iterable[int]) -> str:
    """Return numbers as a text: DuckDB takes a second to plan with lists of a thousand."""
    return ",".join(map(str, numbers))
