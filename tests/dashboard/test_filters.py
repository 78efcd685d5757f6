"""Filters: in addresses, as chips, by a click on a row, by a form; small numbers; slow answers."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from collector.journal import Drops
from collector.question import (
    All,
    Condition,
    Dimension,
    Done,
    Either,
    Not,
    Operator,
    Property,
    QueryError,
    TooSlowError,
)
from dashboard.question.chosen import (
    AnyOf,
    Chosen,
    Comparing,
    chosen_at,
    joined,
    narrowed,
    or_else,
    together,
    typed,
)
from tests.dashboard.reading import DAY, HOUR, Markup, card_rows, site_page, tiles
from tests.editors import Newsroom, pageview

GOOGLE = Chosen(Comparing.IS, Dimension.SOURCE, ("Google",))


def links(page: str, name: str) -> list[str]:
    """Return where the links lead that are named so, by text, title or label."""
    found = []
    for anchor in re.findall(r"<a [^>]*>[^<]*</a>", page):
        (tag, attributes), *_ = Markup(anchor).tags
        names = {attributes.get("aria-label"), attributes.get("title"), Markup(anchor).words}
        if tag == "a" and name in names:
            found.append(str(attributes["href"]))
    return found


@pytest.mark.parametrize("comparing", Comparing)
@pytest.mark.parametrize("field", [Dimension.PAGE, Dimension.ENTRY_PAGE, Property("a, b\\c")])
@pytest.mark.parametrize("values", [("x",), ("",), ("a,b", "\\", "\\,", "c\n"), ("ü&=+%", "/")])
def test_a_filter_is_read_back_from_its_address(
    comparing: Comparing, field: Dimension | Property, values: tuple[str, ...]
) -> None:
    """Whatever its values hold."""
    chosen = Chosen(comparing, field, values)
    query = urlencode([("f", chosen.address)])
    assert chosen_at(parse_qs(query, keep_blank_values=True)["f"][0]) == chosen


def test_what_a_filter_asks_of_the_engine() -> None:
    """Negative ones are the others turned round; parts of a text are found in any case."""
    condition = Condition(Operator.IS, Dimension.SOURCE, ("Google",))
    assert GOOGLE.filter == condition
    assert GOOGLE.negated().filter == Not(condition)
    contains = chosen_at("contains,page,/Blog").filter
    assert contains == Condition(
        Operator.CONTAINS, Dimension.PAGE, ("/Blog",), case_sensitive=False
    )
    done = chosen_at("done_not,name,Download").filter
    assert done == Not(Done(Condition(Operator.IS, Dimension.NAME, ("Download",))))
    assert together([GOOGLE]) == All((condition,))


def test_two_values_of_one_kind_are_alternatives() -> None:
    """Two of different kinds have both to fit; the same one twice is one."""
    both = joined([GOOGLE], Chosen(Comparing.IS, Dimension.SOURCE, ("Bing",)))
    assert [each.words for each in both] == ["Source is Google or Bing"]
    assert joined(both, GOOGLE) == both
    contains = chosen_at("contains,source,o")
    assert joined([contains], chosen_at("contains,source,g")) == (
        contains,
        chosen_at("contains,source,g"),
    )


@pytest.mark.parametrize(
    ("form", "address"),
    [
        (("is", "country", "", "germany"), "is,country,DE"),
        (("is_not", "source", "", " Direct / None "), "is_not,source,"),
        (("contains", "page", "", " /blog "), "contains,page,/blog"),
        (("is", "props", " file ", "a.pdf"), "is,props:file,a.pdf"),
        (("is", "device", "", "Desktop"), "is,device,desktop"),
        (("contains", "country", "", "zeal"), "is,country,NZ"),
        (("contains_not", "device", "", "B"), "is_not,device,mobile,tablet"),
    ],
)
def test_a_form_takes_values_as_people_call_them(
    form: tuple[str, str, str, str], address: str
) -> None:
    """Countries by their names, and what is empty by what it is called."""
    assert typed(*form).address == address


@pytest.mark.parametrize(
    "form",
    [
        ("is", "city", "", "x"),
        ("was", "page", "", "x"),
        ("is", "props", "", "x"),
        ("contains", "country", "", "x-y-z"),
        ("matches", "country", "", "^Un"),
    ],
)
def test_a_form_that_asks_for_what_is_not_there_is_refused(form: tuple[str, str, str, str]) -> None:
    """Fields and comparisons are closed lists, and a property needs a name."""
    with pytest.raises(QueryError):
        typed(*form)


EITHER = AnyOf((GOOGLE, Chosen(Comparing.CONTAINS, Dimension.PAGE, ("/a,b|\\",))))


def test_filters_about_different_things_are_alternatives() -> None:
    """Read back from their address; turned round none of them fits; of two one is left."""
    for each in (EITHER, EITHER.negated()):
        assert chosen_at(each.address) == each
        (address,) = parse_qs(urlencode([("f", each.address)]))["f"]
        assert chosen_at(address) == each
    assert EITHER.filter == Either(tuple(each.filter for each in EITHER.choices))
    assert EITHER.negated().filter == Not(EITHER.filter)
    assert EITHER.words == "Source is Google or Page contains /a,b|\\"
    assert EITHER.negated().words == f"none of: {EITHER.words}"
    assert EITHER.without(EITHER.choices[1]) == GOOGLE
    assert EITHER.negated().without(EITHER.choices[1]) == GOOGLE.negated()
    for address in ("or,is", "or,is\\,source\\,Google", "or,a,b", "or,or\\,is,is\\,os\\,iOS"):
        with pytest.raises(QueryError):
            chosen_at(address)


def test_alternatives_are_built_one_by_one() -> None:
    """Onto the filter that is named; one that is there already changes nothing."""
    page = Chosen(Comparing.IS, Dimension.PAGE, ("/",))
    both = or_else([page, GOOGLE], 1, chosen_at("is,os,iOS"))  # type: ignore[arg-type]
    assert [each.words for each in both] == ["Page is /", "Source is Google or System is iOS"]
    three = or_else(both, 1, page)
    assert three[1].words == "Source is Google or System is iOS or Page is /"
    assert or_else(three, 1, page) == three
    assert or_else([page], 0, page) == (page,)
    for index in (-1, 1):
        with pytest.raises(QueryError):
            or_else([page], index, GOOGLE)
    assert narrowed(both, Dimension.SOURCE, "Bing")[1] == both[1]
    assert joined(both, GOOGLE)[2] == GOOGLE


def test_the_form_builds_alternatives(busy: Newsroom) -> None:
    """Without a script: chosen from what is in force, shown in one chip with its parts."""
    page = site_page(busy, "?f=is,source,Google")
    assert '<option value="0">It will do instead of: Source is Google</option>' in page
    form = "?period=day&f=is,source,Google&field=browser&comparing=is&value=Firefox&or="
    response = busy.editor().get(f"/sites/example.com{form}0")
    place = response.headers["location"].partition("?")[2]
    narrowed_page = site_page(busy, f"?{place}")
    assert tiles(narrowed_page)["Visitors"] == "2"
    chips = narrowed_page.partition('class="chips"')[2].partition("</ul>")[0]
    said = Markup(chips).words.replace("\N{MULTIPLICATION SIGN}", "-")
    assert "any of Source is Google - Browser is Firefox - Clear" in said
    hrefs = Markup(chips).hrefs()
    assert tiles(site_page(busy, hrefs[0]))["Visitors"] == "1"
    assert "f=is,browser,Firefox" in hrefs[1]
    assert "f=is,source,Google" in hrefs[2]
    assert busy.editor().get(f"/sites/example.com{form}7").status_code == 400
    assert busy.editor().get(f"/sites/example.com{form}x").status_code == 400


def test_a_click_on_a_row_narrows_the_whole_page_down(busy: Newsroom) -> None:
    """Numbers, chart and all cards; a link beside it shows all others instead."""
    page = site_page(busy)
    (google,) = links(page, "Google")
    narrowed = site_page(busy, google)
    assert tiles(narrowed)["Visitors"] == "1"
    assert card_rows(narrowed, "places") == [["Germany", "1", "100%"]]
    assert [row[0] for row in card_rows(narrowed, "pages")] == ["/", "/a"]
    (others,) = links(page, "All but Google")
    assert tiles(site_page(busy, others))["Visitors"] == "2"


def test_a_row_that_is_the_filter_leads_nowhere(busy: Newsroom) -> None:
    """It is narrowed down already."""
    assert links(site_page(busy, "?f=is,source,Google"), "Google") == []


def test_a_filter_can_be_turned_round_and_removed(busy: Newsroom) -> None:
    """Each by a link of its chip; all others stay."""
    page = site_page(busy, "?f=is,source,Google&f=is,device,Mobile&metric=visits")
    (turned,) = links(page, "Turn it round: Source is not Google")
    assert turned == "?period=day&metric=visits&f=is_not,source,Google&f=is,device,Mobile"
    (removed,) = links(page, "Remove the filter Source is Google")
    assert removed == "?period=day&metric=visits&f=is,device,Mobile"
    assert links(page, "Clear") == ["?period=day&metric=visits"]


def test_a_form_builds_a_filter_and_keeps_all_else(busy: Newsroom) -> None:
    """It needs no script: its fields become an address, which is where the browser is sent."""
    page = site_page(busy, "?period=7d&metric=visits&f=is,device,Mobile&sources=channel")
    form = page.partition('id="add-filter"')[2].partition("</form>")[0]
    kept = [
        (str(attrs["name"]), str(attrs["value"]))
        for tag, attrs in Markup(form).tags
        if tag == "input" and attrs.get("type") == "hidden"
    ]
    new = [("field", "page"), ("comparing", "contains"), ("value", "/a,b"), ("name", "")]
    response = busy.editor().get("/sites/example.com?" + urlencode([*kept, *new]))
    assert response.status_code == 303
    assert response.headers["location"] == (
        "/sites/example.com?period=7d&metric=visits"
        "&f=is,device,Mobile&f=contains,page,/a%5C,b&sources=channel"
    )


def test_small_numbers_are_hidden_and_explained(busy: Newsroom) -> None:
    """Where a filter and a row together would tell of few people."""
    busy_with_limit = Newsroom(busy.folder, busy.control, busy.store, parts={"least_visitors": 5})
    assert "fewer than 5 visitors are shown as" not in Markup(site_page(busy_with_limit)).words
    page = site_page(busy_with_limit, "?f=is,device,Mobile")
    assert tiles(page)["Visitors"] == "2"  # one filter alone singles nobody out
    assert card_rows(page, "pages")[0] == ["/", "&lt;5", ""]
    assert "fewer than 5 visitors are shown as" in Markup(page).words
    page = site_page(busy_with_limit, "?f=is,device,Mobile&f=is,source,Google")
    assert tiles(page)["Visitors"] == "&lt;5"
    assert tiles(page)["Visits"] == "\N{EN DASH}"
    assert "Nobody was counted" not in page
    assert "Gaps: fewer than 5 visitors" in Markup(page).words
    assert "Gaps" not in site_page(busy_with_limit, "?f=is,device,Mobile")


def test_hours_of_too_few_visitors_are_not_told_as_empty(room: Newsroom) -> None:
    """The rhythm says what it does not show."""
    site = room.site()
    few = [pageview(site, token, DAY + HOUR, source="Google", country="DE") for token in range(2)]
    many = [pageview(site, n, DAY + 3 * HOUR, source="Google", country="DE") for n in range(9)]
    room.parts["least_visitors"] = 5
    room.count(*few)
    yesterday = "?period=custom&from=2026-11-23&to=2026-11-23&f=is,country,DE&f=is,source,Google"
    words = Markup(site_page(room, yesterday)).words
    assert "No hour with 5 visitors or more, Monday 23 November 2026." in words
    room.count(*many)
    page = site_page(room, yesterday)
    assert "Mon 13:00\N{EN DASH}14:00: fewer than 5 visitors" in page
    assert "Mon 12:00\N{EN DASH}13:00: 0.0 visitors" in page
    assert "Mon 11:00\N{EN DASH}12:00, 9.0 visitors on average" in Markup(page).words


def test_a_slow_answer_says_so_in_its_place(busy: Newsroom) -> None:
    """And the rest of the page stands."""
    room = Newsroom(busy.folder, busy.control, busy.store, parts={"limit_s": 0})
    page = site_page(room, "?f=is,device,Mobile")
    assert "This took longer than 0 s." in page
    assert "Popular pages" in page
    assert "How we count" in page


def test_what_was_left_out_may_be_slow_too(busy: Newsroom) -> None:
    """Its card says so."""

    def slow(*_: object) -> dict[str, int]:
        raise TooSlowError("It took ages.")

    room = Newsroom(busy.folder, busy.control, busy.store, parts={"excluded": slow})
    assert "It took ages." in site_page(room)


def test_properties_of_an_event_are_offered_once_it_is_chosen(room: Newsroom) -> None:
    """As tabs of the card of events, each a link."""
    site = room.site()
    download = pageview(site, 1, HOUR, name="Download", props={"file": "a.pdf", "a b": "c"})
    room.count(pageview(site, 1, HOUR), download)
    page = site_page(room)
    assert card_rows(page, "events") == [["Download", "1", "1"]]
    (chosen,) = links(page, "Download")
    page = site_page(room, chosen)
    (tab,) = links(page, "file")
    assert urlsplit(tab).query == "period=day&f=is,name,Download&events=props:file"
    assert card_rows(site_page(room, tab), "events") == [["a.pdf", "1", "100%"]]


def test_what_was_not_counted_is_told_by_reason(room: Newsroom) -> None:
    """With what the reasons mean; nothing left out is said as well."""
    site = room.site()
    room.count(pageview(site, 1, HOUR))
    assert "Nothing was left out" in site_page(room)
    room.count(
        Drops(site=site.id, date="2026-11-24", reason="bot", count=1_200),
        Drops(site=site.id, date="2026-11-24", reason="late", count=2),
        Drops(site=site.id, date="2026-11-23", reason="flood", count=7),
    )
    words = Markup(site_page(room)).words
    assert "Robots : crawlers, tools and headless browsers, by their user agent 1,200" in words
    assert "Too late" in words
    assert "Floods" not in words
