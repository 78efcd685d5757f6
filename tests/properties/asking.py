"""Questions about what may have happened, drawn at random."""

from hypothesis import strategies as st

from collector.question import (
    EVERYTHING,
    TIMES,
    All,
    Condition,
    Dimension,
    Done,
    Either,
    Field,
    Filter,
    Metric,
    Not,
    Operator,
    Period,
    Query,
    conditions,
)
from tests.properties.happenings import (
    ABSENT,
    ARRIVALS,
    AUTHOR,
    HOSTS,
    NAMES,
    OTHER_SITE,
    PATHS,
    PLAN,
    SITE,
    VISITORS,
    date_after,
)

# What is looked for in a field: what is there, and what is not.
ARRIVED = [
    Dimension.SOURCE, Dimension.CHANNEL, Dimension.REFERRER, Dimension.UTM_SOURCE,
    Dimension.UTM_MEDIUM, Dimension.UTM_CAMPAIGN, Dimension.COUNTRY, Dimension.DEVICE,
    Dimension.BROWSER, Dimension.OS, Dimension.SCREEN,
]  # fmt: skip
TEXTS: dict[Field, tuple[str, ...]] = {
    Dimension.PAGE: PATHS,
    Dimension.EVENT_HOSTNAME: HOSTS,
    Dimension.NAME: NAMES,
    PLAN: ("", "Pro", "free"),
    AUTHOR: ("", "Zo\u00cb", "zo\u00eb"),
    ABSENT: ("", "x"),
    Dimension.ENTRY_PAGE: (*PATHS, ""),
    Dimension.EXIT_PAGE: (*PATHS, ""),
    Dimension.HOSTNAME: HOSTS,
    Dimension.EXIT_HOSTNAME: HOSTS,
    **{
        dimension: tuple(words.get(dimension.value[6:], "") for words in (*ARRIVALS, *VISITORS))
        for dimension in ARRIVED
    },
}
PATTERNS = (
    "^/$", "^/[a-c]", "a|^$", "(o|/)$", "^(pageview|sign up)$", "^[A-Z]", ".", "^.{2,6}$", "\u00e9",
    "\\.EXAMPLE\\.", "%|_", "zo\u00eb", "nowhere",
)  # fmt: skip
OF_EVENTS: list[Field] = [
    Dimension.PAGE, Dimension.EVENT_HOSTNAME, Dimension.NAME, PLAN, AUTHOR, ABSENT,
]  # fmt: skip
FIELDS = [*OF_EVENTS[:-1], *OF_EVENTS, *TEXTS]  # those of events more often
OF_PAGES = {Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH}


def texts_for(operator: Operator, field: Field) -> st.SearchStrategy[str]:
    """Return values of a condition that are often, and sometimes almost, those of its field."""
    there = TEXTS[field]
    if operator is Operator.MATCHES:
        return st.sampled_from(PATTERNS)
    if operator is Operator.CONTAINS:
        there = (*(text[:3] for text in there if text), *(text[-2:] for text in there if text), "%")
    return st.sampled_from([*there, *map(str.swapcase, there), "nowhere"])


def conditions_on(fields: list[Field]) -> st.SearchStrategy[Condition]:
    """Return conditions on one of some fields."""
    of_fields = st.tuples(st.sampled_from(Operator), st.sampled_from(fields))
    return of_fields.flatmap(
        lambda chosen: st.builds(
            Condition,
            st.just(chosen[0]),
            st.just(chosen[1]),
            st.lists(texts_for(*chosen), min_size=1, max_size=3).map(tuple),
            case_sensitive=st.booleans(),
        )
    )


def trees(depth: int) -> st.SearchStrategy[Filter]:
    """Return filters of at most as many levels above their conditions."""
    leaf: st.SearchStrategy[Filter] = conditions_on(FIELDS)
    if not depth:
        return leaf
    below = trees(depth - 1)
    several = st.lists(below, max_size=3).map(tuple)
    return st.one_of(
        leaf,
        st.builds(All, several),
        st.builds(Either, several),
        st.builds(Not, below),
        st.builds(Done, below),
    )


# Parts each of which speaks of one thing leave the engine most roads to choose from.
beside = st.lists(st.one_of(trees(0), trees(0), trees(1)), min_size=1, max_size=3).map(
    lambda parts: All(tuple(parts))
)
filters = st.one_of(st.just(EVERYTHING), trees(1), beside, trees(3))
METRICS = [*Metric, Metric.VISITS, Metric.BOUNCE_RATE, Metric.BOUNCE_RATE]


@st.composite
def dimensions(draw: st.DrawFn) -> tuple[Field, ...]:
    """Return none to three dimensions, at most one of them of time."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))
    if len(chosen) < 3 and draw(st.booleans()):
        time = draw(st.sampled_from([d for d in Dimension if d in TIMES]))
        chosen.insert(draw(st.integers(0, len(chosen))), time)
    return tuple(chosen)


@st.composite
def queries(draw: st.DrawFn, days: int) -> Query:
    """Return something that can be asked about a site and some days."""
    chosen = st.lists(st.sampled_from(METRICS), min_size=1, max_size=4, unique=True)
    of = tuple(draw(chosen))
    by = draw(dimensions())
    tree = draw(filters)
    named = {condition.field for condition in conditions(tree, within_done=False)}
    if OF_PAGES.intersection(of) and Dimension.PAGE not in named.union(by):
        if draw(st.booleans()):
            by = (Dimension.PAGE, *by[1:])
        else:
            tree = All((draw(conditions_on([Dimension.PAGE])), tree))
    ends = [draw(st.integers(-1, days)) for _ in range(2)] if draw(st.booleans()) else [-1, days]
    return Query(
        site=draw(st.sampled_from([SITE] * 7 + [OTHER_SITE])),
        metrics=of,
        dimensions=by,
        period=draw(cut(min(ends), max(ends))),
        filters=tree,
    )


@st.composite
def cut(draw: st.DrawFn, first: int, last: int) -> Period:
    """Return a period of some days, one in four times from an hour or until an hour."""
    hours = [0, 23]
    if draw(st.integers(0, 3)) == 0:
        hours = [draw(st.sampled_from([0, draw(st.integers(0, 23))])), draw(st.integers(0, 23))]
        hours = sorted(hours) if first == last else hours
    return Period(date_after(first), date_after(last), *hours)
