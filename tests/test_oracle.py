"""The oracle says what a handful of visits make by hand."""

from datetime import UTC, date, datetime

from collector.journal import Event
from collector.question import (
    EVERYTHING,
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
    Property,
    Query,
)
from tests import oracle
from tests.house import event

SITE, OTHER_SITE = 1, 2
MONDAY, TUESDAY, SUNDAY = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 8)
WEEK = Period(MONDAY, SUNDAY)
NO_DIMENSIONS: tuple[Field, ...] = ()
PLAN = Property("plan")
SHOP = "shop.example.com"
OF_VISITS = (
    Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.VIEWS_PER_VISIT,
    Metric.BOUNCE_RATE, Metric.VISIT_DURATION, Metric.PERCENTAGE,
)  # fmt: skip
COUNTS = (Metric.VISITORS, Metric.VISITS, Metric.EVENTS)


def at(day: date, time: str) -> datetime:
    """Return a moment."""
    return datetime.fromisoformat(f"{day.isoformat()}T{time}+00:00").astimezone(UTC)


EVENTS = (
    # 15 minutes, from / to /a.
    event(SITE, at(MONDAY, "13:50:00"), source="Ecosia"),
    event(SITE, at(MONDAY, "13:55:00"), path="/a", source="Kagi", props={"plan": "Pro"}),
    event(SITE, at(MONDAY, "13:56:00"), name="engagement", path="/a", engaged_s=20, scroll=5),
    event(
        SITE, at(MONDAY, "14:05:00"), name="sign up", path="/a", host=SHOP, props={"plan": "free"}
    ),
    # The same visitor again; a bounce.
    event(SITE, at(MONDAY, "15:00:00"), path="/a"),
    event(SITE, at(MONDAY, "15:00:30"), name="engagement", path="/a", engaged_s=30, scroll=9),
    # Another visitor's bounce, over an hour's end, that entered on /a but began with an event.
    event(SITE, at(MONDAY, "13:59:00"), token=2, name="sign up", path="/x", interactive=False),
    event(SITE, at(MONDAY, "14:01:00"), token=2, path="/a"),
    # 10 minutes, and 5 seconds on a page opened before, from /b to /.
    event(SITE, at(TUESDAY, "09:00:00"), path="/b", host=SHOP),
    event(SITE, at(TUESDAY, "09:10:00")),
    event(SITE, at(TUESDAY, "09:10:05"), name="engagement", path="/b", engaged_s=7, scroll=2),
    # A bounce.
    event(SITE, at(SUNDAY, "23:00:00"), token=3),
    event(OTHER_SITE, at(MONDAY, "13:50:00")),
)


def report(
    metrics: tuple[Metric, ...],
    dimensions: tuple[Field, ...] = NO_DIMENSIONS,
    filters: Filter = EVERYTHING,
    period: Period = WEEK,
    events: tuple[Event, ...] = EVENTS,
) -> dict[oracle.Key, oracle.Values]:
    """Return the oracle's report."""
    return oracle.report(events, Query(SITE, metrics, dimensions, period, filters))


def total(*metrics: Metric, filters: Filter, period: Period = WEEK) -> oracle.Values:
    """Return metrics without dimensions."""
    return report(metrics, filters=filters, period=period)[()]


def is_(field: Field, *values: str) -> Condition:
    """Return a condition."""
    return Condition(Operator.IS, field, values)


PAGE_A, HOME = is_(Dimension.PAGE, "/a"), is_(Dimension.PAGE, "/")
SIGNED_UP = is_(Dimension.NAME, "sign up")


def test_without_dimensions_everything_is_one_row() -> None:
    """Five visits of four visitors, one of them on two days."""
    assert report(OF_VISITS) == {(): (4, 5, 7, 9, 1.4, 60.0, 301.0, 100.0)}


def test_a_period_cuts_days() -> None:
    """Both its ends are in it; the percentage is of what is in it."""
    only = Period(TUESDAY, TUESDAY)
    assert report(OF_VISITS, period=only) == {(): (1, 1, 2, 2, 2.0, 0.0, 605.0, 100.0)}
    assert report((Metric.VISITS,), period=Period(TUESDAY, SUNDAY)) == {(): (2,)}


def test_of_nothing_one_row_is_left_without_dimensions() -> None:
    """Counts are 0, means are None."""
    before = Period(date(2026, 10, 1), date(2026, 10, 2))
    assert report(OF_VISITS, period=before) == {(): (0, 0, 0, 0, None, None, None, None)}
    assert report(OF_VISITS, (Dimension.PAGE,), period=before) == {}
    assert report(OF_VISITS, (Dimension.SOURCE,), is_(Dimension.NAME, "engagement")) == {}


