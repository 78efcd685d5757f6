"""Whether marks of days that are not sealed hold: what they add up to, counted one by one."""

from tests.house import House

_EVENTS = """
SELECT site, date, {value}
FROM live.events
WHERE name <> 'engagement'
GROUP BY ALL
HAVING count(*) FILTER (new_{value}) <> count(DISTINCT token)
"""
_ENGAGEMENT = "FROM live.events WHERE name = 'engagement' AND (new_page OR new_name OR new_hour)"
_VISITS = """
SELECT site, date, {value}
FROM live.visits
JOIN live.arrivals USING (arrival)
WHERE {mark} > 0
GROUP BY ALL
HAVING count(*) FILTER ({mark} < 3) <> count(DISTINCT token)
"""
# A visit is marked as its visitor's only one, or is one of several: the first with a value, or not.
_ALONE = "FROM live.visits WHERE (mark = 1) <> ({mark} = 1) AND {mark} > 0"
_UNSEEN = "FROM live.visits WHERE (view_mark = 0) <> (pageviews = 0)"
_OF_VISITS = {
    "view_mark": "pageviews > 0",
    "entry_page_mark": "entry_page",
    "exit_page_mark": "exit_page",
    "source_mark": "source",
    "channel_mark": "channel",
    "referrer_mark": "referrer",
    "utm_campaign_mark": "utm_campaign",
}


def check_marks(here: House) -> None:
    """Compare marks with what they stand for, in all that is loaded and not sealed."""
    for value in ("page", "name", "hour"):
        assert here.rows(_EVENTS.format(value=value)) == [], value
    for mark, value in _OF_VISITS.items():
        assert here.rows(_VISITS.format(mark=mark, value=value)) == [], mark
        assert here.rows(_ALONE.format(mark=mark)) == [], mark
    assert here.rows(_VISITS.format(mark="mark", value="true")) == []
    assert here.rows(_ENGAGEMENT) == here.rows(_UNSEEN) == []
