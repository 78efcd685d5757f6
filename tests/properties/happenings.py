"""What may happen on two sites within some days, drawn at random."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from collector.journal import Event
from collector.question import Property
from tests.house import event

SITE, OTHER_SITE = 1, 2
ZONES = {SITE: "Europe/Berlin", OTHER_SITE: "UTC"}
# A Saturday. The day after, clocks in Berlin show the hour from 2 to 3 twice; then come the first
# day of a week and, in the end, that of a month.
BEGIN = datetime(2026, 10, 24, 5, 0, tzinfo=UTC)
SHORT_DAYS, LONG_DAYS = 9, 14
MICROSECOND = timedelta(microseconds=1)
GAP = timedelta(minutes=30)
GAPS = (
    timedelta(0),
    timedelta(0),
    MICROSECOND,
    timedelta(seconds=0.5),
    timedelta(seconds=1.5) - MICROSECOND,
    timedelta(minutes=1),
    timedelta(minutes=7),
    timedelta(minutes=20),
    GAP - MICROSECOND,
    GAP,
    GAP + MICROSECOND,
    timedelta(hours=3),
    timedelta(days=1),
    timedelta(days=2, hours=5),
)
NAMES = ("pageview", "pageview", "pageview", "engagement", "engagement", "sign up", "Sign Up")
PATHS = ("/", "/", "/a", "/A_b", "/\u00e9%")
HOSTS = ("example.com", "example.com", "Shop.example.com")
PLAN, AUTHOR, ABSENT = Property("plan"), Property("author's"), Property("")
PROPS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"plan": "Pro"},
    {"plan": "free", "author's": "Zo\u00cb"},
    {"plan": "", "author's": "zo\u00eb"},
)
ARRIVALS: tuple[dict[str, str], ...] = (
    {"channel": "direct"},
    {"source": "Ecosia", "channel": "search", "referrer": "ecosia.example"},
    {"source": "ecosia", "channel": "search", "utm_source": "paper"},
    {"source": "Le Monde", "utm_medium": "mail", "utm_campaign": "Spring 50%", "screen": "md"},
)
# A visitor has one of each: a token is made of the address and the user agent.
VISITORS: tuple[dict[str, str], ...] = (
    {"country": "DE", "device": "desktop", "browser": "Firefox", "os": "Linux"},
    {"country": "DE", "device": "mobile", "browser": "firefox", "os": "Android"},
    {},
)


@dataclass(frozen=True)
class Step:
    """One event: what it is, and how long after its visitor's last."""

    site: int
    visitor: int
    after: timedelta
    name: str
    path: str
    host: str
    props: int  # of PROPS
    arrival: int  # of ARRIVALS
    interactive: bool
    engaged_s: int
    scroll: int
    process: int  # whose journal it is in


steps = st.builds(
    Step,
    site=st.sampled_from([SITE] * 7 + [OTHER_SITE]),
    visitor=st.integers(0, 2),
    after=st.sampled_from(GAPS),
    name=st.sampled_from(NAMES),
    path=st.sampled_from(PATHS),
    host=st.sampled_from(HOSTS),
    props=st.integers(0, len(PROPS) - 1),
    arrival=st.integers(0, len(ARRIVALS) - 1),
    interactive=st.booleans(),
    engaged_s=st.integers(0, 99),
    scroll=st.integers(0, 10),
    process=st.integers(0, 2),
)


def events_of(plan: list[Step], days: int) -> list[Event]:
    """Return the event of each step; a visitor who comes to the last day begins again."""
    clocks: dict[tuple[int, int], timedelta] = {}
    seen = set()
    made = []
    for step in plan:
        who = (step.site, step.visitor)
        passed = clocks.get(who, step.visitor * timedelta(hours=1)) + step.after
        passed %= timedelta(days=days - 1)
        while (who, passed, step.name, step.path) in seen:  # nothing could order the two
            passed += MICROSECOND
        seen.add((who, passed, step.name, step.path))
        clocks[who] = passed
        reads = step.name == "engagement"
        made.append(
            event(
                step.site,
                BEGIN + passed,
                token=2**64 - 1 - step.visitor,  # tokens fill 64 bits; sites may share one
                name=step.name,
                path=step.path,
                timezone=ZONES[step.site],
                host=step.host,
                props=PROPS[step.props],
                interactive=step.interactive,
                engaged_s=step.engaged_s if reads else 0,
                scroll=step.scroll if reads else 0,
                **ARRIVALS[step.arrival],
                **VISITORS[step.visitor % len(VISITORS)],
            )
        )
    return made


def date_after(days: int) -> date:
    """Return the date some days after the first one."""
    return BEGIN.date() + timedelta(days=days)