def test_by_page_bounces_are_of_those_who_entered_there() -> None:
    """A custom event has a page as well, but is not read."""
    pages = (*OF_VISITS, Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH)
    assert report(pages, (Dimension.PAGE,)) == {
        ("/",): (3, 3, 3, 3, 1.0, 50.0, 501.7, 75.0, 0.0, 0.0),
        ("/a",): (2, 3, 3, 4, 1.0, 100.0, 300.0, 50.0, 16.7, 46.7),
        ("/x",): (1, 1, 0, 1, 0.0, None, 0.0, 25.0, None, None),
        ("/b",): (1, 1, 1, 1, 1.0, 0.0, 605.0, 25.0, 7.0, 20.0),
    }


def test_by_hour_visits_belong_to_the_hour_they_started_in() -> None:
    """Even if what the filter lets through came later."""
    assert report(OF_VISITS, (Dimension.HOUR,), SIGNED_UP) == {
        ("2026-11-02 13:00:00",): (1, 2, 0, 1, 0.0, 50.0, 450.0, 50.0),
        ("2026-11-02 14:00:00",): (1, 0, 0, 1, None, None, None, 50.0),
    }


def test_by_hour_and_name_visits_belong_to_the_hours_of_events() -> None:
    """A dimension of events groups everything by events."""
    assert report(OF_VISITS, (Dimension.NAME, Dimension.HOUR_OF_DAY), SIGNED_UP) == {
        ("sign up", "13"): (1, 1, 0, 1, 0.0, 100.0, 0.0, 50.0),
        ("sign up", "14"): (1, 1, 0, 1, 0.0, 0.0, 900.0, 50.0),
    }
    assert report(COUNTS, (Dimension.DAY, Dimension.NAME)) == {
        ("2026-11-02", "pageview"): (2, 3, 4),
        ("2026-11-02", "sign up"): (2, 2, 2),
        ("2026-11-03", "pageview"): (1, 1, 2),
        ("2026-11-08", "pageview"): (1, 1, 1),
    }


def test_with_a_filter_of_pages_bounces_are_of_those_who_entered_through_it() -> None:
    """What else the filter says of an event still has to hold for one of the visit's."""
    asked = (Metric.VISITS, Metric.BOUNCE_RATE)
    assert total(*asked, filters=PAGE_A) == (3, 100.0)
    assert total(*asked, filters=Not(PAGE_A)) == (4, 33.3)
    assert total(*asked, filters=All((PAGE_A, is_(PLAN, "Pro")))) == (1, None)
    assert total(*asked, filters=Either((HOME, SIGNED_UP))) == (4, 66.7)
    assert total(*asked, filters=is_(Dimension.EVENT_HOSTNAME, SHOP)) == (2, 0.0)


def test_with_a_filter_of_pages_bounces_belong_to_the_hour_visits_began_in() -> None:
    """The second visitor began at 13 but saw the page it entered on at 14."""
    asked = (Metric.VISITS, Metric.EVENTS, Metric.BOUNCE_RATE)
    assert report(asked, (Dimension.HOUR_OF_DAY,), PAGE_A) == {
        ("13",): (2, 1, 100.0),
        ("14",): (0, 2, None),
        ("15",): (1, 1, 100.0),
    }


def test_done_is_of_the_whole_visit() -> None:
    """It narrows nothing down to single events, and asks nothing of the page of entry."""
    counts = (Metric.VISITS, Metric.EVENTS)
    assert total(*counts, filters=Done(SIGNED_UP)) == (2, 5)
    assert total(*counts, filters=Not(Done(SIGNED_UP))) == (3, 4)
    assert total(*counts, filters=Done(Not(SIGNED_UP))) == (5, 9)
    bought = Done(All((PAGE_A, is_(PLAN, "Pro"))))
    assert total(*counts, filters=All((bought, SIGNED_UP))) == (1, 1)
    assert total(*counts, filters=Done(All((PAGE_A, HOME)))) == (0, 0)
    assert total(*counts, filters=Done(All((SIGNED_UP, Done(HOME))))) == (1, 3)
    on_x = Done(is_(Dimension.PAGE, "/x"))
    assert total(Metric.BOUNCE_RATE, filters=on_x) == (100.0,)
    assert total(*counts, Metric.BOUNCE_RATE, filters=All((on_x, PAGE_A))) == (1, 1, 100.0)


def test_conditions_compare_in_three_ways() -> None:
    """A visit's source is that of its first event; the second visitor has none."""

    def found(operator: Operator, *values: str, any_case: bool = False) -> object:
        condition = Condition(operator, Dimension.SOURCE, values, case_sensitive=not any_case)
        return total(Metric.EVENTS, filters=condition)[0]

    assert found(Operator.IS, "ecosia") == 0
    assert found(Operator.IS, "Kagi") == 0
    assert found(Operator.IS, "Ecosia", "Kagi") == 3
    assert found(Operator.IS, "eCOSIA", any_case=True) == 3
    assert found(Operator.CONTAINS, "OS") == 0
    assert found(Operator.CONTAINS, "x", "os") == 3
    assert found(Operator.CONTAINS, "OS", any_case=True) == 3
    assert found(Operator.MATCHES, "^e", "^x|a$") == 3
    assert found(Operator.MATCHES, "^e") == 0
    assert found(Operator.MATCHES, "^E.*A$", any_case=True) == 3
    assert found(Operator.MATCHES, "^$") == 6
    assert total(Metric.EVENTS, filters=Either(())) == (0,)
    assert total(Metric.EVENTS, filters=All(())) == (9,)


def test_time_has_labels() -> None:
    """A week begins with the period if that begins later."""
    from_tuesday = Period(TUESDAY, SUNDAY)
    visits = (Metric.VISITS,)
    assert report(visits, (Dimension.WEEK,)) == {("2026-11-02",): (5,)}
    assert report(visits, (Dimension.WEEK,), period=from_tuesday) == {("2026-11-03",): (2,)}
    assert report(visits, (Dimension.MONTH,)) == {("2026-11-01",): (5,)}
    assert report(visits, (Dimension.WEEKDAY,)) == {("1",): (3,), ("2",): (1,), ("7",): (1,)}
    assert report(visits, (Dimension.HOUR_OF_DAY,)) == {
        ("13",): (2,), ("14",): (0,), ("15",): (1,), ("09",): (1,), ("23",): (1,),
    }  # fmt: skip
    assert report(visits, (Dimension.HOUR_OF_WEEK,), period=from_tuesday) == {
        ("2 09",): (1,), ("7 23",): (1,),
    }  # fmt: skip


def test_an_event_without_a_property_has_an_empty_one() -> None:
    """A visit counts under each value it has."""
    assert report(COUNTS, (PLAN,)) == {("Pro",): (1, 1, 1), ("free",): (1, 1, 1), ("",): (4, 5, 7)}
    assert total(*COUNTS, filters=is_(PLAN, "")) == (4, 5, 7)
    assert report(COUNTS, (Property("other"),)) == {("",): (4, 5, 9)}
    assert report(COUNTS, (PLAN, Dimension.SOURCE), SIGNED_UP) == {
        ("free", "Ecosia"): (1, 1, 1),
        ("", ""): (1, 1, 1),
    }


def test_hosts_are_of_events_and_of_both_ends_of_visits() -> None:
    """By host of events, bounces are of those that entered there."""
    asked = (Metric.VISITS, Metric.EVENTS, Metric.BOUNCE_RATE)
    assert report(asked, (Dimension.EVENT_HOSTNAME,)) == {
        ("example.com",): (5, 7, 75.0),
        (SHOP,): (2, 2, 0.0),
    }
    assert report(asked, (Dimension.HOSTNAME, Dimension.EXIT_HOSTNAME)) == {
        ("example.com", "example.com"): (3, 4, 100.0),
        ("example.com", SHOP): (1, 3, 0.0),
        (SHOP, "example.com"): (1, 2, 0.0),
    }
    assert report(asked, (Dimension.EVENT_HOSTNAME, Dimension.PAGE), HOME) == {
        ("example.com", "/"): (3, 3, 50.0)
    }
    assert report(asked, (Dimension.ENTRY_PAGE, Dimension.EXIT_PAGE)) == {
        ("/", "/a"): (1, 3, 0.0),
        ("/a", "/a"): (2, 3, 100.0),
        ("/b", "/"): (1, 2, 0.0),
        ("/", "/"): (1, 1, 100.0),
    }


def test_a_page_is_read_once_a_visit_however_often_it_is_opened() -> None:
    """Of the pageviews let through, seconds are summed and the deepest scroll counts."""
    events = (
        event(SITE, at(MONDAY, "09:50:00"), path="/a"),
        event(SITE, at(MONDAY, "09:51:00"), name="engagement", path="/a", engaged_s=10, scroll=8),
        event(SITE, at(MONDAY, "10:01:00"), path="/a", props={"plan": "Pro"}),
        event(SITE, at(MONDAY, "10:02:00"), name="engagement", path="/a", engaged_s=3, scroll=1),
        event(SITE, at(MONDAY, "10:03:00"), name="engagement", path="/a", engaged_s=2, scroll=3),
        event(SITE, at(MONDAY, "12:00:00"), path="/a"),
        event(SITE, at(MONDAY, "12:01:00"), path="/b"),
    )
    asked = (Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH)
    assert report(asked, filters=PAGE_A, events=events) == {(): (7.5, 40.0)}
    assert report(asked, (Dimension.HOUR_OF_DAY,), PAGE_A, events=events) == {
        ("09",): (10.0, 80.0),
        ("10",): (5.0, 30.0),
        ("12",): (0.0, 0.0),
    }
    pro = All((PAGE_A, is_(PLAN, "Pro")))
    assert report(asked, filters=pro, events=events) == {(): (5.0, 30.0)}
    either = is_(Dimension.PAGE, "/a", "/b")
    assert report(asked, filters=either, events=events) == {(): (5.0, 26.7)}
